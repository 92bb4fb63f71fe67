"""Dresses."""

from dataclasses import replace

import numpy as np

from ..geometry import Node, ellipse, mix, ribbon, spline, symmetric
from ..products import Product
from ..shapes import Fold, Part, Shapes, band, both, fold, folds_both, seam, stitch
from .bodice import Torso, button, buttons, patch_pocket, placket, shirt_collar, sleeve
from .bottoms import ruffles, skirt_flare

SLIM = Torso(top=10, neck=9.5, drop=9, shoulder=19.5, slope=3.2, chest=21.5, armpit=29, waist=17, waist_y=48,
             hem=17.2, hem_y=50, curve=0.6)  # fmt: skip


def dress(product: Product, *, back: bool = False) -> Shapes:
    drawings = {
        "a-line": skater,
        "shift": shift,
        "wrap": wrap,
        "slip": slip,
        "shirt": shirt_dress,
        "maxi": maxi,
        "tiered": tiered,
        "knit": knitted,
    }
    return drawings[product.cut](product, back)


def fan(
    waist: float, hem: float, top: float, low: float, *, count: int = 10, depth: float = 0.8
) -> tuple[Fold, ...]:
    """Soft folds from the waist to the hem."""
    rng = np.random.default_rng(count)
    folds = []
    for number in range(count + 1):
        share = -0.94 + 1.88 * number / count
        start = top + float(rng.uniform(0, 0.25)) * (low - top)
        a, b = (waist * share, start), (hem * share, low + 7)
        bow = mix(a, b, 0.5)
        way = depth if number % 2 else -depth * 0.8
        folds.append(fold(a, (bow[0] - share * 1.5, bow[1]), b, width=2.2, depth=way))
    return tuple(folds)


def _skirt(waist: float, hem: float, top: float, low: float, **more: int) -> Part:
    return Part(
        outline=skirt_flare(waist, hem, top, low),
        folds=fan(waist, hem, top, low, **more),
        lift=0.1,
        volume=0.6,
    )


def _sleeves(torso: Torso, product: Product) -> Shapes:
    if product.has("long sleeves"):
        return sleeve(torso, length=56, angle=73, cuff=8.6, bow=2.6)
    if product.has("short sleeves"):
        return sleeve(torso, length=13, angle=52, cuff=12, bow=1.6)
    return []


def _bodice(torso: Torso, product: Product, back: bool) -> Shapes:
    shaped = replace(torso, drop=4.5, pointed=False) if back else torso
    darts = folds_both(
        fold(
            (torso.chest - 2, 34),
            (torso.chest * 0.6, 36),
            (torso.chest * 0.36, 37.5),
            width=1.5,
            depth=-0.5,
        ),
        fold(
            (torso.chest * 0.46, 48),
            (torso.chest * 0.44, 42),
            (torso.chest * 0.4, 37),
            width=1.5,
            depth=-0.4,
        ),
        fold(
            (torso.chest * 0.42, 30),
            (torso.chest * 0.5, 35),
            (torso.chest * 0.4, 40),
            width=3.0,
            depth=0.5,
        ),
    )
    body = Part(outline=shaped.outline(), folds=darts, lift=0.15, volume=0.55)
    arms = _sleeves(shaped, product)
    return [*shaped.inside(), *arms, body, *(shaped.armhole_seams() if arms else [])]


def _zip_back(low: float = 62) -> Shapes:
    return [
        seam((0, 15), (0, low), strength=0.5),
        Part(outline=ellipse(0, 16.4, 0.6, 1.2), paint="steel"),
    ]


def skater(product: Product, back: bool) -> Shapes:
    torso = replace(SLIM, pointed=product.has("v-neck"), drop=14 if product.has("v-neck") else 8.5)
    low = 96.0 if product.has("midi") else 86.0
    shapes: Shapes = [_skirt(17.2, 33, 48.6, low), *_bodice(torso, product, back)]
    belt = "accent" if product.has("contrast belt") else "fabric"
    shapes.append(
        band((-17, 49.4), (0, 50.4), (17, 49.4), width=3.6, paint=belt, lift=0.2, volume=0.4)
    )
    if back:
        return shapes + _zip_back()
    if product.has("peter pan"):
        leaf: list[Node] = [(9.4, 10, 1), (12.4, 14), (10.4, 21), (3, 24), (0.2, 19, 1), (5, 17.4)]
        shapes += both(
            [Part(outline=spline(leaf, closed=True), paint="white", lift=0.35, volume=0.3)]
        )
        shapes += buttons(26, 45, 4)
    return shapes


