// <visual-search>: see docs/storefront.md.

// --- Words (other languages: own files) ---

const ENGLISH = {
	camera: 'Search by photo',
	lead: 'Show us what you are looking for',
	take: 'Take a photo',
	choose: 'Choose a photo',
	drop: 'or drop or paste one here',
	terms: '{accept}, up to {megabytes} MB. Your photo is not stored.',
	close: 'Close',
	cancel: 'Cancel',
	sending: 'Sending your photo…',
	searching: 'Searching…',
	slow: 'This is taking longer than usual…',
	again: 'Try again',
	wait: 'You can try again in {n} s.',
	other: 'Another photo',
	photo: 'Your photo',
	box: 'Part of the photo to search for. Arrow keys move it, Shift with arrow keys resizes it.',
	hint: 'Drag the box, or tap what you are looking for.',
	boxed: 'Searching {wide}% × {high}% of the photo.',
	smaller: 'Smaller box',
	larger: 'Larger box',
	whole: 'Whole photo',
	found: 'Products like your photo',
	closest: 'The closest we have',
	none: 'No products match these filters',
	unlike: 'Nothing here matches your photo well. Draw the box around one item, or choose what it is.',
	count: { one: '{n} product', other: '{n} products' },
	remove: 'Remove filter: {label}',
	all: 'All',
	from: '{label}, from',
	to: '{label}, to',
	sort: 'Sort',
	more: 'More products',
	network: 'The shop cannot be reached. Check your connection.',
	failed: 'The search failed. Try again in a moment.',
	not_a_picture: 'This file is not an image. Choose one of: {accept}.',
	image_too_large: 'The photo is larger than {megabytes} MB. Choose a smaller one.',
	no_picture: 'This image cannot be loaded.',
};

/** Return a function that makes texts. */
async function wordsIn(language, given) {
	const base = language.split('-')[0].toLowerCase();
	const file = given ?? new URL(`visual-search.${base}.js`, import.meta.url);
	const other = base === 'en' || (await import(file).catch(() => ({}))).default;
	const texts = { ...ENGLISH, ...other };
	const plural = new Intl.PluralRules(language);
	return (key, values = {}) => {
		const text = texts[key] ?? texts.failed;
		const form = text[plural.select(values.n)] ?? text.other ?? text;
		return form.replace(/{(\w+)}/g, (_, name) => values[name]);
	};
}

// --- Looks ---

