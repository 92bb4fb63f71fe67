// <visual-search>: search by photo on any page, with one tag and this one file; docs/storefront.md.
// The photo is turned upright and shrunk in the browser and sent to the shop's API; shown are the
// products, what is seen in the photo, filters, and a box to search for a part of the photo.

// --- Words: other languages are files beside this one ---

const ENGLISH = {
  title: 'Search by photo',
  lead: 'Show us what you are looking for',
  take: 'Take a photo',
  choose: 'Choose a photo',
  drop: 'or drop it here, or paste it',
  terms: '{accept}, up to {megabytes} MB. Your photo is not stored.',
  close: 'Close',
  cancel: 'Cancel',
  sending: 'Sending your photo…',
  searching: 'Searching…',
  slow: 'Still working: this takes longer than usual.',
  again: 'Try again',
  wait: { one: 'You can try again in {n} second.', other: 'You can try again in {n} seconds.' },
  other: 'Another photo',
  photo: 'Your photo',
  box: 'The part of the photo to search for. Arrow keys move it, with Shift they change its size.',
  hint: 'Drag the box, or tap what you are looking for.',
  boxed: 'The box is {wide} of the photo wide and {high} high.',
  smaller: 'Smaller box',
  larger: 'Larger box',
  whole: 'Whole photo',
  found: 'Products like your photo',
  closest: 'The closest we have',
  none: 'No product is left with these filters',
  unlike: 'Nothing here matches your photo well. Draw the box around one thing, or say what it is.',
  count: { one: '{n} product', other: '{n} products' },
  remove: 'Remove the filter: {label}',
  all: 'All',
  from: '{label}, from',
  to: '{label}, to',
  sort: 'Sort',
  more: 'More products',
  network: 'The shop cannot be reached. Check your connection.',
  failed: 'The search failed. Try again in a moment.',
  not_a_picture: 'This file is not a picture. Choose one of: {accept}.',
  image_too_large: 'The photo is larger than {megabytes} MB. Choose a smaller one.',
  no_picture: 'This picture cannot be loaded. Choose a photo.',
};

/** A function from a key and values to a sentence. */
async function wordsIn(language) {
  const base = language.split('-')[0].toLowerCase();
  const file = new URL(`visual-search.${base}.js`, import.meta.url);
  const other = base === 'en' ? {} : await import(file).catch(() => ({})); // none: English, then
  const texts = { ...ENGLISH, ...other.default };
  const plural = new Intl.PluralRules(language);
  return (key, values = {}) => {
    const text = texts[key] ?? texts.failed;
    const form = text[plural.select(values.n)] ?? text.other ?? text;
    return form.replace(/{(\w+)}/g, (_, name) => values[name]);
  };
}

// --- Looks: every colour can be set from outside ---

