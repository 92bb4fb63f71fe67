"""Draw a person who wears garments, with the class, colour and box of each.

No photo of a person is used. The same seed gives the same picture. ``count`` in these functions is
the number of garments drawn so far: the next one has the number ``count + 1`` on the canvas.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageFilter

from . import accessories, bottoms, dresses, tops
from .bodies import (
    Body,
    Colour,
    body,
    draw_hair_behind,
    draw_head,
    draw_legs,
    draw_neck,
    draw_trunk,
)
from .jackets import draw_outwear
from .painting import Box, Canvas, Random, Size, ellipse, layer, noise
from .scenes import scene

SIZE = (320, 480)
LABELS = (
    "bag", "dress", "hat", "longsleeve", "outwear", "pants", "shirt", "shoes", "shorts", "skirt",
    "t-shirt",
)  # fmt: skip
TOPS = ("t-shirt", "shirt", "longsleeve")
LOWER = ("pants", "shorts", "skirt")
# Garments with a smaller visible share of the picture are not listed.
LEAST = 0.0015


@dataclass(frozen=True, kw_only=True)
class Garment:
    """A garment in a picture: class, main RGB colour, and box of its visible part.

    ``box``: left, top, right, bottom in pixels.
    """

    label: str
    colour: Colour
    box: Box


@dataclass(frozen=True, kw_only=True)
class Drawn:
    """A picture of a person, and the garments in it that are visible."""

    image: Image.Image
    garments: list[Garment]


def person(seed: int, size: Size = SIZE) -> Drawn:
    """Draw a person in a street, in a room or before a wall.

    ``size``: (width, height) in pixels. The same seed and size give the same picture.
    """
    rng = np.random.default_rng([seed, 101])
    canvas, someone = stand(rng, size)
    worn = [*draw_below(canvas, someone, rng)]
    if rng.random() < 0.2:
        worn.append(("dress", dresses.draw_dress(canvas, someone, rng, len(worn) + 1)))
        draw_neck(canvas, someone, dip=float(rng.uniform(0, 5)))
    else:
        worn += draw_lower(canvas, someone, rng, len(worn))
        worn += draw_upper(canvas, someone, rng, len(worn))
    worn += draw_above(canvas, someone, rng, len(worn))
    return finish(canvas, rng, worn)


Worn = list[tuple[str, Colour]]


def stand(rng: Random, size: Size) -> tuple[Canvas, Body]:
    """Return a canvas with a random scene, and a body that stands in it.

    ``size``: (width, height) in pixels.
    """
    someone = body(rng, size)
    feet = max(ankle[1] for ankle in someone.ankles) + 4 * someone.unit
    ground = feet - rng.uniform(0.03, 0.22) * size[1]
    canvas = Canvas(
        scene(rng, size, ground), rng, light=float(rng.choice([-1, 1]) * rng.uniform(0.3, 1))
    )
    long, away = rng.uniform(8, 22) * someone.unit, canvas.light * 8 * someone.unit
    middle = (someone.ankles[0] + someone.ankles[1]) / 2 + (away, 3.5 * someone.unit)
    shadow = layer(size, [ellipse(middle, long, 2.2 * someone.unit)], soft=2 * someone.unit)
    canvas.shade(shadow, float(rng.uniform(0.2, 0.5)))
    return canvas, someone


def draw_below(canvas: Canvas, someone: Body, rng: Random, shoes: bool = True) -> Worn:
    """Draw hair behind the shoulders, legs and trunk, and with ``shoes`` a pair of shoes.

    Return the class and colour of what was drawn as a garment.
    """
    draw_hair_behind(canvas, someone)
    draw_legs(canvas, someone)
    draw_trunk(canvas, someone)
    return [("shoes", accessories.draw_shoes(canvas, someone, rng, 1))] if shoes else []


def draw_lower(canvas: Canvas, someone: Body, rng: Random, count: int) -> Worn:
    """Draw pants, shorts or a skirt at random; return its class and colour.

    ``count``: number of garments drawn before.
    """
    label = LOWER[int(rng.choice(3, p=[0.5, 0.22, 0.28]))]
    if label == "skirt":
        return [(label, bottoms.draw_skirt(canvas, someone, rng, count + 1))]
    return [(label, bottoms.draw_trousers(canvas, someone, rng, label, count + 1))]


def draw_upper(
    canvas: Canvas, someone: Body, rng: Random, count: int, jackets: float = 0.32
) -> Worn:
    """Draw a random top with the neck, under a jacket with probability ``jackets``.

    ``count``: number of garments drawn before. Return the class and colour of each new one.
    """
    label = TOPS[int(rng.integers(3))]
    jacket = rng.random() < jackets
    colour = tops.draw_top(canvas, someone, rng, label, count + 1, under=jacket)
    worn = [(label, colour)]
    dip = float(rng.uniform(0, 0.8) if label == "shirt" else rng.choice([0, 0.4, 1, 3.5]))
    draw_neck(canvas, someone, dip)
    if label == "shirt":
        tops.collar(canvas, someone, colour, count + 1)
    if jacket:
        opened = rng.random() < 0.7
        worn.append(
            ("outwear", draw_outwear(canvas, someone, rng, count + 2, opened)),
        )
    return worn


def draw_above(canvas: Canvas, someone: Body, rng: Random, count: int) -> Worn:
    """Draw the head, sometimes a hat, sometimes a bag; return class and colour of each garment.

    ``count``: number of garments drawn before.
    """
    worn: Worn = []
    draw_head(canvas, someone, rng)
    if rng.random() < 0.25:
        worn.append(("hat", accessories.draw_hat(canvas, someone, rng, count + 1)))
    if rng.random() < 0.3:
        worn.append(("bag", accessories.draw_bag(canvas, someone, rng, count + len(worn) + 1)))
    return worn


def finish(canvas: Canvas, rng: Random, worn: Worn) -> Drawn:
    """Return the finished photo, with the garments that cover at least 0.15 % of it.

    ``worn``: class and colour of the garments, in the order of their numbers on the canvas.
    """
    found = []
    least = LEAST * canvas.owner.size
    for owner, (label, colour) in enumerate(worn, 1):
        box = canvas.box_of(owner)
        if box and (canvas.owner == owner).sum() >= least:
            found.append(Garment(label=label, colour=colour, box=box))
    return Drawn(image=photo_of(canvas, rng), garments=found)


def photo_of(canvas: Canvas, rng: Random) -> Image.Image:
    """Return the picture as a camera would show it: random light, white balance, blur and grain."""
    pixels, (across, down) = canvas.pixels, canvas.size
    pixels *= (rng.uniform(0.82, 1.15) * rng.uniform(0.95, 1.05, 3)).astype(np.float32)
    pixels *= (1 + 0.06 * noise(rng, (across, down), (3, 4)))[..., None]
    grain = noise(rng, (across, down), (across // 2, down // 2))
    pixels += (float(rng.uniform(0.5, 3)) * grain)[..., None]
    image = canvas.image()
    return image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.25, 0.7)) * across / 320))