def shift(product: Product, back: bool) -> Shapes:
    torso = Torso(top=14, neck=10, drop=3.5 if back else 7, shoulder=20, slope=3.2, chest=23, armpit=33, waist=22.4,
                  waist_y=58, hem=27, hem_y=100, curve=2)  # fmt: skip
    arms = _sleeves(torso, product)
    shapes: Shapes = [
        *torso.inside(),
        *arms,
        torso.body(),
        *(torso.armhole_seams() if arms else []),
    ]
    shapes.append(torso.hem_stitch())
    if back:
        return shapes + _zip_back(66)
    if product.has("pockets"):
        shapes += both(patch_pocket(12, 64, 11, 13, flap=True))
    return [*shapes, *both([seam((20, 38), (9, 40.6), strength=0.3)])]


def wrap(product: Product, back: bool) -> Shapes:
    torso = replace(SLIM, drop=24, pointed=True, neck=8.6)
    low = 98.0
    shapes: Shapes = [_skirt(17, 29, 48.6, low, count=7)]
    if not back:
        over: list[Node] = [
            (-17.2, 49, 1),
            (15.8, 49, 1),
            (20, 68),
            (11, low + 3.4, 1),
            (-9, low + 3),
            (-28.8, low, 1),
            (-24, 74),
        ]
        folds = tuple(
            fold(
                (14, 50),
                (6 - 5 * k, 66),
                (4 - 9 * k, low + 4),
                width=2,
                depth=0.8 if k % 2 else -0.7,
            )
            for k in range(4)
        )
        shapes.append(Part(outline=spline(over, closed=True), folds=folds, lift=0.4, volume=0.5))
    shapes += _bodice(torso, product, back)
    if not back:
        cross: list[Node] = [
            (-8.8, 9.8, 1),
            (-4.6, 20),
            (4, 35),
            (13.4, 46, 1),
            (17, 48, 1),
            (0, 50),
            (-17, 49, 1),
            (-17.4, 40),
            (-21, 29.6, 1),
            (-18.6, 20),
            (-19, 12.8, 1),
        ]
        drapes = tuple(
            fold(
                (13, 47),
                (2, 40 - 3 * k),
                (-15, 36 - 6 * k),
                width=1.5,
                depth=0.7 if k % 2 else -0.6,
            )
            for k in range(4)
        )
        shapes.append(Part(outline=spline(cross, closed=True), folds=drapes, lift=0.4, volume=0.5))
    shapes.append(band((-17, 49.2), (0, 50.4), (17, 49.2), width=4, lift=0.3, volume=0.5))
    if back:
        return shapes
    knot = Part(outline=ellipse(15.4, 49.8, 2.2, 2.6), lift=0.4, volume=0.8)
    ends = [
        band((15.6, 50), (20, 60), (18.4, 74), width=2.6, lift=0.4, volume=0.6),
        band((15, 50), (14.4, 60), (16.6, 70), width=2.4, lift=0.4, volume=0.6),
    ]
    return [*shapes, *ends, knot]


def slip(product: Product, back: bool) -> Shapes:
    top = 24.0
    right: list[Node] = [
        (0, top + (2 if back else 6.5)),
        (6, top + 2.4),
        (12.5, top - 1, 1),
        (14.4, top + 4),
        (18.4, top + 11, 1),
    ]
    right += [(16.8, 52), (21, 72), (26.5, 110, 1), (14, 112), (0, 112.6)]
    folds = (*fan(15, 25, 46, 110, count=7, depth=0.9), fold((-11, 29), (0, 36), (11, 29), width=2.2, depth=0.8),
             fold((-13, 33), (0, 42), (13, 33), width=2.2, depth=-0.6))  # fmt: skip
    inner: list[Node] = [(0, top - 1), (12, top, 1), (14, top + 8, 1), (0, top + 10)]
    straps = both([band((12, top), (10.6, 15), (9, 8), width=1.1, lift=0.3, volume=0.6)])
    behind = both(
        [band((11.5, top + 3), (9.6, 15), (8.9, 8), width=1.1, paint="inside", lift=0, volume=0.3)]
    )
    lace = (
        []
        if not product.has("lace")
        else [
            band(
                (-26.3, 108.6),
                (0, 110.4),
                (26.3, 108.6),
                width=4,
                paint="edge",
                texture="straw",
                lift=0.1,
            )
        ]
    )
    return [
        *behind,
        Part(outline=symmetric(inner), paint="inside", lift=0, volume=0.2),
        Part(outline=symmetric(right), folds=folds, volume=0.65),
        *straps,
        *lace,
    ]


