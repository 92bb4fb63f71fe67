// The form of a ranking rule: shows what belongs to the choices, and finds products by name.
// Without this script all fields are shown, and products are typed in by their keys.
"use strict";

const PAUSE = 250; // milliseconds after the last key

function later(work) {
  let timer = 0;
  return (...values) => {
    clearTimeout(timer);
    timer = setTimeout(() => work(...values), PAUSE);
  };
}

function element(name, text = "", values = {}) {
  const made = Object.assign(document.createElement(name), values);
  made.textContent = text;
  return made;
}

function pictured(product) {
  const picture = element("span", "", { className: "vs-thumb" });
  if (product.image) picture.append(element("img", "", { src: product.image, alt: "" }));
  const name = element("span", product.name, { className: "vs-name" });
  if (product.name !== product.key) name.append(" ", element("span", product.key, { className: "vs-file" }));
  return [picture, name];
}

async function ask(url, options) {
  const answer = await fetch(url, options);
  if (!answer.ok || answer.redirected) throw new Error(answer.statusText);
  return answer;
}

// Show only what belongs to the chosen radio buttons.
function arrange(rule) {
  const form = rule.closest("form");
  for (const name of ["action", "selection"]) {
    const chosen = form.querySelector(`[name=${name}]:checked`)?.value ?? "";
    for (const part of rule.querySelectorAll(`[data-for-${name}]`)) {
      part.hidden = part.getAttribute(`data-for-${name}`) !== chosen;
    }
  }
  // Only chosen products have an order, and nobody wants to see first what is out of stock.
  const action = form.querySelector("[name=action]:checked")?.value ?? "";
  for (const radio of form.querySelectorAll("[name=selection]")) {
    const possible = radio.value === "chosen" || (radio.value === "filter" ? action !== "pin" : !["pin", "boost"].includes(action));
    radio.closest("label").hidden = !possible;
    if (!possible && radio.checked) {
      form.querySelector("[name=selection][value=chosen]").checked = true;
      arrange(rule);
    }
  }
}

function picker(rule, changed) {
  const area = rule.querySelector("[name=products]");
  const place = rule.querySelector("[data-picker]");
  const input = place.querySelector("input");
  const found = place.querySelector("#vs-found");
  const list = place.querySelector("[data-chosen]");
  const none = place.querySelector("[data-none]");
  const products = new Map();
  let asked = 0;

  const keys = () => area.value.split("\n").map((key) => key.trim()).filter(Boolean);
  function set(values) {
    area.value = values.join("\n");
    draw();
    changed();
  }
  function button(text, label, work, disabled = false) {
    const made = element("button", text, { type: "button", className: "button vs-quiet", disabled });
    made.setAttribute("aria-label", label);
    made.addEventListener("click", work);
    return made;
  }
  function draw() {
    const values = keys();
    list.replaceChildren(...values.map((key, at) => {
      const product = products.get(key) ?? { key, name: key, image: null };
      const line = document.createElement("li");
      const moved = (by) => {
        const order = keys();
        order.splice(at + by, 0, ...order.splice(at, 1));
        set(order);
        list.children[at + by].querySelectorAll("button")[by < 0 ? 0 : 1].focus();
      };
      line.append(...pictured(product),
        button("↑", `${list.dataset.up}: ${product.name}`, () => moved(-1), at === 0),
        button("↓", `${list.dataset.down}: ${product.name}`, () => moved(1), at === values.length - 1),
        button("×", `${list.dataset.remove}: ${product.name}`, () => set(keys().filter((each) => each !== key))));
      return line;
    }));
  }
  function close() {
    found.hidden = true;
    input.setAttribute("aria-expanded", "false");
    input.removeAttribute("aria-activedescendant");
  }
  function choose(product) {
    products.set(product.key, product);
    if (!keys().includes(product.key)) set([...keys(), product.key]);
    input.value = "";
    close();
    input.focus();
  }
  function mark(option) {
    found.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", option.id);
  }
  const search = later(async () => {
    const text = input.value.trim();
    const turn = ++asked;
    none.textContent = "";
    if (!text) return close();
    const answer = await ask(`${rule.dataset.products}?q=${encodeURIComponent(text)}`);
    const news = await answer.json();
    if (turn !== asked) return;
    found.replaceChildren(...news.products.map((product, at) => {
      const option = element("li", "", { id: `vs-option-${at}` });
      option.setAttribute("role", "option");
      option.setAttribute("aria-selected", "false");
      option.append(...pictured(product));
      option.addEventListener("click", () => choose(product));
      option.product = product;
      return option;
    }));
    if (!news.products.length) none.textContent = none.dataset.text;
    found.hidden = !news.products.length;
    input.setAttribute("aria-expanded", String(!found.hidden));
    if (!found.hidden) mark(found.firstElementChild);
  });
  input.addEventListener("input", search);
  input.addEventListener("keydown", (event) => {
    const marked = found.querySelector("[aria-selected=true]");
    if (event.key === "Enter") {
      event.preventDefault(); // it would save the form
      if (!found.hidden && marked) choose(marked.product);
    } else if (event.key === "Escape") {
      close();
    } else if (!found.hidden && marked && ["ArrowDown", "ArrowUp"].includes(event.key)) {
      event.preventDefault();
      const next = event.key === "ArrowDown" ? marked.nextElementSibling : marked.previousElementSibling;
      if (next) mark(next);
    }
  });
  document.addEventListener("click", (event) => { if (!place.contains(event.target)) close(); });

  place.hidden = false;
  rule.querySelector("[data-plain]").hidden = true;
  draw();
  if (keys().length) {
    const query = keys().map((key) => `key=${encodeURIComponent(key)}`).join("&");
    ask(`${rule.dataset.products}?${query}`).then((answer) => answer.json()).then((news) => {
      for (const product of news.products) products.set(product.key, product);
      draw();
    });
  }
}

document.addEventListener("DOMContentLoaded", () => {
  const rule = document.querySelector("[data-rule]");
  if (!rule) return;
  const form = rule.closest("form");
  const place = rule.querySelector("[data-found]");
  const count = later(async () => {
    const answer = await ask(rule.dataset.matches, { method: "POST", body: new FormData(form) });
    place.innerHTML = await answer.text();
  });
  form.addEventListener("change", () => { arrange(rule); count(); });
  rule.querySelector(".vs-fields[data-for-selection]")?.addEventListener("input", count);
  picker(rule, count);
  arrange(rule);
  if (form.querySelector("[name=selection]:checked")) count();
});
