// The card of an open run asks every second how far it is; without this script it has a link.
// A picture that cannot be shown gives way to what lies behind it.
"use strict";

const INTERVAL = 1000; // milliseconds

function fill(card, news) {
  for (const place of card.querySelectorAll("[data-text]")) {
    const text = news.texts[place.dataset.text] ?? "";
    if (place.textContent !== text) place.textContent = text;
  }
  const bar = card.querySelector("progress");
  bar.max = Math.max(news.items, 1);
  bar.value = news.done;
  card.querySelector("[data-badge]").className = `vs-badge vs-badge-${news.colour}`;
  for (const form of card.querySelectorAll("[data-control]")) {
    form.hidden = !news.controls.includes(form.dataset.control);
  }
  const status = card.querySelector("[data-announcement]");
  // Said once: a text that stays is not read out again.
  if (status.textContent !== news.announcement) status.textContent = news.announcement;
  card.querySelector("[data-refresh]").hidden = news.open;
}

async function ask(card) {
  const answer = await fetch(card.dataset.progress, { headers: { Accept: "application/json" } });
  if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
  return answer.json();
}

async function watch(card) {
  const offline = card.querySelector("[data-offline]");
  for (let open = true; open; ) {
    if (!document.hidden) {
      try {
        const news = await ask(card);
        fill(card, news);
        open = news.open;
        offline.hidden = true;
      } catch {
        offline.hidden = false;
      }
    }
    await new Promise((resolve) => setTimeout(resolve, INTERVAL));
  }
}

function giveWay(picture) {
  if (picture.complete && !picture.naturalWidth) picture.hidden = true;
  picture.addEventListener("error", () => { picture.hidden = true; });
}

document.addEventListener("DOMContentLoaded", () => {
  document.querySelectorAll("[data-progress]").forEach(watch);
  document.querySelectorAll(".vs-thumb img, .vs-picture img").forEach(giveWay);
});
