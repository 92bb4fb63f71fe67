"""Compose pictures of several cut-out things on one background, with the box of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from ..photos.distortions import busy_scene
from .painting import Random, Size, noise
from .scenes import scene

PixelBox = tuple[int, int, int, int]
"""x, y, width and height in pixels."""

# Tries to place a thing before the arrangement is given up.
TRIES = 100
# Longest side of a thing as a share of the picture's.
LONGEST = 0.95
LANCZOS = Image.Resampling.LANCZOS


@dataclass(frozen=True, kw_only=True)
class Composed:
    """A picture of things; ``boxes``: x, y, width, height of each in fractions of the picture."""

    image: Image.Image
    boxes: list[tuple[float, float, float, float]]


def compose(
    things: Sequence[Image.Image], areas: Sequence[float], background: Image.Image,
    rng: Random, most_covered: float,
) -> Composed | None:  # fmt: skip
    """Paste things at random places of a background; return None if they do not fit.

    ``things``: RGBA. ``areas``: of each thing's box, as a share of the background's.
    ``most_covered``: largest share of the smaller of two boxes that the other one may cover.
    """
    size = background.size
    cuts = [resized(thing, size, area) for thing, area in zip(things, areas, strict=True)]
    places = arrange([cut.size for cut in cuts], size, rng, most_covered)
    if places is None:
        return None
    canvas = background.copy()
    for cut, (x, y, _, _) in zip(cuts, places, strict=True):
        canvas.paste(cut, (x, y), cut)
    boxes = [(x / size[0], y / size[1], w / size[0], h / size[1]) for x, y, w, h in places]
    return Composed(image=canvas, boxes=boxes)


def resized(thing: Image.Image, size: Size, area: float) -> Image.Image:
    """Return a thing whose box covers a share ``area`` of a picture of ``size``, if it fits."""
    scale = min(
        (area * size[0] * size[1] / (thing.width * thing.height)) ** 0.5,
        LONGEST * size[0] / thing.width,
        LONGEST * size[1] / thing.height,
    )
    return thing.resize(
        (max(1, round(thing.width * scale)), max(1, round(thing.height * scale))), LANCZOS
    )


def arrange(
    sizes: Sequence[Size], picture: Size, rng: Random, most_covered: float
) -> list[PixelBox] | None:
    """Place boxes of these sizes at random in a picture; return None if one finds no place."""
    placed: list[PixelBox] = []
    for w, h in sizes:
        for _ in range(TRIES):
            x, y = (int(rng.integers(0, free + 1)) for free in (picture[0] - w, picture[1] - h))
            if all(covered((x, y, w, h), other) <= most_covered for other in placed):
                placed.append((x, y, w, h))
                break
        else:
            return None
    return placed


def covered(a: PixelBox, b: PixelBox) -> float:
    """Return the share of the smaller of two boxes that both cover."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(0, w) * max(0, h) / min(a[2] * a[3], b[2] * b[3])


def plain(size: Size, rng: Random) -> Image.Image:
    """Return a surface of one colour under uneven light, often nearly white."""
    colour = rng.uniform(215, 256, 3) if rng.random() < 0.4 else rng.uniform(20, 240, 3)
    light = 1 + rng.uniform(0, 0.15) * noise(rng, size, (3, 3))
    pixels = colour * light[..., None] + rng.uniform(0, 8) * noise(rng, size, size)[..., None]
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def patterned(size: Size, rng: Random) -> Image.Image:
    """Return a surface of stripes or tiles in two colours, in any direction."""
    y, x = np.mgrid[0 : size[1], 0 : size[0]] / max(size)
    turn = rng.uniform(0, np.pi)
    along, across = x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)
    waves = np.sin(2 * np.pi * along * rng.uniform(2, 25))
    if rng.random() < 0.5:
        waves = waves * np.sin(2 * np.pi * across * rng.uniform(2, 25))
    share = 1 / (1 + np.exp(-waves * rng.uniform(1, 20)))[..., None]
    first, second = rng.uniform(0, 256, (2, 3))
    pixels = (
        share * first + (1 - share) * second + rng.uniform(0, 25) * rng.normal(size=share.shape)
    )
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def place(size: Size, rng: Random) -> Image.Image:
    """Return a street, a room or a wall."""
    pixels = scene(rng, size, float(rng.uniform(0.3, 1.1)) * size[1])
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


BACKGROUNDS: tuple[Callable[[Size, Random], Image.Image], ...] = (
    busy_scene, plain, patterned, place,
)  # fmt: skip


def background(size: Size, rng: Random) -> Image.Image:
    """Return one of :data:`BACKGROUNDS` at random, sometimes out of focus."""
    made = BACKGROUNDS[int(rng.choice(4, p=(0.4, 0.2, 0.15, 0.25)))](size, rng)
    if rng.random() < 0.3:
        made = made.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.5, 4))))
    return made