const STYLE = new CSSStyleSheet();
STYLE.replaceSync(`
:host{
	--ink:var(--vs-ink,CanvasText);
	--muted:var(--vs-muted,light-dark(#665f57,#b5ada3));
	--surface:var(--vs-surface,Canvas);
	--accent:var(--vs-accent,light-dark(#8a3b1c,#f0a878));
	--strong:var(--vs-accent-strong,var(--accent));
	--on-accent:var(--vs-on-accent,light-dark(#fff,#21120a));
	--tint:var(--vs-tint,color-mix(in srgb,var(--accent) 10%,var(--surface)));
	--error:var(--vs-error,light-dark(#a22,#f99));
	--radius:var(--vs-radius,14px);
	display:block;color:var(--ink);line-height:1.5;accent-color:var(--accent);
}
:host([compact]){display:inline-block}
:host([hidden]),[hidden]{display:none !important}
*{box-sizing:border-box}
h2,p,ul{margin:0;padding:0;list-style:none}
h2{font-size:1.65rem;font-weight:600;line-height:1.2;font-family:var(--vs-heading,inherit)}
:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
[tabindex="-1"]{outline:0}
svg{flex:none;width:1.35rem;height:1.35rem;fill:none;stroke:currentColor;stroke-width:1.7;stroke-linecap:round;stroke-linejoin:round}
progress{width:100%}
.muted{color:var(--muted);font-size:.9rem;font-weight:400}
.row{display:flex;flex-wrap:wrap;gap:.6rem;align-items:center}
.row div:has(h2){flex:1}

button,select,input{min-height:44px;font:inherit;font-weight:600;color:inherit;background:none;border:0}
button,.pick{display:flex;flex:none;gap:.5rem;align-items:center;border:1px solid var(--muted);border-radius:99px}
button{justify-content:center;min-width:44px;padding:.4rem 1.1rem;cursor:pointer}
button:hover,[data-over] #drop{border-color:var(--accent);background:var(--tint)}
button:disabled{opacity:.55}
.main{border:0;background:var(--accent);color:var(--on-accent)}
.main:hover{background:var(--strong)}
.round{padding:0}
select{max-width:12rem}
option{background:var(--surface)}
input{width:4.2rem;text-align:center;appearance:textfield}
::placeholder{color:var(--muted);opacity:1}

dialog{width:38rem;max-width:calc(100vw - 1.5rem);max-height:calc(100dvh - 1.5rem);padding:0 1.25rem 1.25rem;
	border:0;border-radius:var(--radius);background:var(--surface);color:inherit}
dialog:has([data-view=results]){width:76rem}
dialog::backdrop{background:#100c08a6}
.bar{position:sticky;top:0;z-index:3;justify-content:space-between;padding:.6rem 0;background:var(--surface)}
.bar h2{font-size:1.2rem}

#page{container-type:inline-size}
#page:is([data-view=working],[data-view=results]) .start,[data-view=start] .layout,#page:not([data-view=working]) .working,#page:not([data-view=results]) .done{display:none}
.start,#drop,.layout,.found,#photo,#error{display:grid;grid-template-columns:minmax(0,1fr);gap:1rem;align-content:start}
.start,#photo{justify-items:center;text-align:center;text-wrap:balance}
#drop{justify-items:center;width:100%;padding:2rem 1rem;border:2px dashed var(--accent);background:var(--surface)}
#drop>svg{width:3.6rem;height:3.6rem;padding:.85rem;border-radius:50%;background:var(--tint);color:var(--accent)}
#drop strong{font-size:1.1rem}
#drop .row{justify-content:center}
#take{display:none}
@media (any-pointer:coarse){#take{display:flex}}
@media (hover:none){#paste{display:none}}
#error{margin-bottom:1.5rem;padding:1rem;border:1px solid var(--error)}
[data-view=failed] .start{margin-top:1.5rem}
#error,#notice,#drop,.picture,.bone{border-radius:var(--radius)}
.found>button,#error button{justify-self:start}

#photo{--high:min(24rem,28dvh)}
#frame{position:relative;margin:8px;max-width:calc(100% - 16px)}
canvas{width:100%;height:100%}
.shade{position:absolute;inset:0;overflow:hidden;pointer-events:none}
#hole,#box{position:absolute;box-shadow:0 0 0 99rem #0d0a07a0}
#box{cursor:move;touch-action:none;box-shadow:0 0 0 2px #fff,0 0 0 3px #0006}
:where(#box i){position:absolute;top:50%;left:50%;width:44px;height:44px;translate:-50% -50%}
[data-sides*=n]{top:0}
[data-sides*=s]{top:100%}
[data-sides*=w]{left:0}
[data-sides*=e]{left:100%}
#box i::after{content:"";position:absolute;inset:15px;border-radius:50%;background:#fff;box-shadow:0 0 3px #000a}

#notice{padding:.8rem 1rem;background:var(--tint)}
.scroll{flex-wrap:nowrap;margin:-6px;padding:6px;overflow-x:auto;scrollbar-width:none}
.on,.pick:has(option:checked:not([value=""]),input:not(:placeholder-shown)){border-color:var(--accent);background:var(--tint)}
.row progress{width:2.5rem}
.pick{padding-inline:1rem .6rem;background:var(--surface)}
.grid{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1.75rem 1rem}
.grid[aria-busy=true]{opacity:.45}
.card{color:inherit;text-decoration:none}
.card,.card *,canvas{display:block}
.picture{width:100%;aspect-ratio:4/5;margin-bottom:.7rem;object-fit:contain;background:#fff}
.name{font-weight:600;overflow-wrap:anywhere}
.card:hover .name{text-decoration:underline}
.bone{aspect-ratio:4/6;background:var(--tint)}

@container (min-width:40rem){.grid{grid-template-columns:repeat(auto-fill,minmax(12rem,1fr));gap:2.25rem 1.5rem} .scroll{flex-wrap:wrap}}
@container (min-width:56rem){
	.layout:has(#photo:not([hidden])){grid-template-columns:20rem minmax(0,1fr);gap:3rem}
	#photo{--high:30rem;position:sticky;top:1.5rem}
}
`);