const STYLE = new CSSStyleSheet();
STYLE.replaceSync(`
:host {
  --ink: var(--vs-ink, light-dark(#1e1b17, #f3eee6));
  --muted: var(--vs-muted, light-dark(#655d54, #b5ab9f));
  --surface: var(--vs-surface, light-dark(#fff, #221f1b));
  --line: var(--vs-line, light-dark(#d9d1c5, #433d35));
  --accent: var(--vs-accent, light-dark(#8a3b1c, #f0a878));
  --strong: var(--vs-accent-strong, light-dark(#6d2c13, #f7bf9a));
  --on-accent: var(--vs-on-accent, light-dark(#fff, #21120a));
  --tint: var(--vs-tint, light-dark(#f4eadf, #2a241d));
  --error: var(--vs-error, light-dark(#a3201c, #ff9c94));
  --radius: var(--vs-radius, 14px);
  --field: color-mix(in srgb, var(--muted) 80%, var(--surface));
  display: block; color: var(--ink); line-height: 1.5; text-align: start; accent-color: var(--accent);
}
:host([compact]) { display: inline-block; }
:host([hidden]), [hidden] { display: none !important; }
* { box-sizing: border-box; }
h2, p, ul { margin: 0; padding: 0; list-style: none; }
h2 { font-size: clamp(1.5rem, 1.2rem + 1.5vw, 2rem); font-weight: 600; line-height: 1.2; font-family: var(--vs-heading, inherit); }
:focus-visible { outline: 3px solid var(--accent); outline-offset: 3px; }
h2:focus { outline: none; }
svg { flex: none; width: 1.35rem; height: 1.35rem; fill: none; stroke: currentColor; stroke-width: 1.7; stroke-linecap: round; stroke-linejoin: round; }
progress { width: 100%; }
.muted { color: var(--muted); font-size: .9rem; font-weight: 400; }
.row { display: flex; flex-wrap: wrap; gap: .6rem; align-items: center; }

button, select, input { min-height: 44px; font: inherit; font-weight: 600; color: inherit; background: none; border: 1px solid var(--field); border-radius: 99px; }
button { display: inline-flex; flex: none; gap: .5rem; align-items: center; justify-content: center; min-width: 44px; padding: .4rem 1.1rem; cursor: pointer; }
button:hover, [data-over] .drop { border-color: var(--accent); background: var(--tint); }
button:disabled { opacity: .55; cursor: default; }
.main { border-color: var(--accent); background: var(--accent); color: var(--on-accent); }
.main:hover { border-color: var(--strong); background: var(--strong); }
.round { padding: 0; }
select, input { border: 0; }
select { max-width: 10rem; }
option { background: var(--surface); }
input { width: 4.2rem; text-align: center; appearance: textfield; }
::placeholder { color: var(--muted); opacity: 1; }

dialog { width: min(38rem, 100vw - 1.5rem); max-width: none; max-height: calc(100dvh - 1.5rem); padding: 0 1.25rem 1.25rem; overscroll-behavior: contain;
  border: 1px solid var(--line); border-radius: calc(var(--radius) + 6px); background: var(--surface); color: inherit; }
dialog:has([data-view=results]) { width: min(76rem, 100vw - 1.5rem); }
dialog::backdrop { background: #100c08a6; }
.bar { position: sticky; top: 0; z-index: 3; display: flex; justify-content: space-between; align-items: center; padding: .6rem 0; background: var(--surface); }
.bar h2 { font-size: 1.2rem; }

#page { container-type: inline-size; }
#page:not([data-view=start]) .start, [data-view=start] .layout, #page:not([data-view=working]) .working, #page:not([data-view=results]) .done { display: none; }
.start, .drop, .layout, .found, .photo, .error { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1rem; align-content: start; }
.start, .photo { justify-items: center; text-align: center; text-wrap: balance; }
.drop { justify-items: center; width: 100%; padding: clamp(1.5rem, 6cqi, 2.75rem) 1rem; border: 2px dashed color-mix(in srgb, var(--accent) 50%, var(--line));
  border-radius: var(--radius); background: var(--surface); }
.drop svg:first-child { width: 3.6rem; height: 3.6rem; padding: .85rem; border-radius: 50%; background: var(--tint); color: var(--accent); }
.drop button svg:first-child { all: revert-layer; }
.drop strong { font-size: 1.1rem; font-weight: 600; }
.drop .row { justify-content: center; }
#take { display: none; }
@media (any-pointer: coarse) { #take { display: inline-flex; } }
@media (hover: none) { #paste { display: none; } }
.error { margin-bottom: 1.25rem; padding: 1rem 1.15rem; border: 1px solid var(--error); border-radius: var(--radius); }

.photo { --high: min(24rem, 34dvh); }
.frame { position: relative; margin: 8px; max-width: calc(100% - 16px); }
.frame canvas { display: block; width: 100%; height: 100%; }
.shade { position: absolute; inset: 0; overflow: hidden; }
.shade i, .box { position: absolute; box-shadow: 0 0 0 99rem #0d0a07a0; }
.box { cursor: move; touch-action: none; box-shadow: 0 0 0 2px #fff, 0 0 0 3px #0006; }
.box:focus-visible { outline-offset: 5px; }
.box i { position: absolute; width: 44px; height: 44px; translate: -50% -50%; }
.box i::after { content: ""; position: absolute; inset: 15px; border-radius: 50%; background: #fff; box-shadow: 0 0 3px #000a; }

.notice { padding: .8rem 1rem; border-radius: var(--radius); background: var(--tint); }
.scroll { flex-wrap: nowrap; margin: -6px; padding: 6px; overflow-x: auto; scrollbar-width: none; }
.on, .pick[data-set] { border-color: var(--accent); background: var(--tint); }
.row progress { width: 2.5rem; }
.pick { display: flex; flex: none; gap: .4rem; align-items: center; padding-inline: 1rem .6rem; border: 1px solid var(--field); border-radius: 99px; background: var(--surface); }
.grid { display: grid; grid-template-columns: repeat(2, minmax(0, 1fr)); gap: 1.75rem 1rem; }
.grid[aria-busy=true] { opacity: .45; }
.card { display: block; color: inherit; text-decoration: none; }
.card span { display: block; }
.picture { aspect-ratio: 4/5; overflow: hidden; margin-bottom: .7rem; border-radius: var(--radius); background: #fff; }
.picture img { width: 100%; height: 100%; object-fit: contain; }
.name { font-weight: 600; line-height: 1.3; overflow-wrap: anywhere; }
.card:hover .name { text-decoration: underline; }
.bone { aspect-ratio: 4/6; border-radius: var(--radius); background: var(--tint); animation: pulse 1.2s infinite alternate; }
@keyframes pulse { to { opacity: .4; } }
#more { justify-self: center; }

@container (min-width: 40rem) { .grid { grid-template-columns: repeat(auto-fill, minmax(12rem, 1fr)); gap: 2.25rem 1.5rem; } .scroll { flex-wrap: wrap; } }
@container (min-width: 56rem) {
  .layout:has(.photo:not([hidden])) { grid-template-columns: 20rem minmax(0, 1fr); gap: 3rem; }
  .photo { --high: 30rem; position: sticky; top: 1.5rem; }
}
@media (prefers-reduced-motion: reduce) { .bone { animation: none; } }
`);