def shirt_dress(product: Product, back: bool) -> Shapes:
    torso = Torso(top=14, neck=7.6, drop=2 if back else 7.5, shoulder=21.5, slope=4, chest=23.5, armpit=34, waist=19.5,
                  waist_y=57, hem=29, hem_y=104, curve=4)  # fmt: skip
    arms = (
        sleeve(torso, length=56, angle=74, cuff=10, bow=2.6)
        if product.has("long sleeves")
        else sleeve(torso, length=17, angle=52, cuff=13)
    )
    body = replace(
        torso.body(), folds=(*torso.drape()[:4], *fan(19, 28, 60, 104, count=8, depth=0.6))
    )
    shapes: Shapes = [
        *arms,
        *([] if back else torso.inside()),
        body,
        *torso.armhole_seams(),
        torso.hem_stitch(1.8),
    ]
    tie = band((-19.6, 57), (0, 58.4), (19.6, 57), width=3.8, lift=0.4, volume=0.6)
    if back:
        collar = band((-7.6, 12.4), (0, 14), (7.6, 12.4), width=6, lift=0.4)
        return [*shapes, seam((-21, 27), (0, 28.4), (21, 27)), collar, tie]
    shapes += [
        *placket(21, 107),
        *buttons(25, 98, 8),
        *both(patch_pocket(11.4, 36, 9, 10, flap=True)),
        tie,
    ]
    ends = [
        band((1.6, 58.6), (5.6, 68), (4.4, 80), width=2.6, lift=0.4, volume=0.6),
        band((0.8, 58.6), (-2.2, 67), (-1, 76), width=2.4, lift=0.4, volume=0.6),
    ]
    return [
        *shapes,
        *ends,
        Part(outline=ellipse(1, 58.6, 2.2, 2.5), lift=0.4, volume=0.8),
        *shirt_collar(torso, size=8),
    ]


def maxi(product: Product, back: bool) -> Shapes:
    torso = replace(
        SLIM,
        top=8,
        neck=9,
        drop=15 if not back else 5,
        pointed=not back,
        waist_y=42,
        hem_y=43,
        armpit=26,
    )
    shapes: Shapes = [_skirt(17, 36, 42, 115, count=12), *_bodice(torso, product, back)]
    shapes.append(band((-17.2, 43), (0, 44), (17.2, 43), width=3, lift=0.2, volume=0.4))
    if product.has("flutter"):
        wing: list[Node] = [
            (14, 9.6, 1),
            (20, 11),
            (28, 19),
            (30.4, 27, 1),
            (25, 28),
            (20.4, 26.4, 1),
            (18, 18),
        ]
        folds = tuple(
            fold((16 + k, 11), (21 + 2 * k, 18), (22 + 4 * k, 28), width=1.2, depth=0.9)
            for k in range(3)
        )
        shapes += both(
            [Part(outline=spline(wing, closed=True), folds=folds, lift=0.35, volume=0.6)]
        )
    return shapes + (_zip_back(58) if back else [])


def tiered(product: Product, back: bool) -> Shapes:
    torso = replace(
        SLIM, top=12, drop=5 if back else 8, waist=22, waist_y=40, hem=23, hem_y=42, chest=22.4
    )
    edges = [(22.6, 40.0, 29.0, 64.0), (28.0, 62.0, 33.5, 86.0), (32.4, 84.0, 38.0, 109.0)]
    tiers: Shapes = []
    for wide, top, hem, low in reversed(edges):
        tiers.append(
            Part(
                outline=skirt_flare(wide, hem, top, low),
                folds=ruffles(wide, top, hem, low),
                lift=0.35,
                volume=0.5,
            )
        )
    puff: Shapes = sleeve(torso, length=19, angle=58, cuff=13, bow=4.5, rib=2.4)
    return [
        *torso.inside(),
        *puff,
        torso.body(),
        *torso.armhole_seams(),
        *tiers,
        *torso.collar_rib(1.8),
    ]


def knitted(product: Product, back: bool) -> Shapes:
    torso = Torso(top=14, neck=8, drop=3 if back else 6, shoulder=21, slope=4, chest=22.6, armpit=34, waist=20.4,
                  waist_y=58, hem=22.6, hem_y=108, curve=1)  # fmt: skip
    arms = sleeve(torso, length=60, angle=75, cuff=9, bow=2.4, rib=5)
    hem = band((-22.4, 106), (0, 107), (22.4, 106), width=6, paint="rib", lift=0.1, volume=0.5)
    tie: Shapes = []
    if product.has("belt"):
        tie = [band((-20.6, 60), (0, 61.4), (20.6, 60), width=4.4, lift=0.4, volume=0.6)]
        tie += [
            band((2, 61), (6, 72), (5, 86), width=3, lift=0.4, volume=0.6),
            Part(outline=ellipse(1.6, 61.4, 2.6), lift=0.4, volume=0.8),
        ]
    return [
        *torso.inside(),
        *arms,
        torso.body(),
        *torso.armhole_seams(),
        hem,
        *torso.collar_rib(3),
        *tie,
    ]


__all__ = ["button", "dress", "ribbon", "stitch"]
