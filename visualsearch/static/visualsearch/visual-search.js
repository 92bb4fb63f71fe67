// The element <visual-search> and its start view.

const ENGLISH = {
	camera: 'Search by photo',
	lead: 'Show us what you are looking for',
	take: 'Take a photo',
	choose: 'Choose a photo',
	drop: 'or drop or paste one here',
	describe: 'Describe it',
	example: 'for example: in navy',
	terms: '{accept}, up to {megabytes} MB. Your photo is not stored.',
	close: 'Close',
	again: 'Try again',
	network: 'The shop cannot be reached. Check your connection.',
};

// Django can hash literal names. Firefox remembers failures, so another attempt needs other names.
function modules(attempt) {
	const again = (name) => import(new URL(`visual-search-${name}.js?${attempt}`, import.meta.url));
	return Promise.all(attempt ? ['search', 'photo', 'results'].map(again) : [import('./visual-search-search.js'), import('./visual-search-photo.js'), import('./visual-search-results.js')]);
}

function sheet(css) {
	const made = new CSSStyleSheet();
	made.replaceSync(css);
	return made;
}

const STYLE = sheet(`
:host{
	--ink:var(--vs-ink,CanvasText);
	--muted:var(--vs-muted,light-dark(#665f57,#b5ada3));
	--surface:var(--vs-surface,Canvas);
	--accent:var(--vs-accent,light-dark(#8a3b1c,#f0a878));
	--on-accent:var(--vs-on-accent,light-dark(#fff,#21120a));
	--tint:var(--vs-tint,color-mix(in srgb,var(--accent) 10%,var(--surface)));
	--radius:var(--vs-radius,14px);
	display:block;color:var(--ink);line-height:1.5;
}
:host([compact]){display:inline-block}
:host([hidden]),[hidden]{display:none !important}
*{box-sizing:border-box}
h2,p{margin:0}
:focus-visible{outline:3px solid var(--accent);outline-offset:3px}
svg{flex:none;width:1.35rem;height:1.35rem;fill:none;stroke:currentColor;stroke-width:1.7;stroke-linecap:round;stroke-linejoin:round}
.muted,::placeholder{color:var(--muted);font-size:.9rem;font-weight:400;opacity:1}
.row{display:flex;flex-wrap:wrap;gap:.6rem;align-items:center}
button,input{min-height:44px;font:inherit;font-weight:600;color:inherit;background:none;border:0}
button,.pick{display:flex;flex:none;gap:.5rem;align-items:center;border:1px solid var(--muted);border-radius:99px}
button{justify-content:center;min-width:44px;padding:.4rem 1.1rem;cursor:pointer}
button:hover,[data-over] #drop{border-color:var(--accent);background:var(--tint)}
.main{border:0;background:var(--accent);color:var(--on-accent)}
.main:hover{background:var(--vs-accent-strong,var(--accent))}
.round{padding:0}
.pick{padding-inline:1rem .6rem;background:var(--surface)}
form{width:100%;max-width:26rem}
label{display:flex;flex:1;gap:.5rem;align-items:center;min-width:0}
[type=search]{flex:1;min-width:0}
dialog{width:38rem;padding:0 1.25rem 1.25rem;border:0;border-radius:var(--radius);background:var(--surface);color:inherit}
dialog::backdrop{background:#100c08a6}
.bar{justify-content:space-between;padding:.6rem 0}
.bar h2{font:600 1.2rem var(--vs-heading,inherit)}
.start,#drop,#error{display:grid;grid-template-columns:minmax(0,1fr);gap:1rem}
.start,#drop{justify-items:center;text-align:center}
#drop,#error{width:100%;padding:2rem 1rem;border:2px dashed var(--accent);border-radius:var(--radius);background:var(--surface)}
#drop>svg{width:3.6rem;height:3.6rem;padding:.85rem;border-radius:50%;background:var(--tint);color:var(--accent)}
#drop .row{justify-content:center}
#take{display:none}
@media (any-pointer:coarse){#take{display:flex}}
@media (hover:none){#paste{display:none}}
#error{justify-items:start;margin-bottom:1.5rem;padding:1rem;border:1px solid var(--vs-error,light-dark(#a22,#f99))}
`);

const CAMERA = 'M4 7.5h4L9.5 5h5L16 7.5h4V19H4zM12 9.6a3.4 3.4 0 1 0 0 6.8 3.4 3.4 0 0 0 0-6.8z';
const icon = (path) => `<svg viewBox="0 0 24 24" aria-hidden="true"><path d="${path}"/></svg>`;
const button = (id, label, look = '', path = '') => `<button id="${id}" class="${look}" part="button" aria-label="${label}">${path ? icon(path) : label}</button>`;
const field = (id, texts, more = '') => `<form class="pick" id="${id}" part="words"><label><span class="muted">${texts.describe}</span>
<input type="search" aria-label="${texts.describe}" maxlength="200" placeholder="${texts.example}"></label>${more}</form>`;

function markup(texts, compact) {
	const page = `<div id="page" data-view="start">
<input type="file" id="files" accept="image/*" hidden><input type="file" id="shot" accept="image/*" capture="environment" hidden>
<div id="error" part="error" tabindex="-1" hidden><strong id="problem" role="alert"></strong>${button('again', texts.again, 'main')}</div>
<div class="start">
	<div id="drop" part="drop">${icon(CAMERA)}<strong>${texts.lead}</strong>
		<div class="row">${button('take', texts.take)}${button('choose', texts.choose, 'main')}</div>
		<p class="muted" id="paste">${texts.drop}</p></div>
	${field('described', texts)}
	<p class="muted" id="terms"></p>
</div></div>`;
	return compact ? `${button('camera', texts.camera, 'main round', CAMERA)}
<dialog id="dialog" part="dialog" aria-label="${texts.camera}"><div class="row bar"><h2>${texts.camera}</h2>${button('close', texts.close, 'round', 'M6 6l12 12M18 6 6 18')}</div>${page}</dialog>` : page;
}