const ICONS = {
  camera: 'M4 8.5A1.5 1.5 0 0 1 5.5 7h2.2l1.5-2.2h5.6L16.3 7h2.2A1.5 1.5 0 0 1 20 8.5v9a1.5 1.5 0 0 1-1.5 1.5h-13A1.5 1.5 0 0 1 4 17.5zM12 9.3a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8z',
  close: 'M6 6l12 12M18 6 6 18',
  smaller: 'M6 12h12',
  larger: 'M6 12h12M12 6v12',
  whole: 'M4 9V4h5M15 4h5v5M20 15v5h-5M9 20H4v-5',
};
const icon = (name) => `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[name]}"/></svg>`;

function markup(w, compact) {
  const button = (id, text = w(id), look = '') => `<button type="button" id="${id}" class="${look}" part="button">${text}</button>`;
  const round = (id, look = '', name = w(id)) => `<button type="button" id="${id}" class="round ${look}" part="button" aria-label="${name}" title="${name}">${icon(id)}</button>`;
  const page = `
<div id="page" data-view="start">
  <input type="file" id="files" accept="image/*" hidden><input type="file" id="shot" accept="image/*" capture="environment" hidden>
  <div class="error" id="error" part="error" hidden>
    <div role="alert"><strong id="problem"></strong><p class="muted" id="wait"></p></div>
    <div class="row">${button('again', w('again'), 'main')}${button('another', w('other'))}</div>
  </div>
  <div class="start">
    <div class="drop" part="drop">${icon('camera')}<strong>${w('lead')}</strong>
      <div class="row">${button('take', icon('camera') + w('take'))}${button('choose', w('choose'), 'main')}</div>
      <p class="muted" id="paste">${w('drop')}</p></div>
    <p class="muted" id="terms"></p>
  </div>
  <div class="layout">
    <section class="photo" id="photo" part="photo" aria-label="${w('photo')}" hidden>
      <div class="frame" id="frame"></div>
      <p class="muted done" id="hint" role="status">${w('hint')}</p>
      <div class="row done">${round('smaller')}${round('larger')}${button('whole', icon('whole') + w('whole'))}</div>
    </section>
    <div class="found working">
      <p id="doing" role="status"></p><progress id="progress" aria-label="${w('sending')}"></progress>
      <p class="muted" id="slow" role="status"></p><div>${button('cancel')}</div>
      <ul class="grid" aria-hidden="true">${'<li class="bone"></li>'.repeat(6)}</ul>
    </div>
    <section class="found done" aria-labelledby="heading">
      <div><h2 id="heading" part="heading" tabindex="-1"></h2><p class="muted" id="count" role="status"></p></div>
      <p class="notice" id="notice" part="notice"></p>
      <div class="row scroll" id="classes"></div>
      <div class="row scroll" id="filters"></div>
      <ul class="grid" id="grid" part="grid"></ul>${button('more')}<div>${button('other')}</div>
    </section>
  </div>
</div>`;
  return compact ? `${round('camera', 'main', w('title'))}
<dialog id="dialog" part="dialog" aria-labelledby="title"><div class="bar"><h2 id="title">${w('title')}</h2>${round('close')}</div>${page}</dialog>` : page;
}

/** An element with attributes and children; null leaves an attribute or a child out. */
function el(tag, attributes, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) if (value != null) node.setAttribute(name, value);
  node.append(...children.filter((child) => child != null));
  return node;
}

// --- The photo ---