const ICONS = {
	camera: 'M4 7.5h4L9.5 5h5L16 7.5h4V19H4zM12 9.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8z',
	close: 'M6 6l12 12M18 6 6 18',
	smaller: 'M6 12h12',
	larger: 'M6 12h12M12 6v12',
};
const icon = (name) => (ICONS[name] ? `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${ICONS[name]}"/></svg>` : '');

function markup(w, compact) {
	const button = (id, look = '') => `<button id="${id}" class="${look}" part="button" aria-label="${w(id)}">${icon(id)}${look.includes('round') ? '' : w(id)}</button>`;
	const page = `
<div id="page" data-view="start">
<input type="file" id="files" accept="image/*" hidden><input type="file" id="shot" accept="image/*" capture="environment" hidden>
<div id="error" part="error" tabindex="-1" hidden><strong id="problem" role="alert"></strong>${button('again', 'main')}</div>
<div class="layout">
	<section id="photo" part="photo" aria-label="${w('photo')}" hidden>
		<div id="frame"><div class="shade done"><i id="hole"></i></div>
			<div class="done" id="box" part="box" tabindex="0" role="application" aria-label="${w('box')}">
				${'n e s w nw ne sw se'.split(' ').map((sides) => `<i data-sides="${sides}"></i>`).join('')}</div></div>
		<p class="muted done" id="hint" role="status">${w('hint')}</p>
		<div class="row done">${button('smaller', 'round')}${button('larger', 'round')}${button('whole')}</div>
	</section>
	<div class="found working">
		<p id="doing" role="status"></p>
		<progress id="progress" aria-label="${w('sending')}"></progress>${button('cancel')}
		<ul class="grid" aria-hidden="true">${'<li class="bone"></li>'.repeat(6)}</ul>
	</div>
	<section class="found done" aria-labelledby="heading">
		<div class="row"><div><h2 id="heading" part="heading" tabindex="-1"></h2><p class="muted" id="count" role="status"></p></div>${button('other')}</div>
		<p id="notice" part="notice">${w('unlike')}</p><div class="row scroll" id="classes"></div><div class="row scroll" id="filters"></div>
		<ul class="grid" id="grid" part="grid"></ul>${button('more')}
	</section>
</div>
<div class="start">
	<div id="drop" part="drop">${icon('camera')}<strong>${w('lead')}</strong>
		<div class="row">${button('take')}${button('choose', 'main')}</div>
		<p class="muted" id="paste">${w('drop')}</p></div>
	<p class="muted" id="terms"></p>
</div>
</div>`;
	return compact ? `${button('camera', 'main round')}
<dialog id="dialog" part="dialog" aria-label="${w('camera')}"><div class="row bar"><h2>${w('camera')}</h2>${button('close', 'round')}</div>${page}</dialog>` : page;
}

function el(tag, attributes, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (name.startsWith('on')) node[name] = value;
		else if (value != null) node.setAttribute(name, value);
	}
	node.append(...children);
	return node;
}

// --- The photo ---

const SIDE = 640; // pixels of the shorter side; the model reads fewer
const BYTES = 100_000;
const PICTURE = /^(ÿØÿ|‰PNG|GIF8|BM|RIFF|.{4}ftyp)/s;

/** A canvas of the photo, and what is sent of it: upright, small, without metadata. */
async function opened(file, megabytes) {
	const canvas = await drawn(file).catch(() => null);
	if (canvas) return { canvas, blob: await shrunk(canvas) };
	// Damaged or unsupported: the server decides.
	const start = new TextDecoder('latin1').decode(await file.slice(0, 12).arrayBuffer());
	if (!PICTURE.test(start)) throw refusal('not_a_picture');
	if (file.size > megabytes * 1e6) throw refusal('image_too_large');
	return { blob: file.slice(0, file.size, 'application/octet-stream') };
}

async function drawn(file) {
	const bitmap = await createImageBitmap(file);
	const scale = Math.min(1, SIDE / Math.min(bitmap.width, bitmap.height));
	const [width, height] = [bitmap.width, bitmap.height].map((side) => Math.ceil(side * scale));
	const canvas = el('canvas', { width, height });
	const context = canvas.getContext('2d');
	context.imageSmoothingQuality = 'high';
	context.fillStyle = '#fff'; // else black where transparent
	context.fillRect(0, 0, width, height);
	context.drawImage(bitmap, 0, 0, width, height);
	bitmap.close();
	return canvas;
}

