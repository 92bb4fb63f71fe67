// The photo: read and shrink it, keep it in the tab, and draw a box over it.

// An error with a code of the API, or a key of the texts.
const refusal = (code) => Object.assign(new Error(code), { code });

// --- Reading ---

const SIDE = 640; // pixels of the shorter side; the model reads fewer
const BYTES = 100_000;
const PICTURE = /^(ÿØÿ|‰PNG|GIF8|BM|RIFF|.{4}ftyp)/s;

/** A canvas of the photo, and what is sent of it: upright, small, without metadata. */
export async function opened(file, megabytes) {
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
	const canvas = Object.assign(document.createElement('canvas'), { width, height });
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

// --- Keeping: the last three values of a kind, newest first, in this tab ---

const PHOTOS = 'visual-search';

/** Return what is kept under a name: objects with an `id`. */
export function kept(name) {
	try {
		return JSON.parse(sessionStorage.getItem(name)) ?? [];
	} catch {
		return []; // no storage here
	}
}

export function keep(name, value) {
	const values = [value, ...kept(name).filter(({ id }) => id !== value.id)].slice(0, 3);
	for (; values.length; values.pop()) {
		try {
			return sessionStorage.setItem(name, JSON.stringify(values));
		} catch { /* full: with one less, then */ }
	}
}

export const keepPhoto = (id, canvas) => keep(PHOTOS, { id, url: canvas.toDataURL('image/jpeg', 0.8) });

export async function keptPhoto(query) {
	const jpeg = kept(PHOTOS).find(({ id }) => id === query)?.url.split(',')[1];
	if (!jpeg) return null;
	const blob = new Blob([Uint8Array.from(atob(jpeg), (char) => char.charCodeAt(0))], { type: 'image/jpeg' });
	return { blob, canvas: await drawn(blob) };
}

// --- The box: insets (top, right, bottom, left) in fractions ---

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

export function sized(box, factor) {
	const sizes = box.map((inset, n) => 1 - inset - box[(n + 2) % 4]);
	const most = Math.max(factor, LEAST / Math.min(...sizes));
	return box.map((inset, n) => Math.max(0, inset + sizes[n] * (1 - most) / 2));
}

// The API's x, y, w, h, to a thousandth.
export const read = ([x, y, w, h]) => [y, 1 - x - w, 1 - y - h, x];
export function written(box) {
	const [top, right, bottom, left] = box.map((share) => Math.round(share * 1000));
	return [left, top, 1000 - left - right, 1000 - top - bottom].map((share) => share / 1000);
}

/** `onchange`: called with the new box. */
export class CropBox {
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