const SIDE = 640; // pixels of the shorter side; the model reads fewer, even of a part
const BYTES = 100_000;
const PICTURE = /^(ÿØÿ|‰PNG|GIF8|BM|RIFF|II\*|MM\0|.{4}ftyp)/s;

/** A canvas that shows the photo, and what is sent of it: upright, small, without metadata. */
async function opened(file, megabytes) {
  const canvas = await drawn(file).catch(() => null);
  if (canvas) return { canvas, blob: await shrunk(canvas) };
  // Damaged, or nothing that this browser reads (often HEIC): if it is a picture, the server says which.
  const start = new TextDecoder('latin1').decode(await file.slice(0, 12).arrayBuffer());
  if (!PICTURE.test(start)) throw refusal('not_a_picture');
  if (file.size > megabytes * 1e6) throw refusal('image_too_large');
  return { blob: file };
}

async function drawn(file) {
  const bitmap = await createImageBitmap(file, { imageOrientation: 'from-image' });
  const scale = Math.min(1, SIDE / Math.min(bitmap.width, bitmap.height));
  const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.ceil(side * scale));
  const canvas = Object.assign(document.createElement('canvas'), { width, height });
  const context = canvas.getContext('2d');
  context.imageSmoothingQuality = 'high';
  context.fillStyle = '#fff'; // what is transparent would be black in a JPEG
  context.fillRect(0, 0, width, height);
  context.drawImage(bitmap, 0, 0, width, height);
  bitmap.close();
  return canvas;
}

async function shrunk(canvas) {
  let blob;
  for (const quality of [0.85, 0.75, 0.6, 0.4]) {
    blob = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', quality));
    if (blob.size <= BYTES) break;
  }
  return blob;
}

// The last photos stay in this tab, by the id of their search, for a reload and for the page of
// results. `crop`: the part that the search was made with, if not the whole.
const SHELF = 'visual-search';

function shelf() {
  try {
    return JSON.parse(sessionStorage.getItem(SHELF)) ?? [];
  } catch {
    return []; // no storage here
  }
}

function keep(id, { canvas, crop }) {
  const jpeg = canvas.toDataURL('image/jpeg', 0.8).split(',')[1];
  const photos = [{ id, crop, jpeg }, ...shelf()].slice(0, 3);
  for (; photos.length; photos.pop()) {
    try {
      return sessionStorage.setItem(SHELF, JSON.stringify(photos));
    } catch { /* full: with one photo less, then */ }
  }
}

async function kept(id) {
  const { jpeg, crop } = shelf().find((each) => each.id === id) ?? {};
  if (!jpeg) return null;
  const blob = new Blob([Uint8Array.from(atob(jpeg), (char) => char.charCodeAt(0))]);
  return { blob, crop, canvas: await drawn(blob).catch(() => null) };
}

// --- The API ---

/** Why there is no answer: a code of the API, or a key of the words above. */
const refusal = (code, more) => Object.assign(new Error(code), { code, ...more });

/** JSON over HTTP. Not fetch, which does not tell how much of a photo has been sent. */
function ask(url, language, signal, body, onprogress) {
  return new Promise((resolve, reject) => {
    const xhr = new XMLHttpRequest();
    xhr.open(body ? 'POST' : 'GET', url);
    xhr.responseType = 'json';
    xhr.timeout = 60_000;
    xhr.setRequestHeader('Accept-Language', language);
    if (body) xhr.upload.onprogress = onprogress;
    xhr.onload = () => {
      const { status, response } = xhr;
      if (status === 200 && response) return resolve(response);
      const { code = status === 413 ? 'image_too_large' : 'failed', detail } = response?.errors?.[0] ?? {};
      reject(refusal(code, { detail, status, wait: Number(xhr.getResponseHeader('Retry-After')) }));
    };
    xhr.onerror = xhr.ontimeout = () => reject(refusal('network'));
    xhr.onabort = () => reject(signal.reason);
    signal.addEventListener('abort', () => xhr.abort());
    xhr.send(body);
  });
}

// --- The box over the photo: insets as in CSS, fractions from its top, right, bottom and left ---

const WHOLE = [0, 0, 0, 0];
const LEAST = 0.1;
const ALL = 'nesw';
const ARROWS = { ArrowLeft: [-0.02, 0], ArrowRight: [0.02, 0], ArrowUp: [0, -0.02], ArrowDown: [0, 0.02] };
const within = (value, least, most) => Math.min(Math.max(value, least), most);

