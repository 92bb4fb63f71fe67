"""Blazers and coats with lapels."""

from dataclasses import replace

from ..geometry import Node, path, ribbon, spline, symmetric
from ..products import Product
from ..shapes import Part, Shapes, band, both, fold, seam, stitch
from .bodice import Torso, button
from .jackets import COAT, jacket_sleeves, plain_back, welt_pockets


def _lapels(torso: Torso, low: float, *, wide: float = 12.0) -> Shapes:
    """Return a tailored collar: notched lapels that fold out from `low`, and the collar above."""
    neck, top = torso.neck, torso.top
    lapel: list[Node] = [
        (neck * 0.8, top + 1, 1),
        (neck * 0.5, top + (low - top) * 0.45),
        (0.6, low, 1),
    ]
    lapel += [(wide * 0.62, low - (low - top) * 0.3), (wide + 3, top + (low - top) * 0.42, 1)]
    lapel += [(wide * 0.86, top + (low - top) * 0.34, 1)]
    collar: list[Node] = [(neck * 0.5, top - 4, 1), (neck + 1.4, top - 2), (neck + 5, top + 6, 1)]
    collar += [
        (wide + 0.6, top + (low - top) * 0.28, 1),
        (wide * 0.84, top + (low - top) * 0.36, 1),
        (neck * 0.72, top + 3, 1),
    ]
    back: list[Node] = [
        (0, top - 5),
        (neck * 0.7, top - 4.2),
        (neck + 0.6, top, 1),
        (neck * 0.6, top + 3, 1),
        (0, top + 0.4),
    ]
    roll = fold((neck * 0.6, top + 2), (2.4, low - 4), width=1.4, depth=0.5)
    parts: Shapes = [
        Part(outline=spline(lapel, closed=True), turn=-14, lift=0.5, volume=0.4, folds=(roll,)),
        Part(outline=spline(collar, closed=True), turn=-30, lift=0.35, volume=0.4),
    ]
    return [Part(outline=symmetric(back), volume=0.3, lift=0.2), *both(parts)]


def _vest(torso: Torso, low: float, paint: str) -> Shapes:
    """Return the lining and the clothing between the lapels."""
    gap: list[Node] = [
        (0, torso.top - 2),
        (torso.neck, torso.top - 1, 1),
        (torso.neck * 0.8, torso.top + 6),
        (0.4, low + 1, 1),
    ]
    return [Part(outline=symmetric(gap), paint=paint, volume=0.2, lift=0, texture="none")]


def blazer(product: Product, back: bool) -> Shapes:
    torso = replace(
        COAT,
        top=16,
        chest=28,
        waist=25.4,
        waist_y=70,
        hem=30,
        hem_y=102,
        armpit=42,
        shoulder=27,
        drop=42,
        neck=8,
    )
    arms = jacket_sleeves(torso, length=66, cuff=12)
    if back:
        return plain_back(torso, arms)
    low = 58.0
    shapes: Shapes = [*arms, *_vest(torso, low, "inside"), torso.body(), *torso.armhole_seams()]
    shapes += both(
        [
            band((10, 76), (21.5, 77.4), width=3.2, lift=0.35, volume=0.4),
            seam((13.5, 46), (15, 74), strength=0.22),
        ]
    )
    shapes += [
        seam((-1.4, low), (-0.4, 92), (-4, 102.6), strength=0.6),
        band((13, 46.6), (20.6, 45.2), width=2, lift=0.25),
    ]
    rows = (66.0, 76.0) if product.has("double") else (64.0, 74.0)
    for y in rows:
        for x in (-5.6, 5.6) if product.has("double") else (1.2,):
            shapes += button(x, y, size=1.2, paint="horn")
    return [*shapes, *_lapels(torso, low)]


def coat(product: Product, back: bool) -> Shapes:
    torso = replace(COAT, drop=36)
    arms = jacket_sleeves(torso, length=66, cuff=13)
    if back:
        return plain_back(torso, arms)
    low = 49.0
    shapes: Shapes = [*arms, *_vest(torso, low, "inside"), torso.body(), *torso.armhole_seams()]
    shapes += [
        *welt_pockets(15, 70, lean=4, length=14),
        seam((-3, low + 1), (-3, 117), strength=0.6),
    ]
    for y in (55.0, 68.0, 81.0):
        for x in (-7.0, 6.0) if product.has("double") else (1.0,):
            shapes += button(x, y, size=1.5, paint="horn")
    return [*shapes, *_lapels(torso, low, wide=13.5)]


def trench(product: Product, back: bool) -> Shapes:
    torso = replace(COAT, drop=26, waist=23, hem=34)
    arms = jacket_sleeves(torso, length=66, cuff=13)
    straps = both([band((28.2, 77.6), (40.8, 74.2), width=2.6, lift=0.4, volume=0.5)])
    belt: Shapes = [
        band((-23.4, 66.4), (0, 68), (23.4, 66.4), width=5, lift=0.4, volume=0.5),
        stitch((-23, 65), (0, 66.4), (23, 65)),
    ]
    if back:
        return [*plain_back(torso, arms), *straps, *belt]
    low = 40.0
    shapes: Shapes = [
        *arms,
        *_vest(torso, low, "inside"),
        torso.body(),
        *torso.armhole_seams(),
        *straps,
    ]
    flap: list[Node] = path("9 24!, 23 21!, 23.4 36, 21.6 45!, 10.6 43")
    shapes += [
        Part(outline=spline(flap, closed=True), lift=0.35, volume=0.4),
        seam((-4, low), (-4, 117), strength=0.6),
    ]
    shapes += [
        stud
        for y in (47.0, 58.0, 78.0)
        for x in (-9.0, 8.0)
        for stud in button(x, y, size=1.35, paint="horn")
    ]
    shapes += [*welt_pockets(15.5, 75, lean=4, length=13), *belt]
    buckle = ribbon(spline(path("-3.4 64.6, 3.4 64.8, 3.4 71, -3.4 70.8, -3.4 64.6")), 1.4)
    tail = band((3.4, 67.6), (12, 72), (14, 84), width=4.4, lift=0.45, volume=0.5)
    epaulette = band((13, 15.6), (23.4, 18.4), width=3.2, lift=0.3, volume=0.4)
    return [
        *shapes,
        tail,
        Part(outline=buckle, paint="horn", lift=0.4),
        *both([epaulette]),
        *_lapels(torso, low, wide=13),
    ]
