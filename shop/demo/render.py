"""Draw garments part by part: cut out, folded, shaded and laid over the parts below."""

from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw

from .colours import rgb
from .fabric import Floats, enlarged, limpness, merged, plane, rumpled, shifted, soft_mask
from .geometry import Frame, Points
from .look import Look, Place
from .shapes import Fold, Line, Part, Shape

STEP = 3  # folds and shadows are soft, so they are computed at every third pixel ("coarse")
FINE = 3  # outlines are drawn three times as large, then reduced (anti-aliasing)
LIGHT = np.array([-0.55, -0.84], np.float32)  # direction of the light in the picture plane


@dataclass(frozen=True, kw_only=True)
class Mood:
    """The folds of a garment: random seed, amount of crumpling, deviation of the outline."""

    seed: int
    crumple: float = 1.0
    wobble: float = 0.35  # units


@dataclass(kw_only=True)
class Canvas:
    """The picture being drawn: premultiplied RGB float32 (3, h, w) 0 to 255, alpha 0 to 1.

    Channels come first because NumPy is several times faster along long rows.
    """

    width: int
    height: int
    rgb: Floats = field(init=False)
    alpha: Floats = field(init=False)
    relief: Floats = field(init=False)  # light on the topmost cloth, coarse

    def __post_init__(self) -> None:
        self.rgb = np.zeros((3, self.height, self.width), np.float32)
        self.alpha = np.zeros((self.height, self.width), np.float32)
        self.relief = np.ones((self.height // STEP, self.width // STEP), np.float32)

    def image(self) -> Image.Image:
        """Return the garment alone, RGBA."""
        colours = np.clip(self.rgb / np.maximum(self.alpha, 1 / 255), 0, 255)
        return merged(np.concatenate([colours, self.alpha[None] * 255]))


@dataclass(frozen=True)
class Cut:
    """The rectangle of a part in pixels, with corners at multiples of STEP."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def pixels(self) -> tuple[slice, slice]:
        return slice(self.top, self.bottom), slice(self.left, self.right)

    @property
    def planes(self) -> tuple[slice, slice, slice]:
        return slice(None), *self.pixels

    @property
    def coarse(self) -> tuple[slice, slice]:
        rows = slice(self.top // STEP, self.bottom // STEP)
        return rows, slice(self.left // STEP, self.right // STEP)

    @property
    def size(self) -> tuple[int, int]:
        return self.right - self.left, self.bottom - self.top


def cut_around(points: Points, frame: Frame, margin: float) -> Cut | None:
    """Return the rectangle around points, or None if they are outside the canvas."""
    low, high = points.min(axis=0) - margin, points.max(axis=0) + margin
    left, top = (max(0, int(value) // STEP * STEP) for value in low)
    right = min(frame.width, -(-int(high[0] + 1) // STEP) * STEP)
    bottom = min(frame.height, -(-int(high[1] + 1) // STEP) * STEP)
    if right - left < STEP or bottom - top < STEP:
        return None
    return Cut(left, top, right, bottom)


def mask_of(polygon: Points, cut: Cut) -> Image.Image:
    """Return an anti-aliased mask of a polygon, an L image of the cut's size."""
    width, height = cut.size
    large = Image.new("L", (width * FINE, height * FINE), 0)
    points = ((polygon - (cut.left, cut.top)) * FINE).round(2)
    ImageDraw.Draw(large).polygon([tuple(point) for point in points], fill=255)
    return large.reduce(FINE)


@lru_cache(maxsize=8)
def _waves(seed: int) -> tuple[Points, Points, Points]:
    rng = np.random.default_rng(seed)
    waves = rng.uniform(0.02, 0.11, (5, 2)) * rng.choice([-1, 1], (5, 2))
    return waves, rng.uniform(0, 6.3, 5), rng.uniform(-1, 1, (5, 2))


def wobbled(points: Points, mood: Mood) -> Points:
    """Displace points smoothly and slightly, so that no two garments lie the same."""
    waves, phases, ways = _waves(mood.seed)
    return points + mood.wobble * np.sin(points @ waves.T + phases) @ ways


def fold_height(folds: list[Fold], frame: Frame, cut: Cut, shape: tuple[int, int]) -> Floats:
    """Return the height map of the folds, coarse float32; each is a bump with soft ends."""
    height = np.zeros(shape, np.float32)
    for one in folds:
        line = (frame.pixels(one.curve) - (cut.left, cut.top)) / STEP
        line = line[:: max(1, len(line) // 6)].astype(np.float32)
        width = max(one.width * frame.scale / STEP, 0.8)
        low = np.maximum(line.min(axis=0) - 2.5 * width, 0).astype(int)
        high = (line.max(axis=0) + 2.5 * width + 1).astype(int)
        area = height[low[1] : max(high[1], 0), low[0] : max(high[0], 0)]
        if area.size:
            area += one.depth * width * _bump(line - low.astype(np.float32), width, area.shape)
    return height


def _bump(line: Floats, width: float, shape: tuple[int, ...]) -> Floats:
    """Return a ridge of height 1 along a line, float32: Gaussian across, fading at the ends."""
    y = np.arange(shape[0], dtype=np.float32)[:, None]
    x = np.arange(shape[1], dtype=np.float32)[None, :]
    nearest = np.full(shape, np.inf, np.float32)
    along = np.zeros(shape, np.float32)
    for number, (a, b) in enumerate(pairwise(line)):
        d = b - a
        share = ((x - a[0]) * d[0] + (y - a[1]) * d[1]) / max(float(d @ d), 1e-6)
        np.clip(share, 0, 1, out=share)
        away = (x - a[0] - share * d[0]) ** 2 + (y - a[1] - share * d[1]) ** 2
        closer = away < nearest
        np.copyto(nearest, away, where=closer)
        np.copyto(along, share + number, where=closer)
    along *= np.float32(0.9 * np.pi / max(1, len(line) - 1))
    return np.sin(along + np.float32(0.05 * np.pi)) * np.exp(nearest * np.float32(-1 / width**2))


def creases(part: Part, mood: Mood, rng: np.random.Generator) -> list[Fold]:
    """Return random folds, roughly along the part's length."""
    low, high = part.outline.min(axis=0), part.outline.max(axis=0)
    size = high - low
    if min(size) < 9 or part.volume < 0.3 or len(part.folds) > 9:
        return []
    result = []
    for _ in range(round(3 * mood.crumple)):
        start = low + size * rng.uniform(0.1, 0.9, 2)
        way = rng.uniform(-0.34, 0.34, 2) * size + (0, 0.1 * size[1])
        bow = rng.uniform(-0.08, 0.08, 2) * size
        curve = np.array([start, start + way / 2 + bow, start + way])
        depth = rng.uniform(0.25, 0.6) * rng.choice([-1, 1])
        result.append(Fold(curve=curve, width=float(rng.uniform(1.2, 2.6)), depth=float(depth)))
    return result


def relief_of(
    part: Part, mask: Image.Image, look: Look, frame: Frame, cut: Cut, mood: Mood
) -> tuple[Floats, Floats, Floats]:
    """Return the light on a part (around 1) and its x and y slopes, coarse float32."""
    small = mask.reduce(STEP)
    shape = (small.height, small.width)
    unit = frame.scale / STEP
    rng = np.random.default_rng([mood.seed, cut.left, cut.top, len(part.outline)])
    limp = limpness(look.product.material) * (0.4 + part.volume)
    folds = [*part.folds, *creases(part, mood, rng)]
    height = fold_height(folds, frame, cut, shape) * limp
    smooth = min(1.0, min(shape) / (12 * unit))  # narrow parts crease little
    height += mood.crumple * limp * unit * smooth * rumpled(round(unit, 1), shape, rng)
    slope_y, slope_x = np.gradient(height) if min(shape) > 1 else (np.zeros(shape, np.float32),) * 2
    edge = soft_mask(small, max(1.0, 2.6 * unit * (0.4 + part.volume)))
    rim_y, rim_x = np.gradient(edge) if min(shape) > 1 else (slope_y, slope_x)
    inside = np.clip((edge - 0.45) / 0.5, 0, 1)
    light = 1 - 0.30 * part.volume * (1 - inside) ** 1.5
    light -= 0.34 * np.clip(slope_x * LIGHT[0] + slope_y * LIGHT[1], -0.8, 0.8)
    light -= 2.2 * part.volume * (rim_x * LIGHT[0] + rim_y * LIGHT[1])
    return light.astype(np.float32), slope_x.astype(np.float32), slope_y.astype(np.float32)


def lamp(light: Floats, gloss: float) -> tuple[Floats, Floats]:
    """Return the factor and the offset (0 to 255) that a light around 1 applies to colours."""
    bright = np.clip(light - 1, 0, 1)
    dim = np.minimum(light, 1)
    wash = 34 * bright + 10 * (dim - 0.9)
    if gloss:
        wash += gloss * 330 * np.clip(light - 0.99, 0, 0.5)
    return dim + np.float32(0.45) * bright, wash.astype(np.float32)


def paint_part(canvas: Canvas, part: Part, look: Look, frame: Frame, mood: Mood) -> None:
    """Draw one part over the canvas."""
    polygon = frame.pixels(wobbled(part.outline, mood))
    cut = cut_around(polygon, frame, margin=2 * STEP + 1.2 * part.lift * frame.scale)
    if cut is None:
        return
    image = mask_of(polygon, cut)
    mask = np.asarray(image, np.float32) / 255
    if part.printed:
        light = canvas.relief[cut.coarse]
        slope_x = slope_y = np.zeros_like(light)
    else:
        light, slope_x, slope_y = relief_of(part, image, look, frame, cut, mood)
        small = np.asarray(image.reduce(STEP), np.float32) / 255
        canvas.relief[cut.coarse] += small * (light - canvas.relief[cut.coarse])
    place = Place(
        left=cut.left,
        top=cut.top,
        width=cut.size[0],
        height=cut.size[1],
        slope_x=slope_x,
        slope_y=slope_y,
        push=-0.9 * STEP / frame.scale,
    )
    surface = look.surface(part.paint, part.texture, part.turn, frame, place)
    factor, wash = (enlarged(field, cut.size) for field in lamp(light, surface.gloss))
    if part.lift and canvas.alpha[cut.pixels].any():
        throw_shadow(canvas, image, cut, frame, part.lift)
    colours = surface.colours * (factor * surface.weave * mask)
    colours += wash * mask
    free = 1 - mask
    canvas.rgb[cut.planes] *= free
    canvas.rgb[cut.planes] += colours
    canvas.alpha[cut.pixels] *= free
    canvas.alpha[cut.pixels] += mask


def throw_shadow(canvas: Canvas, image: Image.Image, cut: Cut, frame: Frame, lift: float) -> None:
    """Darken the canvas beneath a part, a little beyond its lower right edge."""
    small = image.reduce(STEP)
    shadow = soft_mask(small, max(0.8, 0.9 * lift * frame.scale / STEP + 0.4))
    down = round(lift * frame.scale * 0.9 / STEP)
    shadow = shifted(shadow, down, round(down * 0.6))
    canvas.rgb[cut.planes] *= 1 - 0.62 * min(lift, 0.75) * enlarged(shadow, cut.size)


def sew(canvas: Canvas, line: Line, frame: Frame, mood: Mood, look: Look) -> None:
    """Draw a seam with a lit lower edge, a row of stitches, or a pressed crease."""
    points = frame.pixels(wobbled(line.curve, mood))
    width = max(line.width * frame.scale, 0.8)
    cut = cut_around(points, frame, margin=width + 2)
    if cut is None:
        return
    image = Image.new("L", (cut.size[0] * FINE, cut.size[1] * FINE), 0)
    pen = ImageDraw.Draw(image)
    track = [tuple(point) for point in (points - (cut.left, cut.top)) * FINE]
    if line.style == "stitch":
        dash(pen, track, 0.95 * frame.scale * FINE, round(width * FINE))
    else:
        pen.line(track, fill=255, width=round(width * FINE), joint="curve")
    mask = np.asarray(image.reduce(FINE), np.float32) / 255 * line.strength
    area = canvas.rgb[cut.planes]
    if line.paint:
        thread = plane(look.roles.get(line.paint) or rgb(line.paint))
        mask = mask * canvas.alpha[cut.pixels]
        area[:] = area * (1 - mask) + thread * mask
        return
    area *= 1 - mask
    if line.style == "seam":
        down = max(1, round(0.3 * frame.scale))
        area += 0.32 * np.roll(mask, (down, down // 2), axis=(0, 1)) * (area * 0.3 + 22)


def dash(pen: ImageDraw.ImageDraw, track: list[tuple[float, ...]], step: float, width: int) -> None:
    """Draw a dashed line along a track, one dash per `step` pixels."""
    xy = np.array(track)
    along = np.concatenate([[0], np.cumsum(np.linalg.norm(np.diff(xy, axis=0), axis=1))])
    for start in np.arange(0, along[-1], step):
        ends = np.array([start, min(start + step * 0.6, along[-1])])
        x, y = np.interp(ends, along, xy[:, 0]), np.interp(ends, along, xy[:, 1])
        pen.line([(x[0], y[0]), (x[1], y[1])], fill=255, width=width)


def draw_shapes(shapes: list[Shape], look: Look, frame: Frame, mood: Mood) -> Canvas:
    """Draw all shapes in order on a new canvas; the frame's sides must be multiples of STEP."""
    canvas = Canvas(width=frame.width, height=frame.height)
    for shape in shapes:
        if isinstance(shape, Part):
            paint_part(canvas, shape, look, frame, mood)
        else:
            sew(canvas, shape, frame, mood, look)
    return canvas
