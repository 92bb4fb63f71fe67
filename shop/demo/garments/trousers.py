"""Trousers and shorts."""

from dataclasses import dataclass

import numpy as np

from ..geometry import Node, box, mix, path, spline
from ..products import Product
from ..shapes import Fold, Line, Part, Shapes, band, both, fold, seam, stitch
from .bodice import button, patch_pocket


@dataclass(frozen=True, kw_only=True)
class Legs:
    """Measurements of trousers in units; widths are from the middle line."""

    waist: float = 18.5
    hip: float = 24.5
    rise: float = 43.0  # y of the crotch
    knee: float = 23.0
    hem: float = 22.0
    inner: float = 3.2  # how far the inner hem is from the middle line
    hem_y: float = 115.0

    def leg(self) -> list[Node]:
        top, low = 12.0, self.hem_y
        knee_y = self.rise + (low - self.rise) * 0.48
        return [
            (0, top, 1),
            (self.waist, top - 1, 1),
            (mix((self.waist, 0), (self.hip, 0), 0.72)[0], top + 10),
            (self.hip, self.rise - 6),
            (mix((self.hip, 0), (self.knee, 0), 0.5)[0], mix((0, self.rise), (0, knee_y), 0.5)[1]),
            (self.knee, knee_y),
            (self.hem, low, 1),
            ((self.hem + self.inner) / 2, low + 1),
            (self.inner, low, 1),
            (self.inner * 0.62, knee_y),
            (0.9, self.rise + 9),
            (0.0, self.rise, 1),
        ]

    def middle(self, y: float) -> float:
        """Return the x of a leg's crease at height ``y``."""
        share = (y - 12) / (self.hem_y - 12)
        return mix((self.waist * 0.52, 0), ((self.hem + self.inner) / 2, 0), share)[0]


CUTS = {
    "straight": Legs(),
    "slim": Legs(hip=22, knee=17.6, hem=15.4, inner=4.2, waist=17.4),
    "wide": Legs(hip=25.5, knee=28, hem=31, inner=2.0, rise=41),
    "flared": Legs(hip=22, knee=18.4, hem=26, inner=2.4, waist=17),
    "jogger": Legs(hip=25, knee=21.6, hem=15.6, inner=5.4, rise=44, hem_y=110),
    "cargo": Legs(hip=26, knee=25, hem=22.5, inner=4.0, waist=19.5),
    "short": Legs(hip=25, knee=26.2, hem=27.5, inner=2.4, hem_y=65, rise=41),
    "bermuda": Legs(hip=25, knee=25.4, hem=25.4, inner=3.0, hem_y=82, rise=43),
    "running": Legs(hip=26.5, knee=29.4, hem=31, inner=1.6, hem_y=60, rise=41, waist=19.5),
}


def _leg_folds(legs: Legs) -> tuple[Fold, ...]:
    x, y, low = legs.hip, legs.rise, legs.hem_y
    folds = [
        fold((0.8, y - 2), (x * 0.4, y - 7), (x * 0.85, y - 13), width=1.6, depth=-0.6),
        fold((1.2, y + 3), (x * 0.4, y - 0.5), (x * 0.75, y - 3), width=1.7, depth=0.6),
        fold((1.2, y + 6), (x * 0.35, y + 6), (x * 0.6, y + 9), width=1.7, depth=-0.4),
    ]
    if low < 100:
        middle = legs.middle(low)
        folds.append(
            fold(
                (middle - 3, low - 3),
                (middle - 2, low - 12),
                (middle, low - 22),
                width=2,
                depth=0.5,
            )
        )
        return tuple(folds)
    knee = y + (low - y) * 0.48
    for drop, depth in ((-5, 0.5), (0, -0.6), (5, 0.5), (10, -0.35)):
        start, end = (legs.inner * 0.7 + 1, knee + drop + 2), (legs.knee * 0.8, knee + drop - 1)
        folds.append(
            fold(start, (legs.middle(knee), knee + drop - 0.5), end, width=1.6, depth=depth)
        )
    for drop, depth in ((5, -0.6), (9, 0.5), (14, -0.4)):
        start, end = (legs.inner + 1, low - drop), (legs.hem - 1.5, low - drop - 3)
        folds.append(fold(start, (legs.middle(low), low - drop + 1), end, width=1.5, depth=depth))
    return tuple(folds)


