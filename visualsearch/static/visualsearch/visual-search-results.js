// The view of a search: the photo with its box and objects, progress, and results with filters.

// Those of the start view are in visual-search.js.
export const ENGLISH = {
	cancel: 'Cancel',
	sending: 'Sending your photo…',
	searching: 'Searching…',
	slow: 'This is taking longer than usual…',
	wait: 'You can try again in {n} s.',
	other: 'Another photo',
	photo: 'Your photo',
	box: 'Part of the photo to search for. Arrow keys move it, Shift with arrow keys resizes it.',
	hint: 'Drag the box, or tap what you are looking for.',
	boxed: 'Searching {wide}% × {high}% of the photo.',
	object: 'Searching for: {name}.',
	objects: 'Things in your photo',
	smaller: 'Smaller box',
	larger: 'Larger box',
	whole: 'Whole photo',
	outfit: 'Complete outfit',
	things: { one: '{n} thing', other: '{n} things' },
	rest: 'More: {name}',
	find: 'Search with these words',
	found: 'Products like your photo',
	closest: 'The closest we have',
	none: 'No products match these filters',
	unlike: 'Nothing here matches your photo well. Draw the box around one item, or choose what it is.',
	count: { one: '{n} product', other: '{n} products' },
	also: 'Also available',
	remove: 'Remove filter: {label}',
	all: 'All',
	from: '{label}, from',
	to: '{label}, to',
	sort: 'Sort',
	more: 'More products',
	failed: 'The search failed. Try again in a moment.',
	not_a_picture: 'This file is not an image. Choose one of: {accept}.',
	image_too_large: 'The photo is larger than {megabytes} MB. Choose a smaller one.',
	no_picture: 'This image cannot be loaded.',
};

const STYLE = `
h2{font:600 1.65rem/1.2 var(--vs-heading,inherit)}
h3{margin:0;font-size:1.15rem}
ul{margin:0;padding:0;list-style:none}
[tabindex="-1"]{outline:0}
progress{width:100%;accent-color:var(--accent)}
.row div:has(h2),h3{flex:1}
button:disabled{opacity:.55}
select{max-width:12rem;min-height:44px;font:inherit;font-weight:600;color:inherit;background:none;border:0}
option{background:var(--surface)}
#words{padding-right:0}
#find{border:0}
[type=number]{width:4.2rem;text-align:center;appearance:textfield}
dialog:has([data-view=results]){width:76rem}
.bar{position:sticky;top:0;z-index:3;background:var(--surface)}

#page{container-type:inline-size}
#page:is([data-view=working],[data-view=results]) .start,[data-view=start] .layout,#page:not([data-view=working]) .working,#page:not([data-view=results]) .done{display:none}
[data-view=failed] .start{margin-top:1.5rem}
.layout,.found,#photo,#rows{display:grid;grid-template-columns:minmax(0,1fr);gap:1rem;align-content:start}
#photo{justify-items:center;text-align:center;text-wrap:balance}
#photo .row{justify-content:center}
#notice,.picture,.bone{border-radius:var(--radius)}
.found>button{justify-self:start}

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
.dot{position:absolute;width:44px;height:44px;padding:0;border:0;translate:-50% -50%}
.dot:hover{background:none}
.dot::after{content:"";width:20px;height:20px;border:3px solid #fff;border-radius:50%;background:#0008;box-shadow:0 0 0 1px #0008}
.dot:is(:hover,[aria-pressed=true])::after{background:var(--accent)}

#notice{padding:.8rem 1rem;background:var(--tint)}
.scroll,.strip,.swatches{display:flex;flex-wrap:nowrap;margin:-6px;padding:6px;overflow-x:auto;scrollbar-width:none}
.on,[aria-pressed=true]:not(.dot),.pick:has(option:checked:not([value=""]),input:not(:placeholder-shown)){border-color:var(--accent);background:var(--tint)}
.row progress{width:2.5rem}
.grid{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:1.75rem 1rem}
.found:has([aria-busy=true]) :is(.grid,#rows){opacity:.45}
#rows{gap:2rem}
.strip{gap:1rem;scrollbar-width:thin}
.strip li{flex:none;width:9.5rem}
.card{color:inherit;text-decoration:none}
.card,.card *,canvas{display:block}
.picture{width:100%;aspect-ratio:4/5;margin-bottom:.7rem;object-fit:contain;background:#fff}
.name{font-weight:600;overflow-wrap:anywhere}
.card:hover .name{text-decoration:underline}
.swatches{gap:.35rem;margin-top:0}
.strip .swatches li{width:auto}
.swatch{display:grid;place-items:center;min-width:44px;height:44px;border:1px solid var(--muted);border-radius:8px;overflow:hidden;color:inherit;font-size:.8rem}
.swatch:hover{border-color:var(--accent)}
.swatch img{width:42px;height:42px;object-fit:contain;background:#fff}
.bone{aspect-ratio:4/6;background:var(--tint)}

@container (min-width:40rem){.grid{grid-template-columns:repeat(auto-fill,minmax(12rem,1fr));gap:2.25rem 1.5rem} .scroll{flex-wrap:wrap} .strip li{width:12rem}}
@container (min-width:56rem){
	.layout:has(#photo:not([hidden])){grid-template-columns:20rem minmax(0,1fr);gap:3rem}
	#photo{--high:30rem;position:sticky;top:1.5rem}
}
`;

