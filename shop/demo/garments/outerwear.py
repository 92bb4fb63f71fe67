"""Jackets and coats by cut, including down-filled and hooded ones."""

from dataclasses import replace

import numpy as np

from ..geometry import Node, Points, arch, ellipse, ribbon, spline, symmetric
from ..products import Product
from ..shapes import Fold, Line, Part, Shapes, band, both, fold, seam, stitch
from .bodice import Torso, button, patch_pocket, zip_line
from .jackets import (
    BOMBER,
    COAT,
    biker,
    bomber,
    denim_jacket,
    jacket_sleeves,
    plain_back,
    welt_pockets,
)
from .tailored import blazer, coat, trench

PARKA = replace(
    COAT, drop=6, pointed=False, chest=29, waist=29, hem=31, hem_y=108, top=20, armpit=45
)


def outwear(product: Product, *, back: bool = False) -> Shapes:
    drawings = {
        "bomber": bomber,
        "puffer": puffer,
        "parka": parka,
        "denim": denim_jacket,
        "coat": coat,
        "trench": trench,
        "blazer": blazer,
        "biker": biker,
    }
    return drawings[product.cut](product, back)


def puffer(product: Product, back: bool) -> Shapes:
    gilet = product.has("gilet")
    torso = replace(
        BOMBER, shoulder=23 if gilet else 28, chest=33, waist=34, hem=32, hem_y=97, neck=9
    )
    arms = [] if gilet else _quilted(jacket_sleeves(torso, length=64, cuff=14, rib=3.4), torso)
    rows = np.arange(torso.top + 13, torso.hem_y - 3, 10.0)
    body = replace(torso.body(), folds=_baffles(rows, torso.chest), volume=0.7)
    lines: Shapes = [
        seam((-torso.chest - 2, y), (0, y + 1), (torso.chest + 2, y), strength=0.55) for y in rows
    ]
    front: Shapes = (
        [] if back else [*zip_line(torso.top + 4, torso.hem_y + 1), *welt_pockets(15, 68)]
    )
    collar = _puffer_collar(torso, back)
    return [*arms, body, *lines, *([] if gilet else torso.armhole_seams()), *front, *collar]


def _baffles(rows: Points, half: float) -> tuple[Fold, ...]:
    """Return the folds of down-filled tubes: a ridge between seams, puckers at the seams."""
    ridges = [
        fold((-half - 9, y - 5), (0, y - 4), (half + 9, y - 5), width=3.2, depth=0.85)
        for y in (*rows, rows[-1] + 10)
    ]
    rng = np.random.default_rng(3)
    puckers = []
    for y in rows:
        for x in rng.uniform(-half, half, 7):
            puckers.append(
                fold((x, y - 2.6), (x + rng.uniform(-1, 1), y + 2.8), width=0.8, depth=-0.5)
            )
    return (*ridges, *puckers)


def _quilted(arms: Shapes, torso: Torso) -> Shapes:
    """Add seams across the sleeves, each as wide as the sleeve there."""
    arm = next(shape for shape in arms if isinstance(shape, Part))
    x, y = torso.tip
    seams: Shapes = []
    ridges: list[Fold] = []
    for row in range(6):
        low = y + 9 + row * 9.5
        out, width = x + (low - y) * 0.27, 15 - row * 0.35
        line = spline(
            [(out + 3.2, low - 0.6), (out - width / 2, low + 2.4), (out - width, low + 3.4)]
        )
        inside = line[line[:, 0] > torso.chest - 1.4] if low > torso.armpit else line
        seams.append(Line(curve=inside if len(inside) > 2 else line[:3], strength=0.55))
        ridges.append(Fold(curve=line - (0, 4.6), width=3.0, depth=0.9))
    right = replace(arm, folds=tuple(ridges), volume=0.8)
    return [
        *both([right, *seams]),
        *(shape for shape in arms if isinstance(shape, Part) and shape.paint == "rib"),
    ]