def trousers(product: Product, *, back: bool = False) -> Shapes:
    """Return the shapes of trousers or shorts, by cut."""
    legs = CUTS[product.cut]
    leg = Part(
        outline=spline(legs.leg(), closed=True),
        folds=_leg_folds(legs),
        lift=0.25,
        volume=0.62,
        turn=-2,
    )
    shapes: Shapes = both([leg])
    shapes += [seam((0, 14), (0.4, 30), (0, legs.rise), strength=0.45)]
    shapes += _hems(product, legs)
    if product.has("side stripe"):
        side = [(x - 1.7, y) for x, y, *_ in legs.leg()[1:7]]
        shapes += both([band(*side, width=2.4, paint="second", lift=0.05, volume=0.3)])
    if product.has("pressed"):
        ys = np.linspace(24, legs.hem_y - 1, 5)
        crease = [(legs.middle(float(y)), float(y)) for y in ys]
        shapes += both([Line(curve=spline(crease), style="crease", strength=0.2, width=0.5)])
    shapes += _seat(product, legs) if back else _fly(product, legs)
    if product.has("cargo"):
        x, y = legs.hip - 6.6, legs.rise + 12
        shapes += both(patch_pocket(x, y, 13, 16, flap=True))
    return [*shapes, *_waistband(product, legs, back)]


def _hems(product: Product, legs: Legs) -> Shapes:
    low = legs.hem_y
    ends: list[Node] = [
        (legs.inner + 0.1, low),
        ((legs.hem + legs.inner) / 2, low + 0.9),
        (legs.hem - 0.1, low),
    ]
    if product.cut == "jogger":
        return both(
            [band(*[(x, y + 1) for x, y in ends], width=6.4, paint="rib", lift=0.25, volume=0.6)]
        )
    if product.has("turn-ups"):
        return both([band(*[(x, y - 2) for x, y in ends], width=5, lift=0.35, volume=0.4)])
    paint = "camel" if product.material == "denim" else ""
    return both([stitch(*[(x, y - 2) for x, y in ends], paint=paint, strength=0.45)])


def _waistband(product: Product, legs: Legs, back: bool) -> Shapes:
    wide = legs.waist
    curve: list[Node] = [(-wide, 13), (0, 14), (wide, 13)]
    if product.has("drawstring"):
        strip = band(*curve, width=6.6, paint="rib", lift=0.2, volume=0.6)
        cords = [band((1, 14), (2.6, 22), (1.8, 30), width=0.9, paint="pearl", lift=0.4)]
        ends = [Part(outline=box(1.8, 29.6, 1.1, 3, corner=0.3), paint="dark", lift=0.3)]
        return [strip] if back else [strip, *both([*cords, *ends])]
    shapes: Shapes = [band(*curve, width=5.6, lift=0.25, volume=0.4)]
    paint = "camel" if product.material == "denim" else ""
    for y in (-2, 2.2):
        shapes.append(stitch(*[(x * 0.99, v + y) for x, v in curve], paint=paint, strength=0.5))
    loops = [band((x, 10.6), (x, 17.6), width=1.7, lift=0.35) for x in (wide * 0.45, wide * 0.88)]
    shapes += both(loops)
    if product.has("belt"):
        shapes += [
            band(
                *[(x * 1.01, y) for x, y in curve],
                width=4,
                paint="chocolate",
                lift=0.4,
                texture="grain",
            ),
            *both(loops),
        ]
        return [
            *shapes,
            Part(outline=box(0, 11.2, 6, 5.6), paint="brass", lift=0.4),
            Part(outline=box(0.4, 12.4, 3.8, 3.2), paint="chocolate", lift=0),
        ]
    if back:
        return shapes
    metal = "brass" if product.material == "denim" else "horn"
    return [*shapes, *button(1.6, 14, size=1.25, paint=metal)]


def _fly(product: Product, legs: Legs) -> Shapes:
    paint = "camel" if product.material == "denim" else ""
    wide, hip = legs.waist, legs.hip
    shapes: Shapes = []
    if not product.has("drawstring"):
        fly: list[Node] = path("4.6 17, 4.8 28, 3 34, 0.2 37")
        shapes += [
            stitch(*fly, paint=paint, strength=0.5),
            seam((0.3, 17), (0.5, 30), (0.2, 40), strength=0.5),
        ]
    if product.has("pleats"):
        shapes += both(
            [
                seam((wide * 0.5, 17), (wide * 0.54, 34), strength=0.4),
                seam((wide * 0.68, 17), (wide * 0.7, 29), strength=0.3),
            ]
        )
    if product.material == "denim":
        edge: list[Node] = [
            (wide * 0.5, 16.4),
            (wide * 0.58, 22),
            (wide * 0.8, 25.6),
            (hip - 1.6, 26),
        ]
    else:
        edge = [(wide * 0.66, 16.4), (wide * 0.86, 23), (hip - 1.6, 31)]
    inner = [(x - 0.9, y + 0.9) for x, y in edge]
    return [
        *shapes,
        *both([seam(*edge, strength=0.42, width=0.6), stitch(*inner, paint=paint, strength=0.5)]),
    ]


def _seat(product: Product, legs: Legs) -> Shapes:
    if product.has("drawstring"):
        return []
    shapes: Shapes = both([seam((0, 27), (legs.waist, 20.6), strength=0.35)])
    if product.material == "denim" or product.has("cargo"):
        return shapes + both(patch_pocket(10.8, 27, 12, 13))
    return shapes + both(
        [seam((5, 26), (15, 25.6), strength=0.6, width=0.8), *button(10, 28.6, paint="horn")]
    )