const ICONS = { smaller: 'M6 12h12', larger: 'M6 12h12M12 6v12', close: 'M6 6l12 12M18 6 6 18', find: 'M5 12h14M13 6l6 6-6 6' };

function markup({ w, texts, button, field }) {
	const labelled = (id, look) => button(id, w(id), look, ICONS[id]);
	return `
<div class="layout">
	<section id="photo" part="photo" aria-label="${w('photo')}" hidden>
		<div id="frame"><div class="shade done"><i id="hole"></i></div>
			<div class="done" id="box" part="box" tabindex="0" role="application" aria-label="${w('box')}">
				${'n e s w nw ne sw se'.split(' ').map((sides) => `<i data-sides="${sides}"></i>`).join('')}</div>
			<div class="done" id="dots" role="group" aria-label="${w('objects')}"></div></div>
		<p class="muted done" id="hint" role="status">${w('hint')}</p>
		<div class="row done">${labelled('smaller', 'round')}${labelled('larger', 'round')}${labelled('whole')}</div>
	</section>
	<div class="found working">
		<p id="doing" role="status"></p>
		<progress id="progress" aria-label="${w('sending')}"></progress>${labelled('cancel')}
		<ul class="grid" aria-hidden="true">${'<li class="bone"></li>'.repeat(6)}</ul>
	</div>
	<section class="found done" aria-labelledby="heading">
		<div class="row"><div><h2 id="heading" part="heading" tabindex="-1"></h2><p class="muted" id="count" role="status"></p></div>${labelled('outfit')}${labelled('other')}</div>
		${field('words', texts, labelled('find', 'round'))}
		<p id="notice" part="notice">${w('unlike')}</p><div class="row scroll" id="classes"></div><div class="row scroll" id="filters"></div>
		<div id="rows"></div>
		<ul class="grid" id="grid" part="grid" role="list"></ul>${labelled('more')}
	</section>
</div>`;
}

// Lists have the role list, which Safari takes from lists without bullets.
function el(tag, attributes, ...children) {
	const node = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (name.startsWith('on')) node[name] = value;
		else if (value != null) node.setAttribute(name, value);
	}
	node.append(...children);
	return node;
}

export class Results {
	#host;
	#search;