class VisualSearch extends HTMLElement {
	#host;
	#connected;
	#search;
	#loading;
	#attempt = 0;

	async connectedCallback() {
		const { signal } = (this.#connected = new AbortController());
		if (!this.#host) {
			const language = this.getAttribute('language') || this.closest('[lang]')?.lang || 'en';
			const base = language.split('-')[0].toLowerCase();
			const file = this.getAttribute('texts') ?? new URL(`visual-search.${base}.js`, import.meta.url);
			const other = base === 'en' || (await import(file).catch(() => ({}))).default;
			if (signal.aborted) return;
			this.#build(language, { ...ENGLISH, ...other });
		}
		const listen = (target, type, act) => target.addEventListener(type, act, { signal });
		listen(document, 'paste', (event) => this.#paste(event));
		listen(document, 'click', (event) => this.#findSimilar(event));
		listen(window, 'popstate', () => this.hasAttribute('history') && this.#restore());
		listen(window, 'pagehide', () => this.#search?.leave());
		const restored = this.#restore(this.getAttribute('photo'));
		if (this.childElementCount) await restored; // the server's HTML until then
		if (this.shadowRoot) return;
		this.attachShadow({ mode: 'open' }).append(this.#host.content);
		this.shadowRoot.adoptedStyleSheets = this.#host.styles;
	}

	disconnectedCallback() {
		this.#connected.abort();
		this.#search?.stop();
	}

	#build(language, texts) {
		const template = document.createElement('template');
		template.innerHTML = markup(texts, this.hasAttribute('compact'));
		const { content } = template;
		const ui = {};
		for (const node of content.querySelectorAll('[id]')) ui[node.id] = node;
		const facts = { accept: this.getAttribute('accept') ?? 'JPEG, PNG', megabytes: this.getAttribute('max-megabytes') ?? 12 };
		const tell = (name, detail) => this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true, cancelable: true }));
		this.#host = {
			element: this, ui, content, styles: [STYLE], language, texts, facts, icon, button, field, sheet, tell,
			/** Show a message, and offer `retry` if there is one. */
			warn: ({ code, status = 0 }, detail, retry) => {
				ui.error.hidden = false;
				ui.problem.textContent = detail;
				ui.again.hidden = !retry;
				ui.again.onclick = retry;
				ui.error.focus();
				tell('error', { code, detail, status });
			},
		};
		ui.terms.textContent = texts.terms.replace(/{(\w+)}/g, (_, name) => facts[name]);
		ui.described.hidden = !this.hasAttribute('words');
		ui.described.onsubmit = (event) => ui.choose.onclick(event.preventDefault());
		ui.choose.onclick = () => {
			ui.files.click();
			this.#load().catch(() => {}); // while the customer looks for the file
		};
		ui.take.onclick = () => ui.shot.click();
		ui.files.onchange = ui.shot.onchange = ({ target }) => {
			if (target.files[0]) this.search(target.files[0]);
			target.value = ''; // so that it may be chosen again
		};
		ui.page.ondragover = ui.page.ondragleave = ui.page.ondrop = (event) => this.#drop(event);
		if (!ui.dialog) return;
		ui.camera.onclick = () => this.open();
		ui.close.onclick = () => ui.dialog.close();
		ui.dialog.onclose = () => this.#search?.cancel();
	}

	#load() {
		return (this.#loading ??= modules(this.#attempt++).then(
			([{ Search }, ...others]) => (this.#search = new Search(this.#host, ...others)),
		));
	}

	async #use(act) {
		this.#host.ui.error.hidden = true;
		try {
			await this.#load();
		} catch {
			this.#loading = null;
			return this.#host.warn({ code: 'network' }, this.#host.texts.network, () => this.#use(act));
		}
		await act(this.#search);
	}

	/** Show the search of the address, `known` by its id, or kept here. */
	async #restore(known) {
		let asked = known || this.#search || (this.hasAttribute('history') && location.search.includes('photo='));
		try {
			asked ||= sessionStorage['visual-search-shown']?.includes(location.href);
		} catch { /* no storage here */ }
		if (asked) await this.#use((search) => search.restore(known));
	}

	open() {
		const { dialog } = this.#host.ui;
		if (dialog && !dialog.open) dialog.showModal();
	}

	/** `photo`: a Blob, or the URL of a picture. */
	search(photo) {
		this.open();
		return this.#use((search) => search.send(photo));
	}

	#paste(event) {
		const [file] = event.clipboardData.files;
		if (file && !event.defaultPrevented && this.#host.ui.page.checkVisibility()) this.search(file, event.preventDefault());
	}

	#drop(event) {
		const [file] = event.dataTransfer.files;
		event.preventDefault();
		this.#host.ui.page.toggleAttribute('data-over', event.type === 'dragover');
		if (event.type === 'drop' && file) this.search(file);
	}

	#findSimilar(event) {
		const url = event.target.closest?.('[data-find-similar]')?.dataset.findSimilar;
		if (!url || document.querySelector(this.localName) !== this) return;
		event.preventDefault();
		this.search(url);
	}
}

customElements.define('visual-search', VisualSearch);