/** The box with some of its sides moved: 'n', 'se'…, or all of them. */
function dragged(box, sides, dx, dy) {
  const [top, right, bottom, left] = box;
  if (sides === ALL) [dx, dy] = [within(dx, -left, right), within(dy, -top, bottom)];
  return box.map((inset, n) => {
    const most = sides === ALL ? 1 : 1 - LEAST - box[(n + 2) % 4];
    return sides.includes(ALL[n]) ? within(inset + [dy, -dx, -dy, dx][n], 0, most) : inset;
  });
}

function sized(box, factor) {
  const sizes = box.map((inset, n) => 1 - inset - box[(n + 2) % 4]);
  const most = Math.max(factor, LEAST / Math.min(...sizes));
  return box.map((inset, n) => Math.max(0, inset + sizes[n] * (1 - most) / 2));
}

/** Between insets and the x,y,w,h of the API, which is exact to a thousandth. */
const read = ([x, y, w, h]) => [y, 1 - x - w, 1 - y - h, x];
function written(box) {
  const [top, right, bottom, left] = box.map((share) => Math.round(share * 1000));
  return [left, top, 1000 - left - right, 1000 - top - bottom].map((share) => share / 1000);
}

class CropBox {
  #timer;
  #hole = el('i', {});
  #shade = el('div', { class: 'shade done' }, this.#hole);

  /** `onchange(box)` is told when a customer has let go of it. */
  constructor(frame, name, onchange) {
    const node = el('div', { class: 'box done', part: 'box', tabindex: 0, role: 'application', 'aria-label': name });
    for (const sides of ['n', 'e', 's', 'w', 'nw', 'ne', 'sw', 'se']) {
      const handle = el('i', { 'data-sides': sides });
      const place = (before, after) => (sides.includes(before) ? '0' : sides.includes(after) ? '100%' : '50%');
      Object.assign(handle.style, { left: place('w', 'e'), top: place('n', 's'), cursor: `${sides}-resize` });
      node.append(handle);
    }
    node.addEventListener('pointerdown', (event) => this.#drag(event));
    node.addEventListener('keydown', (event) => this.#press(event));
    frame.addEventListener('click', (event) => this.#tap(event));
    Object.assign(this, { frame, node, onchange });
  }

  hold(canvas) {
    const shape = canvas.width / canvas.height;
    Object.assign(this.frame.style, { aspectRatio: shape, width: `calc(var(--high) * ${shape})` });
    this.frame.replaceChildren(canvas, this.#shade, this.node);
  }

  show(box) {
    this.box = box;
    this.node.style.inset = this.#hole.style.inset = box.map((share) => `${share * 100}%`).join(' ');
  }

  change(box, delay = 0) {
    this.show(box);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.onchange(box), delay);
  }

  #drag({ target, pointerId, clientX, clientY, button }) {
    if (button) return;
    const { box } = this;
    const { width, height } = this.frame.getBoundingClientRect();
    const move = (to) => this.show(dragged(box, target.dataset.sides ?? ALL, (to.clientX - clientX) / width, (to.clientY - clientY) / height));
    target.setPointerCapture(pointerId);
    target.addEventListener('pointermove', move);
    target.addEventListener('lostpointercapture', () => {
      target.removeEventListener('pointermove', move);
      if (this.box !== box) this.change(this.box);
    }, { once: true });
  }

  #press(event) {
    const step = ARROWS[event.key];
    if (!step) return;
    event.preventDefault();
    this.change(dragged(this.box, event.shiftKey ? 'se' : ALL, ...step), 500);
  }

  /** Nobody must drag: a tap beside the box brings it there. */
  #tap({ target, clientX, clientY }) {
    if (this.node.contains(target)) return;
    const { left, top, width, height } = this.node.getBoundingClientRect();
    const frame = this.frame.getBoundingClientRect();
    this.change(dragged(this.box, ALL, (clientX - left - width / 2) / frame.width, (clientY - top - height / 2) / frame.height));
  }
}

// --- The element ---

class VisualSearch extends HTMLElement {
  #words; #ui; #crop; // made once
  #connected; #task; // AbortControllers: of its time on the page, of what it is doing
  #shown; // { photo, params, answer }