async function shrunk(canvas, quality = 0.85) {
	const blob = await new Promise((done) => canvas.toBlob(done, 'image/jpeg', quality));
	return blob.size > BYTES && quality > 0.4 ? shrunk(canvas, quality - 0.15) : blob;
}

// The last photos stay in this tab.
const SHELF = 'visual-search';

function shelf() {
	try {
		return JSON.parse(sessionStorage.getItem(SHELF)) ?? [];
	} catch {
		return []; // no storage here
	}
}

function keep(id, canvas) {
	const photos = [{ id, url: canvas.toDataURL('image/jpeg', 0.8) }, ...shelf()].slice(0, 3);
	for (; photos.length; photos.pop()) {
		try {
			return sessionStorage.setItem(SHELF, JSON.stringify(photos));
		} catch { /* full: with one photo less, then */ }
	}
}

async function kept(id) {
	const jpeg = shelf().find((each) => each.id === id)?.url.split(',')[1];
	if (!jpeg) return null;
	const blob = new Blob([Uint8Array.from(atob(jpeg), (char) => char.charCodeAt(0))], { type: 'image/jpeg' });
	return { blob, canvas: await drawn(blob) };
}

// An error with a code of the API, or a key of the words.
const refusal = (code, more) => Object.assign(new Error(code), { code, ...more });

// --- The box over the photo: insets (top, right, bottom, left) in fractions ---

const LEAST = 0.1;
const ALL = 'nesw';
const ARROWS = { ArrowLeft: [-0.02, 0], ArrowRight: [0.02, 0], ArrowUp: [0, -0.02], ArrowDown: [0, 0.02] };
const within = (value, least, most) => Math.min(Math.max(value, least), most);

/** The box with some of its sides moved. */
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

// The API's x, y, w, h, to a thousandth.
const read = ([x, y, w, h]) => [y, 1 - x - w, 1 - y - h, x];
function written(box) {
	const [top, right, bottom, left] = box.map((share) => Math.round(share * 1000));
	return [left, top, 1000 - left - right, 1000 - top - bottom].map((share) => share / 1000);
}

/** `onchange`: called with the new box. */
class CropBox {
	#timer;

	constructor({ frame, box, hole }, onchange) {
		Object.assign(this, { frame, node: box, hole, onchange });
		box.onpointerdown = (event) => this.#drag(event);
		box.onkeydown = (event) => this.#press(event);
		frame.onclick = (event) => this.#tap(event);
	}

	hold(canvas) {
		const shape = canvas.width / canvas.height;
		Object.assign(this.frame.style, { aspectRatio: shape, width: `calc(var(--high) * ${shape})` });
		this.frame.querySelector('canvas')?.remove();
		this.frame.prepend(canvas);
	}

	show(box) {
		this.box = box;
		this.node.style.inset = this.hole.style.inset = box.map((share) => `${share * 100}%`).join(' ');
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
		target.setPointerCapture(pointerId);
		target.onpointermove = (to) =>
			this.show(dragged(box, target.dataset.sides ?? ALL, (to.clientX - clientX) / width, (to.clientY - clientY) / height));
		target.onlostpointercapture = () => {
			target.onpointermove = null;
			if (this.box !== box) this.change(this.box);
		};
	}

	#press(event) {
		const step = ARROWS[event.key];
		if (!step) return;
		event.preventDefault();
		this.change(dragged(this.box, event.shiftKey ? 'se' : ALL, ...step), 500);
	}

	/** Without dragging. */
	#tap({ target, offsetX, offsetY }) {
		if (target.localName !== 'canvas') return;
		const [top, right, bottom, left] = this.box;
		const [x, y] = [offsetX / target.clientWidth, offsetY / target.clientHeight];
		this.change(dragged(this.box, ALL, x - (1 + left - right) / 2, y - (1 + top - bottom) / 2));
	}
}

// --- The element ---

class VisualSearch extends HTMLElement {
	#language; #words; #headers; #facts; #ui; #crop; // made once
	#connected; #task; // AbortControllers
	#shown; // { photo, params, answer }

