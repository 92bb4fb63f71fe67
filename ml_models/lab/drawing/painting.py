"""Paint soft shapes with light, folds and texture.

Points are (x, y) in pixels, outlines (N, 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

Floats = NDArray[np.float32]
Points = NDArray[np.float64]
Random = np.random.Generator
Size = tuple[int, int]
Box = tuple[int, int, int, int]

CIRCLE = np.stack([np.cos(np.linspace(0, 2 * np.pi, 20)), np.sin(np.linspace(0, 2 * np.pi, 20))], 1)


@dataclass(frozen=True, kw_only=True)
class Layer:
    """A soft mask ``alpha`` (h, w), 0 to 1, at ``box`` (left, top, right, bottom) of the picture.

    ``texture`` (h, w, 3), 0 to 255: the pixels to paint; None: one colour, given when painting.
    """

    box: Box
    alpha: Floats
    texture: Floats | None = None


def rounded(points: Sequence[Any] | Points, rounds: int = 2) -> Points:
    """Round the corners of a closed outline (N, 2) by ``rounds`` steps of Chaikin's algorithm."""
    outline = np.asarray(points, np.float64)
    for _ in range(rounds):
        after = np.roll(outline, -1, 0)
        outline = np.stack([0.75 * outline + 0.25 * after, 0.25 * outline + 0.75 * after], 1)
        outline = outline.reshape(-1, 2)
    return outline


def ellipse(centre: Sequence[float] | Points, across: float, down: float) -> Points:
    """Return the outline (20, 2) of an ellipse; ``across`` and ``down``: half its size."""
    return np.asarray(centre) + CIRCLE * (across, down)


def limb(joints: Sequence[Points], radii: Sequence[float]) -> list[Points]:
    """Return the outlines of a chain of tapered segments.

    ``joints``: points; ``radii``: half the thickness at each, in pixels.
    """
    shapes = [ellipse(joint, radius, radius) for joint, radius in zip(joints, radii, strict=True)]
    for k in range(len(joints) - 1):
        along = joints[k + 1] - joints[k]
        normal = np.array([-along[1], along[0]]) / max(1e-6, float(np.hypot(*along)))
        a, b = normal * radii[k], normal * radii[k + 1]
        shapes.append(
            np.stack([joints[k] + a, joints[k + 1] + b, joints[k + 1] - b, joints[k] - a])
        )
    return shapes


def layer(size: Size, shapes: Sequence[Points], soft: float = 0.0) -> Layer | None:
    """Return the union of outlines as a mask with smooth edges; None if outside of the picture.

    ``size``: (width, height) of the picture. ``shapes``: outlines (N, 2) in pixels. ``soft``: sigma
    of a further blur, in pixels.
    """
    every = np.concatenate(shapes)
    margin = 2 + 2 * soft
    left, top = np.maximum(0, np.floor(every.min(0) - margin)).astype(int)
    right, bottom = np.minimum(size, np.ceil(every.max(0) + margin)).astype(int)
    if right - left < 2 or bottom - top < 2:
        return None
    drawn = Image.new("L", (int(right - left) * 2, int(bottom - top) * 2))
    pen = ImageDraw.Draw(drawn)
    for shape in shapes:
        pen.polygon([tuple(point) for point in ((shape - (left, top)) * 2).tolist()], fill=255)
    drawn = drawn.reduce(2)
    if soft:
        drawn = drawn.filter(ImageFilter.GaussianBlur(soft))
    alpha: Floats = np.asarray(drawn, np.float32) / np.float32(255)
    return Layer(box=(int(left), int(top), int(right), int(bottom)), alpha=alpha)


def noise(rng: Random, size: Size, cells: tuple[int, int]) -> Floats:
    """Return smooth noise (h, w) of mean 0 and standard deviation near 1.

    ``cells``: number of random values across and down, which are interpolated.
    """
    coarse = rng.standard_normal((max(2, cells[1]), max(2, cells[0]))).astype(np.float32)
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC), np.float32)


def relief(alpha: Floats, radius: float) -> Floats:
    """Return horizontal slopes (h, w), -1 to 1, as if the mask were a cushion: left edges above 0.

    ``radius``: width of the curved edge in pixels.
    """
    image = Image.fromarray((alpha * 255).astype(np.uint8))
    height = np.asarray(image.filter(ImageFilter.GaussianBlur(radius)), np.float32) / 255
    slope = np.zeros_like(height)
    slope[:, 1:-1] = (height[:, 2:] - height[:, :-2]) * radius
    return np.clip(slope * 1.2, -1, 1)


class Canvas:
    """A picture being painted: ``pixels`` (h, w, 3), 0 to 255, and ``owner`` (h, w).

    ``owner``: number of the garment that each pixel shows; 0: none. ``light``: direction of the
    light, -1 (from the right) to 1 (from the left). ``folds`` (h, w): noise that shades cloth.
    """

    def __init__(self, pixels: Floats, rng: Random, light: float) -> None:
        self.pixels = pixels
        self.light = light
        self.owner = np.zeros(pixels.shape[:2], np.uint8)
        across, down = self.size
        self.folds = 0.6 * noise(rng, self.size, (across // 14, down // 34))
        self.folds += 0.4 * noise(rng, self.size, (across // 7, down // 12))

    @property
    def size(self) -> Size:
        """Width and height in pixels."""
        return self.pixels.shape[1], self.pixels.shape[0]

    def put(
        self,
        part: Layer | None,
        colour: Sequence[float] | NDArray[Any] = (0, 0, 0),
        *,
        owner: int = 0,
        round_by: float = 0.0,
        depth: float = 0.35,
        folds: float = 0.0,
    ) -> None:
        """Paint the layer ``part`` with its texture or, without one, in ``colour``.

        ``owner``: number that marks its pixels in :attr:`owner`; 0: none. ``round_by``: width of
        the shaded edge in pixels, ``depth``: its strength, 0…1. ``folds``: strength of the shading
        by folds. None is not painted.
        """
        if part is None:
            return
        left, top, right, bottom = part.box
        area = np.s_[top:bottom, left:right]
        shown = np.asarray(colour, np.float32) if part.texture is None else part.texture
        tone = np.ones_like(part.alpha)
        if round_by:
            slope = relief(part.alpha, round_by)
            tone += depth * (self.light * slope - 0.55 * np.abs(slope))
        if folds:
            tone += folds * self.folds[area]
        alpha = part.alpha[..., None]
        self.pixels[area] += alpha * (shown * tone[..., None] - self.pixels[area])
        self.owner[area][part.alpha > 0.5] = owner

    def shade(self, part: Layer | None, strength: float) -> None:
        """Darken the pixels under a layer by up to ``strength``, 0…1."""
        if part is not None:
            left, top, right, bottom = part.box
            self.pixels[top:bottom, left:right] *= 1 - strength * part.alpha[..., None]

    def box_of(self, owner: int) -> Box | None:
        """Return (left, top, right, bottom) around the visible pixels of ``owner``, or None."""
        mine = self.owner == owner
        rows, columns = np.flatnonzero(mine.any(1)), np.flatnonzero(mine.any(0))
        if not len(rows):
            return None
        return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1

    def image(self) -> Image.Image:
        """Return the picture as an RGB image."""
        return Image.fromarray(np.clip(self.pixels, 0, 255).astype(np.uint8))