	constructor(host, search) {
		const { element, ui, styles, sheet } = host;
		this.#host = host;
		this.#search = search;
		ui.error.insertAdjacentHTML('afterend', markup(host));
		for (const node of ui.page.querySelectorAll('[id]')) ui[node.id] = node;
		styles.push(sheet(STYLE));
		if (element.shadowRoot) element.shadowRoot.adoptedStyleSheets = styles;
		ui.other.onclick = () => ui.choose.click();
		ui.cancel.onclick = () => search.cancel() ?? ui.choose.focus();
		ui.more.onclick = () => search.more();
		ui.outfit.onclick = () => search.refine({ per_object: ui.outfit.ariaPressed === 'true' ? '' : 1, object: '', crop: '' });
		ui.words.hidden = ui.described.hidden;
		ui.words.onsubmit = (event) => {
			event.preventDefault();
			search.refine({ q: ui.words.elements[0].value.trim() });
		};
	}

	/** `chosen`: the object that was searched for, if any. */
	show(shown, chosen) {
		const { ui, w } = this.#host;
		const { params, answer } = shown;
		const { results, matched, count, next, objects = [], per_object: rows } = answer;
		ui.heading.textContent = w(rows ? 'outfit' : !results.length ? 'none' : matched ? 'found' : 'closest');
		ui.count.textContent = rows ? w('things', { n: rows.length }) : w('count', { n: count });
		ui.words.elements[0].value = ui.described.elements[0].value = params.q ?? '';
		ui.notice.hidden = matched || rows || !results.length;
		ui.outfit.hidden = objects.length < 2;
		ui.outfit.ariaPressed = !!rows;
		ui.classes.hidden = !!rows;
		ui.grid.hidden = rows || !results.length;
		ui.grid.replaceChildren();
		ui.rows.replaceChildren(...(rows ?? []).map((row) => this.#row(row, objects.find(({ id }) => id === row.object))));
		this.add(rows ? [] : results, 0, rows ? null : next);
		ui.dots.hidden = !objects.length;
		this.#refill(ui.dots, objects.map((each) => this.#dot(each, each === chosen)));
		if (chosen) ui.hint.textContent = w('object', chosen);
		else if (!params.crop) ui.hint.textContent = w('hint');
		this.#refill(ui.classes, this.#classes(answer));
		if (shown.facets) this.sift(shown);
		ui.page.dataset.view = 'results';
	}

	/** Add results to the grid, behind the first `shown`. */
	add(results, shown, next) {
		const { grid, more } = this.#host.ui;
		more.hidden = !next;
		grid.append(...results.map((hit, place) => this.#card(hit, shown + place)));
		if (shown) grid.children[shown]?.firstChild.focus();
	}

	#dot({ id, name, box: [x, y, width, height] }, chosen) {
		const onclick = () => this.#search.refine({ object: id, crop: '', per_object: '', category: 'auto' });
		const dot = el('button', { class: 'dot', part: 'dot', 'data-key': id, 'aria-label': name, title: name, 'aria-pressed': chosen, onclick });
		dot.style.left = `${(x + width / 2) * 100}%`;
		dot.style.top = `${(y + height / 2) * 100}%`;
		return dot;
	}

	/** The results for one object of an outfit. */
	#row({ results }, object) {
		const { w } = this.#host;
		const { id, name } = object;
		const onclick = () => this.#search.refine({ object: id, per_object: '', category: 'auto' });
		const cards = results.map((hit, rank) => this.#card(hit, rank));
		return el('section', { class: 'found', part: 'row', 'aria-label': name },
			el('div', { class: 'row' }, el('h3', {}, name), el('button', { part: 'button', onclick }, w('rest', { name }))),
			cards.length ? el('ul', { class: 'strip', role: 'list' }, ...cards) : el('p', {}, w('none')));
	}

	#card({ product, image, variants = [] }, rank) {
		const { name, url, color, category, availability, price, price_label: label = price } = product;
		const onclick = (event) => this.#search.click(product, rank) || event.preventDefault();
		const line = (part, text) => (text ? el('span', { class: part, part }, text) : '');
		const picture = el('img', { class: 'picture', part: 'picture', src: image ?? product.image, alt: '', loading: rank > 3 ? 'lazy' : null });
		const card = el('li', {}, el('a', { class: 'card', part: 'card', href: url, onclick }, picture,
			line('name', name), line('muted', [color, category].filter(Boolean).join(' · ')), line('price', label), line('availability', availability)));
		if (variants.length) {
			const swatches = variants.map((variant) => el('li', {}, this.#swatch(variant, rank)));
			card.append(el('ul', { class: 'swatches', role: 'list', 'aria-label': this.#host.w('also') }, ...swatches));
		}
		return card;
	}

	#swatch(product, rank) {
		const { name, url, image } = product;
		const onclick = (event) => this.#search.click(product, rank) || event.preventDefault();
		return el('a', { class: 'swatch', part: 'swatch', href: url, title: name, onclick },
			image ? el('img', { src: image, alt: name, loading: 'lazy' }) : name);
	}

	#classes({ predictions, category }) {
		const { language, w, icon } = this.#host;
		const chip = (value, attributes, ...content) =>
			el('button', { part: 'chip', 'data-key': value, onclick: () => this.#search.refine({ category: value }), ...attributes }, ...content);
		const percent = new Intl.NumberFormat(language, { style: 'percent' });
		const others = predictions.filter(({ label, probability, offered }) => offered !== false && label !== category?.value && probability > 0.01).slice(0, 3);
		const chips = others.map(({ label, name = label, probability }) => chip(label, {}, name,
			el('progress', { value: probability, 'aria-hidden': true }), el('span', { class: 'muted' }, percent.format(probability))));
		if (!category) return chips;
		const on = chip('', { class: 'on', 'aria-label': w('remove', category) }, category.label);
		on.insertAdjacentHTML('beforeend', icon(ICONS.close));
		return [on, ...chips];
	}

	/** Show filters and sort orders. */
	sift({ params, facets: { facets, orderings } }) {
		const { ui, w } = this.#host;
		const all = { value: '', label: w('all') };
		const picks = facets.map((facet) => (facet.options ? { ...facet, options: [all, ...facet.options] } : facet));
		if (orderings.length) picks.push({ name: 'ordering', label: w('sort'), options: orderings, value: params.ordering });
		this.#refill(ui.filters, picks.map((facet) => this.#pick(facet)));
	}

	#pick({ kind, name, label, value, options, min, max, min_param, max_param }) {
		const { w } = this.#host;
		const control = (tag, key, called, attributes, ...content) => {
			const onchange = ({ target }) => this.#search.refine({ [key]: target.value });
			return el(tag, { 'data-key': key, 'aria-label': called, onchange, ...attributes }, ...content);
		};
		const number = (key, text, bound, placeholder) =>
			control('input', key, w(text, { label }), { type: 'number', step: 'any', value: bound, placeholder });
		const option = (each) =>
			el('option', { value: each.value, selected: each.value === value ? '' : null }, each.count ? `${each.label} (${each.count})` : each.label);
		const controls = kind === 'range'
			? [number(min_param, 'from', value[0], min), '–', number(max_param, 'to', value[1], max)]
			: [control('select', name, label, {}, ...options.map(option))];
		return el('div', { class: 'pick', part: 'filter' }, el('span', { class: 'muted' }, label), ...controls);
	}

	/** Replace nodes; the focus stays on the node with the same key. */
	#refill(row, nodes) {
		const { element, ui } = this.#host;
		const focused = element.shadowRoot?.activeElement;
		const key = row.contains(focused) && focused.dataset.key;
		row.replaceChildren(...nodes);
		if (key) (row.querySelector(`[data-key="${CSS.escape(key)}"]`) ?? ui.heading).focus();
	}
}