  async connectedCallback() {
    const { signal } = (this.#connected = new AbortController());
    this.#words ??= await wordsIn(this.#language);
    if (signal.aborted) return;
    if (!this.#ui) this.#build();
    document.addEventListener('paste', (event) => this.#paste(event), { signal });
    document.addEventListener('click', (event) => this.#findSimilar(event), { signal });
    addEventListener('popstate', () => this.#restore(), { signal });
    addEventListener('pagehide', () => this.#ui.dialog?.close(), { signal });
    const restored = this.#restore();
    if (this.childElementCount) await restored; // what the server has rendered is shown until then
    if (this.shadowRoot) return;
    const root = this.attachShadow({ mode: 'open' });
    root.adoptedStyleSheets = [STYLE];
    root.append(this.#ui.content);
  }

  disconnectedCallback() {
    this.#connected.abort();
    this.#task?.abort();
  }

  get #language() {
    return this.getAttribute('language') || this.closest('[lang]')?.lang || 'en';
  }

  get #facts() {
    return { accept: this.getAttribute('accept') ?? 'JPEG, PNG, WebP', megabytes: this.getAttribute('max-megabytes') ?? 12 };
  }

  #build() {
    const w = this.#words;
    const template = document.createElement('template');
    template.innerHTML = markup(w, this.hasAttribute('compact'));
    const { content } = template;
    const ui = (this.#ui = { content });
    for (const node of content.querySelectorAll('[id]')) ui[node.id] = node;
    ui.terms.textContent = w('terms', this.#facts);
    this.#crop = new CropBox(ui.frame, w('box'), (box) => {
      const crop = written(box);
      ui.hint.textContent = w('boxed', { wide: this.#percent(crop[2]), high: this.#percent(crop[3]) });
      this.#refine({ crop: crop.join() });
    });
    const choose = () => ui.files.click();
    const clicks = {
      choose,
      other: choose,
      another: choose,
      take: () => ui.shot.click(),
      cancel: () => this.#cancel(),
      smaller: () => this.#crop.change(sized(this.#crop.box, 0.8)),
      larger: () => this.#crop.change(sized(this.#crop.box, 1.25)),
      whole: () => this.#crop.change(WHOLE),
      more: () => this.#run((signal) => this.#more(signal)),
      camera: () => this.open(),
      close: () => ui.dialog.close(),
    };
    for (const [id, act] of Object.entries(clicks)) ui[id]?.addEventListener('click', act);
    for (const input of [ui.files, ui.shot]) {
      input.addEventListener('change', () => {
        if (input.files[0]) this.search(input.files[0]);
        input.value = ''; // the same photo may be chosen again
      });
    }
    for (const type of ['dragover', 'dragleave', 'drop']) ui.page.addEventListener(type, (event) => this.#drop(event));
    ui.dialog?.addEventListener('close', () => this.#cancel());
  }

  #ask(path, params, ...rest) {
    const url = new URL(path, new URL(this.getAttribute('endpoint') ?? '/api/visual-search/', document.baseURI));
    if (params) url.search = new URLSearchParams({ limit: this.getAttribute('limit') ?? 12, ...params });
    return ask(url, this.#language, ...rest);
  }

  #tell(name, detail) {
    return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));
  }

  #percent(share) {
    return new Intl.NumberFormat(this.#language, { style: 'percent' }).format(share);
  }

  // Ways in

  open() {
    const { dialog } = this.#ui;
    if (dialog && !dialog.open) dialog.showModal();
  }

  /** Search by a file, or by the one that a function fetches. */
  search(file) {
    this.open();
    const { page, photo, cancel, doing, heading } = this.#ui;
    return this.#run(async (signal) => {
      photo.hidden = true;
      page.dataset.view = 'working';
      cancel.focus();
      doing.textContent = this.#words('sending');
      const taken = await opened(file instanceof Blob ? file : await file(signal), this.#facts.megabytes);
      signal.throwIfAborted();
      await this.#arrive(await this.#send(taken, { category: 'auto' }, signal), 'pushState');
      heading.focus();
    });
  }

  #paste(event) {
    const [file] = event.clipboardData.files;
    const other = document.activeElement.localName === this.localName && document.activeElement !== this;
    if (!file || other || event.defaultPrevented || !this.#ui.page.checkVisibility()) return;
    event.preventDefault();
    this.search(file);
  }

  #drop(event) {
    event.preventDefault();
    this.#ui.page.toggleAttribute('data-over', event.type === 'dragover');
    const [file] = event.dataTransfer.files;
    if (event.type === 'drop' && file) this.search(file);
  }

  #findSimilar(event) {
    const url = event.target.closest?.('[data-find-similar]')?.dataset.findSimilar;
    if (!url || document.querySelector(this.localName) !== this) return;
    event.preventDefault();
    this.scrollIntoView({ block: 'nearest' });
    this.search(async (signal) => {
      const response = await fetch(url, { signal, credentials: 'omit' }).catch(() => ({}));
      if (!response.ok) throw refusal('no_picture');
      return response.blob();
    });
  }

  // One thing at a time: a new task ends the one before it

  async #run(task) {
    this.#task?.abort();
    const { signal } = (this.#task = new AbortController());
    const { grid, error: box, slow } = this.#ui;
    box.hidden = true;
    slow.textContent = '';
    grid.ariaBusy = true;
    const timer = setTimeout(() => { slow.textContent = this.#words('slow'); }, 3000);
    try {
      await task(signal);
    } catch (error) {
      if (!signal.aborted) this.#fail(error, () => this.#run(task));
    }
    clearTimeout(timer);
    if (!signal.aborted) grid.ariaBusy = false;
  }

  #cancel() {
    const { page, choose } = this.#ui;
    this.#task?.abort();
    if (this.#shown) this.#show();
    else page.dataset.view = 'start';
    choose.focus();
  }

  #fail(error, retry) {
    const { code = 'failed', status = 0, wait = 0 } = error;
    if (!error.code) reportError(error);
    const { page, photo, error: box, problem, wait: waiting, again, another } = this.#ui;
    const detail = error.detail || this.#words(code, this.#facts);
    if (page.dataset.view === 'working') page.dataset.view = photo.hidden ? 'start' : 'failed';
    box.hidden = false;
    problem.textContent = detail;
    waiting.textContent = wait ? this.#words('wait', { n: wait }) : '';
    again.hidden = code !== 'network' && status < 429;
    again.disabled = wait > 0;
    again.onclick = retry;
    setTimeout(() => { again.disabled = false; }, wait * 1000);
    (again.hidden || wait ? another : again).focus();
    this.#tell('error', { code, detail, status });
  }

  async #send(photo, params, signal) {
    const { doing, progress } = this.#ui;
    if (!this.#tell('search', { params })) this.#cancel();
    signal.throwIfAborted();
    this.#hold(photo);
    doing.textContent = this.#words('sending');
    const body = new FormData();
    body.append('image', photo.blob, 'photo.jpg');
    const onprogress = ({ loaded, total }) => {
      progress.value = loaded / total;
      if (loaded < total) return;
      progress.removeAttribute('value');
      doing.textContent = this.#words('searching');
    };
    const answer = await this.#ask('search/', params, signal, body, onprogress);
    photo.crop = params.crop;
    if (photo.canvas) keep(answer.query_id, photo);
    return { photo, params, answer };
  }

  /** A search that the server knows, asked in another way; the photo is sent again only if it must be. */
  async #look(id, photo, params, signal) {
    const { crop, ...rest } = params;
    try {
      if (photo?.crop && photo.crop !== crop) throw refusal('crop_unavailable');
      return { photo, params, answer: await this.#ask(`queries/${id}/`, photo?.crop ? rest : params, signal) };
    } catch (error) {
      if (!photo || !['crop_unavailable', 'query_not_found'].includes(error.code)) throw error;
      return this.#send(photo, params, signal);
    }
  }

  #refine(changes) {
    const { photo, params: before, answer } = this.#shown;
    const params = Object.fromEntries(Object.entries({ ...before, ...changes }).filter(([, value]) => value));
    return this.#run(async (signal) => this.#arrive(await this.#look(answer.query_id, photo, params, signal), 'pushState'));
  }

  /** The search that the page's address or the attribute names. */
  async #restore() {
    const address = this.hasAttribute('history') ? new URLSearchParams(location.search) : [];
    const { photo: id = this.getAttribute('photo'), offset, ...params } = Object.fromEntries(address);
    if (!id) return;
    await this.#run(async (signal) => {
      if (!this.#shown) this.#ui.page.dataset.view = 'working';
      const photo = await kept(id);
      this.#hold(photo);
      await this.#arrive(await this.#look(id, photo, params, signal), 'replaceState');
    });
  }

