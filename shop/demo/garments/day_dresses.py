"""Dresses cut in one piece or in tiers, and details that all dresses share."""

from dataclasses import replace

import numpy as np

from ..geometry import Node, ellipse, mix, path, symmetric
from ..products import Product
from ..shapes import Fold, Part, Shapes, band, both, fold, seam
from .bodice import Torso, buttons, patch_pocket, placket, shirt_collar, sleeve
from .skirts import ruffles, skirt_flare

SLIM = Torso(
    top=10,
    neck=9.5,
    drop=9,
    shoulder=19.5,
    slope=3.2,
    chest=21.5,
    armpit=29,
    waist=17,
    waist_y=48,
    hem=17.2,
    hem_y=50,
    curve=0.6,
)


def fan(
    waist: float, hem: float, top: float, low: float, *, count: int = 10, depth: float = 0.8
) -> tuple[Fold, ...]:
    """Return soft folds from waist to hem."""
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


def sleeves(torso: Torso, product: Product) -> Shapes:
    if product.has("long sleeves"):
        return sleeve(torso, length=56, angle=73, cuff=8.6, bow=2.6)
    if product.has("short sleeves"):
        return sleeve(torso, length=13, angle=52, cuff=12, bow=1.6)
    return []


def zip_back(low: float = 62) -> Shapes:
    return [
        seam((0, 15), (0, low), strength=0.5),
        Part(outline=ellipse(0, 16.4, 0.6, 1.2), paint="steel"),
    ]


def shift(product: Product, back: bool) -> Shapes:
    torso = Torso(
        top=14,
        neck=10,
        drop=3.5 if back else 7,
        shoulder=20,
        slope=3.2,
        chest=23,
        armpit=33,
        waist=22.4,
        waist_y=58,
        hem=27,
        hem_y=100,
        curve=2,
    )
    arms = sleeves(torso, product)
    shapes: Shapes = [
        *torso.inside(),
        *arms,
        torso.body(),
        *(torso.armhole_seams() if arms else []),
    ]
    shapes.append(torso.hem_stitch())
    if back:
        return shapes + zip_back(66)
    if product.has("pockets"):
        shapes += both(patch_pocket(12, 64, 11, 13, flap=True))
    return [*shapes, *both([seam((20, 38), (9, 40.6), strength=0.3)])]


def slip(product: Product, back: bool) -> Shapes:
    top = 24.0
    right: list[Node] = [
        (0, top + (2 if back else 6.5)),
        (6, top + 2.4),
        (12.5, top - 1, 1),
        (14.4, top + 4),
        (18.4, top + 11, 1),
    ]
    right += path("16.8 52, 21 72, 26.5 110!, 14 112, 0 112.6")
    folds = (
        *fan(15, 25, 46, 110, count=7, depth=0.9),
        fold((-11, 29), (0, 36), (11, 29), width=2.2, depth=0.8),
        fold((-13, 33), (0, 42), (13, 33), width=2.2, depth=-0.6),
    )
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
    torso = Torso(
        top=14,
        neck=7.6,
        drop=2 if back else 7.5,
        shoulder=21.5,
        slope=4,
        chest=23.5,
        armpit=34,
        waist=19.5,
        waist_y=57,
        hem=29,
        hem_y=104,
        curve=4,
    )
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
    torso = Torso(
        top=14,
        neck=8,
        drop=3 if back else 6,
        shoulder=21,
        slope=4,
        chest=22.6,
        armpit=34,
        waist=20.4,
        waist_y=58,
        hem=22.6,
        hem_y=108,
        curve=1,
    )
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