def _puffer_collar(torso: Torso, back: bool) -> Shapes:
    neck, top = torso.neck, torso.top
    tube: list[Node] = [
        (0, top - 6),
        (neck * 0.9, top - 6),
        (neck + 2.2, top - 3.4),
        (neck + 2.4, top + 2),
    ]
    tube += [(neck * 0.8, top + 6.4), (0, top + 7.6)]
    outline = spline([*tube, *[(-x, y) for x, y in reversed(tube[1:-1])]], closed=True)
    folds = (fold((-neck, top + 1), (0, top + 3), (neck, top + 1), width=2.6, depth=0.9),)
    collar: Shapes = [Part(outline=outline, lift=0.4, volume=0.8, folds=folds)]
    if not back:
        collar.append(
            Part(outline=ellipse(0, top - 4, neck * 0.8, 1.8), paint="inside", lift=0, volume=0.2)
        )
        collar += zip_line(top - 2, top + 9)
    return collar


def parka(product: Product, back: bool) -> Shapes:
    torso = PARKA
    arms = jacket_sleeves(torso, length=64, cuff=13)
    if back:
        return [*plain_back(torso, arms), *_hood(torso, product, closed=True)]
    shapes: Shapes = [*_hood(torso, product), *arms, torso.body(), *torso.armhole_seams()]
    y = 74.0
    shapes += [
        stitch((-29, y - 6), (0, y - 5), (29, y - 6)),
        *zip_line(27, torso.hem_y + 0.6, metal="brass"),
    ]
    shapes += both([*patch_pocket(17.5, 80, 14, 15, flap=True), *button(17.5, 82.4, paint="brass")])
    shapes += both(patch_pocket(16, 50, 10.5, 11, flap=True))
    strings = [band((5, 26), (6.4, 38), (5.6, 45), width=0.8, paint="pearl", lift=0.4)]
    return [*shapes, *_hood_front(torso, product), *both(strings)]


def _hood(torso: Torso, product: Product, *, closed: bool = False) -> Shapes:
    neck, top = torso.neck, torso.top
    if closed:
        flat: list[Node] = [
            (0, top - 9),
            (neck + 3, top - 8),
            (neck + 7, top - 1),
            (neck + 4, top + 9),
            (0, top + 19),
        ]
        return [
            Part(outline=symmetric(flat), lift=0.5, volume=0.7),
            seam((0, top - 8), (0, top + 17)),
        ]
    hood: list[Node] = [
        (0, top - 17),
        (neck * 0.9, top - 15),
        (neck + 4.6, top - 6),
        (neck + 4.6, top + 4, 1),
        (0, top + 8),
    ]
    mouth: list[Node] = [
        (0, top - 13.4),
        (neck * 0.75, top - 11.4),
        (neck + 1.4, top - 3),
        (neck, top + 6, 1),
        (0, top + 9),
    ]
    shapes: Shapes = [Part(outline=symmetric(hood), lift=0.2, volume=0.7)]
    if product.has("fur"):
        ring = arch(
            [(0, top - 15.4), (neck * 0.8, top - 13.2), (neck + 3, top - 4), (neck + 1.6, top + 7)]
        )
        shapes.append(
            Part(outline=_furry(ring, 6.4), paint="sand", texture="felt", lift=0.4, volume=0.9)
        )
    return [*shapes, Part(outline=symmetric(mouth), paint="inside", lift=0.2, volume=0.4)]


def _furry(curve: Points, width: float) -> Points:
    rng = np.random.default_rng(9)
    strip = ribbon(curve, width)
    return strip + rng.normal(0, 0.5, strip.shape)


def _hood_front(torso: Torso, product: Product) -> Shapes:
    """Return the lower ends of the hood, on the chest."""
    neck, top = torso.neck, torso.top
    fall: list[Node] = [
        (neck + 2.6, top - 4, 1),
        (neck + 5, top + 3),
        (neck * 0.9, top + 10),
        (0.4, top + 14, 1),
    ]
    fall += [(0.4, top + 8, 1), (neck * 0.6, top + 5)]
    return both([Part(outline=spline(fall, closed=True), lift=0.4, volume=0.6)])