  async #more(signal) {
    const { grid, more } = this.#ui;
    const { answer } = this.#shown;
    const { results, next } = await this.#ask(answer.next, null, signal);
    const shown = grid.childElementCount;
    answer.next = next;
    more.hidden = !next;
    grid.append(...results.map((hit, place) => this.#card(hit, shown + place)));
    grid.children[shown]?.firstChild.focus();
  }

  // What is shown

  async #arrive(found, change) {
    const { params, answer } = found;
    this.#tell('results', answer);
    const address = `?${new URLSearchParams({ photo: answer.query_id, ...params })}`;
    const page = this.getAttribute('results-url');
    if (page) return location.assign(page + address);
    if (this.hasAttribute('history') && address !== location.search) history[change](null, '', address);
    this.#shown = found;
    this.#show();
    await this.#sift();
  }

  #hold(photo) {
    this.#ui.photo.hidden = !photo?.canvas;
    if (photo?.canvas) this.#crop.hold(photo.canvas);
  }

  #show() {
    const { page, heading, count, notice, grid, more, classes } = this.#ui;
    const { photo, params, answer } = this.#shown;
    const { results, matched } = answer;
    const w = this.#words;
    this.#hold(photo);
    this.#crop.show(read(params.crop?.split(',').map(Number) ?? answer.subject ?? [0, 0, 1, 1]));
    heading.textContent = w(!results.length ? 'none' : matched ? 'found' : 'closest');
    count.textContent = w('count', { n: answer.count });
    notice.hidden = matched;
    notice.textContent = w('unlike');
    grid.replaceChildren(...results.map((hit, rank) => this.#card(hit, rank)));
    more.hidden = !answer.next;
    this.#refill(classes, this.#classes(answer));
    page.dataset.view = 'results';
  }

  #card({ product, image }, rank) {
    const { name, url, color, category, price, price_label: label = price } = product;
    const line = (part, text) => text && el('span', { class: part, part }, text);
    const picture = el('img', { src: image ?? product.image, alt: '', loading: rank > 3 ? 'lazy' : null });
    const link = el('a', { class: 'card', part: 'card', href: url }, el('span', { class: 'picture', part: 'picture' }, picture),
      line('name', name), line('muted', [color, category].filter(Boolean).join(' · ')), line('price', label));
    link.addEventListener('click', (event) => {
      if (!this.#tell('select', { product, rank, query_id: this.#shown.answer.query_id })) event.preventDefault();
    });
    return el('li', {}, link);
  }

  #classes({ predictions, category }) {
    const chip = (look, value, ...content) => {
      const node = el('button', { type: 'button', class: look, part: 'chip', 'data-key': value }, ...content);
      node.addEventListener('click', () => this.#refine({ category: value }));
      return node;
    };
    const others = predictions.filter(({ label, probability }) => label !== category?.value && probability >= 0.01).slice(0, 3);
    const chips = others.map(({ label, name = label, probability }) => chip('', label, name,
      el('progress', { value: probability, 'aria-hidden': true }), el('span', { class: 'muted' }, this.#percent(probability))));
    if (category) {
      const on = chip('on', '', category.label);
      on.ariaLabel = this.#words('remove', category);
      on.insertAdjacentHTML('beforeend', icon('close'));
      chips.unshift(on);
    }
    return chips;
  }

  /** What the results can be narrowed and ordered by comes after them. */
  async #sift() {
    const { params, answer } = this.#shown;
    const { signal } = this.#task;
    const { facets = [], orderings = [] } = await this.#ask(`queries/${answer.query_id}/`, { ...params, limit: 1, facets: 1 }, signal).catch(() => ({}));
    if (signal.aborted) return;
    const sort = { name: 'ordering', label: this.#words('sort'), options: orderings, value: params.ordering };
    const picks = [...facets, ...(orderings.length ? [sort] : [])];
    this.#refill(this.#ui.filters, picks.map((facet) => this.#pick(facet)));
  }

  #pick({ kind, name, label, value, options, min, max, min_param, max_param }) {
    const control = (tag, key, attributes, ...content) => {
      const node = el(tag, { 'data-key': key, ...attributes }, ...content);
      node.addEventListener('change', () => this.#refine({ [key]: node.value }));
      return node;
    };
    const bound = (key, text, value, placeholder) => control('input', key, { type: 'number', min: 0, step: 'any', value, placeholder, 'aria-label': this.#words(text, { label }) });
    const option = ({ value: each, label: text, count }) => el('option', { value: each, selected: each === value ? '' : null }, count ? `${text} (${count})` : text);
    const all = name === 'ordering' ? [] : [{ value: '', label: this.#words('all') }];
    const controls = kind === 'range'
      ? [bound(min_param, 'from', value[0], min), '–', bound(max_param, 'to', value[1], max)]
      : [control('select', name, {}, ...[...all, ...options].map(option))];
    const set = kind === 'range' ? value.some((each) => each != null) : value;
    return el(kind === 'range' ? 'div' : 'label', { class: 'pick', part: 'filter', 'data-set': set || null }, el('span', { class: 'muted' }, label), ...controls);
  }

  /** New controls in place of old ones; who used one of them finds it again. */
  #refill(row, nodes) {
    const key = row.contains(this.shadowRoot?.activeElement) && this.shadowRoot.activeElement.dataset.key;
    row.replaceChildren(...nodes);
    if (key) (row.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? this.#ui.heading).focus();
  }
}

customElements.define('visual-search', VisualSearch);
