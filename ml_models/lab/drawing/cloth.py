"""Draw cloth: colours, patterns and folds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from .painting import Canvas, Floats, Layer, Points, Random, Size, layer

Colour = tuple[int, int, int]
CLOTH: list[Colour] = [
    (24, 24, 28), (238, 236, 232), (128, 130, 134), (30, 38, 74), (52, 84, 148), (120, 160, 206),
    (168, 34, 42), (108, 26, 44), (226, 120, 40), (236, 196, 62), (44, 92, 60), (120, 132, 76),
    (150, 110, 76), (206, 178, 140), (228, 150, 172), (128, 84, 148), (60, 150, 150), (94, 66, 50),
    (70, 74, 80), (196, 206, 214),
]  # fmt: skip
DENIM: list[Colour] = [(44, 58, 92), (72, 96, 140), (128, 150, 182), (34, 36, 44), (96, 116, 150)]
LEATHER: list[Colour] = [(34, 28, 26), (92, 58, 38), (142, 94, 58), (28, 28, 32), (188, 150, 112)]
SOLES: list[Colour] = [(240, 240, 238), (30, 28, 28), (150, 110, 76), (222, 214, 200)]


@dataclass(frozen=True, kw_only=True)
class Cloth:
    """Cloth of a main colour; ``fill(size)`` paints its pattern, (h, w, 3) from 0 to 255.

    ``folds``: strength of the shading by folds; 0: none.
    """

    colour: Colour
    fill: Callable[[Size], Floats]
    folds: float = 0.07


def pick(rng: Random, colours: list[Colour], by: int = 14) -> Colour:
    """Return one of the RGB colours, each channel changed by up to ``by`` at random."""
    chosen = np.array(colours[int(rng.integers(len(colours)))])
    red, green, blue = (chosen + rng.integers(-by, by + 1, 3)).clip(8, 246).tolist()
    return red, green, blue


def plain(colour: Colour) -> Callable[[Size], Floats]:
    """Return a function that fills a (width, height) with one colour, (h, w, 3)."""
    return lambda size: np.full((size[1], size[0], 3), colour, np.float32)


def cloth(rng: Random, unit: float, colours: list[Colour] = CLOTH, fancy: float = 0.4) -> Cloth:
    """Return random cloth: plain, or with probability ``fancy`` patterned.

    ``unit``: a hundredth of the person's height in pixels, for the pattern's size. The main colour
    covers more than half of a pattern.
    """
    colour = pick(rng, colours)
    if rng.random() >= fancy:
        return Cloth(colour=colour, fill=plain(colour), folds=float(rng.uniform(0.04, 0.1)))
    other = pick(rng, CLOTH)
    kind = ("stripes", "pinstripes", "checks", "dots", "flowers")[int(rng.integers(5))]
    step = max(4.0, unit * float(rng.uniform(2.2, 5)))
    phase, thin = float(rng.uniform(0, 9)), float(rng.uniform(0.15, 0.42))
    spots = rng.random((90, 3), np.float32)

    def fill(size: Size) -> Floats:
        across, down = np.arange(size[0])[None, :] + phase, np.arange(size[1])[:, None] + phase
        made = np.empty((size[1], size[0], 3), np.float32)
        made[:] = colour
        if kind == "flowers":
            return flowers(made, other, spots, unit)
        x, y = across % step / step, down % step / step
        share = {
            "stripes": np.broadcast_to(y < thin, made.shape[:2]) * 1.0,
            "pinstripes": np.broadcast_to(x < 0.2, made.shape[:2]) * 0.8,
            "checks": 0.55 * (x < thin) + 0.35 * (y < thin),
            "dots": ((x - 0.5) ** 2 + (y - 0.5) ** 2 < 0.06) * 1.0,
        }[kind]
        made += share[..., None].astype(np.float32) * (np.array(other, np.float32) - made)
        return made

    return Cloth(colour=colour, fill=fill, folds=float(rng.uniform(0.03, 0.08)))


def flowers(made: Floats, other: Colour, spots: Floats, unit: float) -> Floats:
    """Scatter small blossoms of the colour ``other`` over a picture (h, w, 3), 0 to 255.

    ``spots`` (n, 3), 0…1: x, y and size of each. ``unit``: a hundredth of the person's height,
    pixels.
    """
    image = Image.fromarray(made.astype(np.uint8))
    pen = ImageDraw.Draw(image)
    for x, y, r in (spots * (image.width, image.height, 1)).tolist():
        radius = unit * (0.45 + 0.55 * r)
        fill = other if r < 0.8 else (236, 230, 210)
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=fill)
    return np.asarray(image, np.float32)


def covered(part: Layer | None, made: Cloth) -> Layer | None:
    """Return the layer ``part`` with the pattern of the cloth ``made`` as its texture.

    Return None if the layer is None.
    """
    if part is None:
        return None
    size = (part.box[2] - part.box[0], part.box[3] - part.box[1])
    return Layer(box=part.box, alpha=part.alpha, texture=made.fill(size))


def sew(canvas: Canvas, made: Cloth, shapes: list[Points], owner: int, round_by: float) -> None:
    """Paint shapes, outlines (N, 2) in pixels, filled with the cloth ``made``.

    ``owner``: number that marks their pixels in ``canvas.owner``. ``round_by``: width of the shaded
    edge in pixels.
    """
    part = covered(layer(canvas.size, shapes), made)
    canvas.put(part, owner=owner, round_by=round_by, folds=made.folds)
