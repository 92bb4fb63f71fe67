// A search: what is asked of the API, what is shown of it, and where the page's address and the tab keep it.

// Searches that a page showed when the customer left it.
const SHOWN = 'visual-search-shown';

const refusal = (code, more) => Object.assign(new Error(code), { code, ...more });

/** Return a function that makes a text from its key and values; `n` chooses the plural. */
function wording(language, texts) {
	const plural = new Intl.PluralRules(language);
	return (key, values = {}) => {
		const text = texts[key] ?? texts.failed;
		const form = text[plural.select(values.n)] ?? text.other ?? text;
		return form.replace(/{(\w+)}/g, (_, name) => values[name]);
	};
}

export class Search {
	#host; // what visual-search.js shares
	#photos; // the module visual-search-photo.js
	#view;
	#crop;
	#task; // AbortController of what runs
	#shown; // { photo, params, answer, facets }
	#visited = false;

	constructor(host, photos, { ENGLISH, Results }) {
		this.element = host.element;
		this.#host = host;
		this.#photos = photos;
		host.w = wording(host.language, { ...ENGLISH, ...host.texts });
		const key = host.element.getAttribute('api-key');
		host.headers = { 'Accept-Language': host.language, ...(key && { 'X-Api-Key': key }) };
		this.#view = new Results(host, this);
		const { ui, w } = host;
		this.#crop = new photos.CropBox(ui, (box) => {
			const crop = photos.written(box);
			ui.hint.textContent = w('boxed', { wide: Math.round(crop[2] * 100), high: Math.round(crop[3] * 100) });
			this.refine({ crop: crop.join(), object: '', per_object: '' });
		});
		ui.smaller.onclick = () => this.#crop.change(photos.sized(this.#crop.box, 0.8));
		ui.larger.onclick = () => this.#crop.change(photos.sized(this.#crop.box, 1.25));
		ui.whole.onclick = () => this.#whole();
	}

	// Requests

	#url(path) {
		return new URL(path, new URL(this.element.getAttribute('endpoint') ?? '/api/visual-search/', document.baseURI));
	}

	/** Request JSON; fetch() reports no progress. */
	#ask(path, params, signal, photo, onprogress) {
		const url = this.#url(path);
		if (params) url.search = new URLSearchParams({ limit: this.element.getAttribute('limit') ?? 12, ...params });
		const { headers } = this.#host;
		const xhr = new XMLHttpRequest();
		xhr.open(photo ? 'POST' : 'GET', url);
		xhr.responseType = 'json';
		for (const name in headers) xhr.setRequestHeader(name, headers[name]);
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

	async #send(photo, params, signal) {
		const { ui, w, tell } = this.#host;
		if (!tell('search', { params })) this.cancel();
		signal.throwIfAborted();
		this.#hold(photo);
		const onprogress = ({ loaded, total }) => {
			ui.progress.value = loaded / total;
			if (loaded < total) return;
			ui.progress.removeAttribute('value');
			ui.doing.textContent = w('searching');
		};
		const answer = await this.#ask('search/', params, signal, photo.blob, onprogress);
		if (photo.canvas) this.#photos.keepPhoto(answer.query_id, photo.canvas);
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

	async #picture(url, signal) {
		const response = await fetch(url, { signal, credentials: 'omit' }).catch(() => ({}));
		if (!response.ok) throw refusal('no_picture');
		return response.blob();
	}

	// Tasks: a new one aborts the last

	async #run(task) {
		this.#task?.abort();
		const { signal } = (this.#task = new AbortController());
		const { ui, w } = this.#host;
		ui.error.hidden = true;
		ui.grid.ariaBusy = true;
		const timer = setTimeout(() => { ui.doing.textContent = w('slow'); }, 3000);
		await task(signal).catch((error) => signal.aborted || this.#fail(error, () => this.#run(task)));
		clearTimeout(timer);
		if (!signal.aborted) ui.grid.ariaBusy = false;
	}

	stop() {
		this.#task?.abort();
	}

	cancel() {
		this.stop();
		if (this.#shown) this.#show();
		else this.#host.ui.page.dataset.view = 'start';
	}

	#fail(error, retry) {
		const { ui, w, facts, warn } = this.#host;
		const { code = 'failed', status = 0, wait = 0 } = error;
		const detail = error.detail || w(code, facts);
		if (!error.code) reportError(error);
		if (ui.page.dataset.view === 'working') ui.page.dataset.view = ui.photo.hidden ? 'start' : 'failed';
		ui.again.disabled = wait > 0;
		setTimeout(() => { ui.again.disabled = false; }, wait * 1000);
		warn(error, detail, (code === 'network' || status >= 429) && retry);
		if (wait) ui.problem.textContent += ` ${w('wait', { n: wait })}`;
	}

	/** Search by a photo: a Blob, or the URL of a picture. */
	send(photo) {
		const { ui, w } = this.#host;
		if (ui.dialog?.open === false) return; // closed meanwhile
		const field = ui.page.dataset.view === 'results' ? ui.words : ui.described;
		const q = field.elements[0].value.trim();
		return this.#run(async (signal) => {
			ui.photo.hidden = true;
			ui.page.dataset.view = 'working';
			ui.cancel.focus();
			ui.doing.textContent = w('sending');
			const file = photo instanceof Blob ? photo : await this.#picture(photo, signal);
			const taken = await this.#photos.opened(file, this.#host.facts.megabytes);
			signal.throwIfAborted();
			this.#arrive(await this.#send(taken, { category: 'auto', ...(q && { q }) }, signal), 'pushState');
			ui.heading.focus();
		});
	}

	/** Search again with some parameters changed; empty ones are dropped. */
	refine(changes) {
		const { photo, params: before, answer } = this.#shown;
		const params = Object.fromEntries(Object.entries({ ...before, ...changes }).filter(([, value]) => value));
		return this.#run(async (signal) => this.#arrive(await this.#look(answer.query_id, photo, params, signal), 'pushState'));
	}

	/** Without box and object, the API searches for the subject of the photo, if it has one. */
	#whole() {
		const { objects = [], subject } = this.#shown.answer;
		if (!objects.length || subject) return this.#crop.change([0, 0, 0, 0]);
		this.refine({ crop: '', object: '', per_object: '' });
	}

	more() {
		return this.#run(async (signal) => {
			const { answer } = this.#shown;
			const shown = answer.results.length;
			const { results, next } = await this.#ask(answer.next, null, signal);
			answer.results.push(...results);
			answer.next = next;
			this.#view.add(results, shown, next);
		});
	}

	/** Report a click on a product; return whether to follow the link. */
	click(product, rank) {
		const { query_id } = this.#shown.answer;
		const { headers, tell } = this.#host;
		const body = new URLSearchParams({ query_id, event: 'click', product: product.key });
		fetch(this.#url('events/'), { method: 'POST', headers, body, keepalive: true }).catch(() => {});
		return tell('select', { product, rank, query_id });
	}

	// Where searches are kept

	/** This page and this element of it. */
	get #place() {
		return `${location.href} ${[...document.querySelectorAll(this.element.localName)].indexOf(this.element)}`;
	}

	/** Before the page is left: keep what it shows, or show the start if the browser keeps the page. */
	leave() {
		if (!this.#shown) return this.cancel();
		const { photo, ...shown } = this.#shown;
		this.#photos.keep(SHOWN, { id: this.#place, ...shown, scroll: scrollY });
	}

	/** Show what the tab has kept of this page, or the search of the address or of the id `known`. */
	async restore(known) {
		const { ui } = this.#host;
		const came = this.#visited ? '' : performance.getEntriesByType('navigation')[0]?.type;
		this.#visited = true;
		const before = came === 'back_forward' && this.#photos.kept(SHOWN).find(({ id }) => id === this.#place);
		if (before) {
			this.#shown = { ...before, photo: await this.#photos.keptPhoto(before.answer.query_id) };
			this.#task = new AbortController();
			this.#show();
			if (!ui.dialog) requestAnimationFrame(() => scrollTo(0, before.scroll));
			return;
		}
		const address = this.element.hasAttribute('history') ? new URLSearchParams(location.search) : [];
		const { photo: id = known, offset, ...params } = Object.fromEntries(address);
		if (!id) {
			this.#shown = null;
			return this.cancel();
		}
		await this.#run(async (signal) => {
			if (!this.#shown) ui.page.dataset.view = 'working';
			const photo = await this.#photos.keptPhoto(id);
			this.#hold(photo);
			this.#arrive(await this.#look(id, photo, params, signal), 'replaceState');
		});
	}

	// What is shown

	#arrive(found, change) {
		const { params, answer } = found;
		this.#host.tell('results', answer);
		const address = `?${new URLSearchParams({ photo: answer.query_id, ...params })}`;
		const page = this.element.getAttribute('results-url');
		if (page) return location.assign(page + address);
		if (this.element.hasAttribute('history') && address !== location.search) history[change](null, '', address);
		this.#shown = found;
		this.#show();
		this.#sift();
	}

	#hold(photo) {
		this.#host.ui.photo.hidden = !photo?.canvas;
		if (photo?.canvas) this.#crop.hold(photo.canvas);
	}

	#show() {
		const { photo, params, answer } = this.#shown;
		const { objects = [], subject } = answer;
		const chosen = objects.find(({ id }) => `${id}` === `${params.object}`);
		this.#hold(photo);
		const box = params.crop?.split(',').map(Number) ?? chosen?.box ?? (!params.per_object && subject);
		this.#crop.show(this.#photos.read(box || [0, 0, 1, 1]));
		this.#view.show(this.#shown, chosen);
	}

	/** Filters come later. */
	async #sift() {
		const { params: { per_object, ...params }, answer } = this.#shown;
		const { signal } = this.#task;
		const asked = this.#ask(`queries/${answer.query_id}/`, { ...params, limit: 1, facets: 1 }, signal);
		const { facets = [], orderings = [] } = await asked.catch(() => ({}));
		if (signal.aborted) return;
		this.#shown.facets = { facets, orderings };
		this.#view.sift(this.#shown);
	}
}