	async connectedCallback() {
		const { signal } = (this.#connected = new AbortController());
		this.#language ??= this.getAttribute('language') || this.closest('[lang]')?.lang || 'en';
		this.#words ??= await wordsIn(this.#language, this.getAttribute('texts'));
		if (signal.aborted) return;
		const key = this.getAttribute('api-key');
		this.#headers = { 'Accept-Language': this.#language, ...(key && { 'X-Api-Key': key }) };
		if (!this.#ui) this.#build();
		const listen = (target, type, act) => target.addEventListener(type, act, { signal });
		listen(document, 'paste', (event) => this.#paste(event));
		listen(document, 'click', (event) => this.#findSimilar(event));
		listen(window, 'popstate', () => this.hasAttribute('history') && this.#restore());
		listen(window, 'pagehide', () => this.#shown || this.#cancel()); // bfcache
		const restored = this.#restore(this.getAttribute('photo'));
		if (this.childElementCount) await restored; // the server's HTML until then
		if (this.shadowRoot) return;
		const root = this.attachShadow({ mode: 'open' });
		root.adoptedStyleSheets = [STYLE];
		root.append(this.#ui.content);
	}

	disconnectedCallback() {
		this.#connected.abort();
		this.#task?.abort();
	}

	#build() {
		const w = this.#words;
		const template = document.createElement('template');
		template.innerHTML = markup(w, this.hasAttribute('compact'));
		const { content } = template;
		const ui = (this.#ui = { content });
		for (const node of content.querySelectorAll('[id]')) ui[node.id] = node;
		this.#facts = { accept: this.getAttribute('accept') ?? 'JPEG, PNG', megabytes: this.getAttribute('max-megabytes') ?? 12 };
		ui.terms.textContent = w('terms', this.#facts);
		this.#crop = new CropBox(ui, (box) => {
			const crop = written(box);
			ui.hint.textContent = w('boxed', { wide: Math.round(crop[2] * 100), high: Math.round(crop[3] * 100) });
			this.#refine({ crop: crop.join() });
		});
		const choose = () => ui.files.click();
		const clicks = {
			choose,
			other: choose,
			take: () => ui.shot.click(),
			cancel: () => this.#cancel() ?? ui.choose.focus(),
			smaller: () => this.#crop.change(sized(this.#crop.box, 0.8)),
			larger: () => this.#crop.change(sized(this.#crop.box, 1.25)),
			whole: () => this.#crop.change([0, 0, 0, 0]),
			more: () => this.#run((signal) => this.#more(signal)),
			camera: () => this.open(),
			close: () => ui.dialog.close(),
		};
		for (const [id, act] of Object.entries(clicks)) if (ui[id]) ui[id].onclick = act;
		ui.files.onchange = ui.shot.onchange = ({ target }) => {
			if (target.files[0]) this.search(target.files[0]);
			target.value = ''; // the same photo may be chosen again
		};
		ui.page.ondragover = ui.page.ondragleave = ui.page.ondrop = (event) => this.#drop(event);
		if (ui.dialog) ui.dialog.onclose = () => this.#cancel();
	}

	#url(path) {
		return new URL(path, new URL(this.getAttribute('endpoint') ?? '/api/visual-search/', document.baseURI));
	}

	/** Request JSON; fetch() reports no progress. */
	#ask(path, params, signal, photo, onprogress) {
		const url = this.#url(path);
		if (params) url.search = new URLSearchParams({ limit: this.getAttribute('limit') ?? 12, ...params });
		const xhr = new XMLHttpRequest();
		xhr.open(photo ? 'POST' : 'GET', url);
		xhr.responseType = 'json';
		for (const name in this.#headers) xhr.setRequestHeader(name, this.#headers[name]);
		xhr.upload.onprogress = onprogress;
		signal.addEventListener('abort', () => xhr.abort());
		return new Promise((resolve, reject) => {
			xhr.onload = () => {
				const { status, response } = xhr;
				if (status === 200 && response) return resolve(response);
				const { code = status === 413 ? 'image_too_large' : 'failed', detail } = response?.errors?.[0] ?? {};
				reject(refusal(code, { detail, status, wait: Number(xhr.getResponseHeader('Retry-After')) }));
			};
			xhr.onerror = () => reject(refusal('network'));
			xhr.onabort = () => reject(signal.reason);
			xhr.send(photo);
		});
	}

	#tell(name, detail) {
		return this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));
	}

	// Ways in

	open() {
		const { dialog } = this.#ui;
		if (dialog && !dialog.open) dialog.showModal();
	}

	/** `file`: a Blob, or a function that fetches one. */
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
			this.#arrive(await this.#send(taken, { category: 'auto' }, signal), 'pushState');
			heading.focus();
		});
	}

	#paste(event) {
		const [file] = event.clipboardData.files;
		if (!file || event.defaultPrevented || !this.#ui.page.checkVisibility()) return;
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
		this.search(async (signal) => {
			const response = await fetch(url, { signal, credentials: 'omit' }).catch(() => ({}));
			if (!response.ok) throw refusal('no_picture');
			return response.blob();
		});
	}

	// A new task aborts the last

	async #run(task) {
		this.#task?.abort();
		const { signal } = (this.#task = new AbortController());
		const { grid, error: box, doing } = this.#ui;
		box.hidden = true;
		grid.ariaBusy = true;
		const timer = setTimeout(() => { doing.textContent = this.#words('slow'); }, 3000);
		await task(signal).catch((error) => signal.aborted || this.#fail(error, () => this.#run(task)));
		clearTimeout(timer);
		if (!signal.aborted) grid.ariaBusy = false;
	}

	#cancel() {
		this.#task?.abort();
		if (this.#shown) this.#show();
		else this.#ui.page.dataset.view = 'start';
	}

	#fail(error, retry) {
		const { code = 'failed', status = 0, wait = 0 } = error;
		const ui = this.#ui;
		const detail = error.detail || this.#words(code, this.#facts);
		if (!error.code) reportError(error);
		if (ui.page.dataset.view === 'working') ui.page.dataset.view = ui.photo.hidden ? 'start' : 'failed';
		ui.error.hidden = false;
		ui.problem.textContent = wait ? `${detail} ${this.#words('wait', { n: wait })}` : detail;
		ui.again.hidden = code !== 'network' && status < 429;
		ui.again.disabled = wait > 0;
		ui.again.onclick = retry;
		setTimeout(() => { ui.again.disabled = false; }, wait * 1000);
		ui.error.focus();
		this.#tell('error', { code, detail, status });
	}

	async #send(photo, params, signal) {
		const { doing, progress } = this.#ui;
		if (!this.#tell('search', { params })) this.#cancel();
		signal.throwIfAborted();
		this.#hold(photo);
		const onprogress = ({ loaded, total }) => {
			progress.value = loaded / total;
			if (loaded < total) return;
			progress.removeAttribute('value');
			doing.textContent = this.#words('searching');
		};
		const answer = await this.#ask('search/', params, signal, photo.blob, onprogress);
		if (photo.canvas) keep(answer.query_id, photo.canvas);
		return { photo, params, answer };
	}

	/** Ask again; resend the photo if needed. */
	async #look(id, photo, params, signal) {
		try {
			return { photo, params, answer: await this.#ask(`queries/${id}/`, params, signal) };
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

	/** Show the address's search, or `known`. */
	async #restore(known) {
		const address = this.hasAttribute('history') ? new URLSearchParams(location.search) : [];
		const { photo: id = known, offset, ...params } = Object.fromEntries(address);
		if (!id) {
			this.#shown = null;
			return this.#cancel();
		}
		await this.#run(async (signal) => {
			if (!this.#shown) this.#ui.page.dataset.view = 'working';
			const photo = await kept(id);
			this.#hold(photo);
			this.#arrive(await this.#look(id, photo, params, signal), 'replaceState');
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

	#arrive(found, change) {
		const { params, answer } = found;
		this.#tell('results', answer);
		const address = `?${new URLSearchParams({ photo: answer.query_id, ...params })}`;
		const page = this.getAttribute('results-url');
		if (page) return location.assign(page + address);
		if (this.hasAttribute('history') && address !== location.search) history[change](null, '', address);
		this.#shown = found;
		this.#show();
		this.#sift();
	}

	#hold(photo) {
		this.#ui.photo.hidden = !photo?.canvas;
		if (photo?.canvas) this.#crop.hold(photo.canvas);
	}

	#show() {
		const w = this.#words;
		const ui = this.#ui;
		const { photo, params, answer } = this.#shown;
		const { results, matched, subject, count, next } = answer;
		this.#hold(photo);
		this.#crop.show(read(params.crop?.split(',').map(Number) ?? subject ?? [0, 0, 1, 1]));
		ui.heading.textContent = w(!results.length ? 'none' : matched ? 'found' : 'closest');
		ui.count.textContent = w('count', { n: count });
		ui.notice.hidden = matched;
		ui.grid.replaceChildren(...results.map((hit, rank) => this.#card(hit, rank)));
		ui.more.hidden = !next;
		this.#refill(ui.classes, this.#classes(answer));
		ui.page.dataset.view = 'results';
	}

	#card({ product, image }, rank) {
		const { name, url, color, category, availability, price, price_label: label = price } = product;
		const line = (part, text) => (text ? el('span', { class: part, part }, text) : '');
		const picture = el('img', { class: 'picture', part: 'picture', src: image ?? product.image, alt: '', loading: rank > 3 ? 'lazy' : null });
		const onclick = (event) => {
			const { query_id } = this.#shown.answer;
			const body = new URLSearchParams({ query_id, event: 'click', product: product.key });
			fetch(this.#url('events/'), { method: 'POST', headers: this.#headers, body, keepalive: true }).catch(() => {});
			if (!this.#tell('select', { product, rank, query_id })) event.preventDefault();
		};
		return el('li', {}, el('a', { class: 'card', part: 'card', href: url, onclick }, picture,
			line('name', name), line('muted', [color, category].filter(Boolean).join(' · ')), line('price', label), line('availability', availability)));
	}

	#classes({ predictions, category }) {
		const chip = (value, attributes, ...content) =>
			el('button', { part: 'chip', 'data-key': value, onclick: () => this.#refine({ category: value }), ...attributes }, ...content);
		const percent = new Intl.NumberFormat(this.#language, { style: 'percent' });
		const others = predictions.filter(({ label, probability, offered }) => offered !== false && label !== category?.value && probability > 0.01).slice(0, 3);
		const chips = others.map(({ label, name = label, probability }) => chip(label, {}, name,
			el('progress', { value: probability, 'aria-hidden': true }), el('span', { class: 'muted' }, percent.format(probability))));
		if (!category) return chips;
		const on = chip('', { class: 'on', 'aria-label': this.#words('remove', category) }, category.label);
		on.insertAdjacentHTML('beforeend', icon('close'));
		return [on, ...chips];
	}

	/** Filters come later. */
	async #sift() {
		const { params, answer } = this.#shown;
		const { signal } = this.#task;
		const asked = this.#ask(`queries/${answer.query_id}/`, { ...params, limit: 1, facets: 1 }, signal);
		const { facets = [], orderings: options = [] } = await asked.catch(() => ({}));
		if (signal.aborted) return;
		for (const facet of facets) facet.options?.unshift({ value: '', label: this.#words('all') });
		if (options.length) facets.push({ name: 'ordering', label: this.#words('sort'), options, value: params.ordering });
		this.#refill(this.#ui.filters, facets.map((facet) => this.#pick(facet)));
	}

	#pick({ kind, name, label, value, options, min, max, min_param, max_param }) {
		const control = (tag, key, called, attributes, ...content) => {
			const onchange = ({ target }) => this.#refine({ [key]: target.value });
			return el(tag, { 'data-key': key, 'aria-label': called, onchange, ...attributes }, ...content);
		};
		const number = (key, text, bound, placeholder) =>
			control('input', key, this.#words(text, { label }), { type: 'number', step: 'any', value: bound, placeholder });
		const option = (each) =>
			el('option', { value: each.value, selected: each.value === value ? '' : null }, each.count ? `${each.label} (${each.count})` : each.label);
		const controls = kind === 'range'
			? [number(min_param, 'from', value[0], min), '–', number(max_param, 'to', value[1], max)]
			: [control('select', name, label, {}, ...options.map(option))];
		return el('div', { class: 'pick', part: 'filter' }, el('span', { class: 'muted' }, label), ...controls);
	}

	/** Keep the focus. */
	#refill(row, nodes) {
		const key = row.contains(this.shadowRoot?.activeElement) && this.shadowRoot.activeElement.dataset.key;
		row.replaceChildren(...nodes);
		if (key) (row.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? this.#ui.heading).focus();
	}
}

customElements.define('visual-search', VisualSearch);
