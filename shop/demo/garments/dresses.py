"""Dresses by cut, and those with a seam at the waist."""

from dataclasses import replace

from ..geometry import Node, ellipse, path, spline
from ..products import Product
from ..shapes import Part, Shapes, band, both, fold, folds_both
from .bodice import Torso, buttons
from .day_dresses import SLIM, fan, knitted, shift, shirt_dress, sleeves, slip, tiered, zip_back
from .skirts import skirt_flare


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


def _skirt(waist: float, hem: float, top: float, low: float, **more: int) -> Part:
    return Part(
        outline=skirt_flare(waist, hem, top, low),
        folds=fan(waist, hem, top, low, **more),
        lift=0.1,
        volume=0.6,
    )


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
    arms = sleeves(shaped, product)
    return [*shaped.inside(), *arms, body, *(shaped.armhole_seams() if arms else [])]


def skater(product: Product, back: bool) -> Shapes:
    torso = replace(SLIM, pointed=product.has("v-neck"), drop=14 if product.has("v-neck") else 8.5)
    low = 96.0 if product.has("midi") else 86.0
    shapes: Shapes = [_skirt(17.2, 33, 48.6, low), *_bodice(torso, product, back)]
    belt = "accent" if product.has("contrast belt") else "fabric"
    shapes.append(
        band((-17, 49.4), (0, 50.4), (17, 49.4), width=3.6, paint=belt, lift=0.2, volume=0.4)
    )
    if back:
        return shapes + zip_back()
    if product.has("peter pan"):
        leaf: list[Node] = path("9.4 10!, 12.4 14, 10.4 21, 3 24, 0.2 19!, 5 17.4")
        shapes += both(
            [Part(outline=spline(leaf, closed=True), paint="white", lift=0.35, volume=0.3)]
        )
        shapes += buttons(26, 45, 4)
    return shapes


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
        cross: list[Node] = path(
            "-8.8 9.8!, -4.6 20, 4 35, 13.4 46!, 17 48!, 0 50, -17 49!, -17.4 40, "
            "-21 29.6!, -18.6 20, -19 12.8!"
        )
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
        wing: list[Node] = path("14 9.6!, 20 11, 28 19, 30.4 27!, 25 28, 20.4 26.4!, 18 18")
        folds = tuple(
            fold((16 + k, 11), (21 + 2 * k, 18), (22 + 4 * k, 28), width=1.2, depth=0.9)
            for k in range(3)
        )
        shapes += both(
            [Part(outline=spline(wing, closed=True), folds=folds, lift=0.35, volume=0.6)]
        )
    return shapes + (zip_back(58) if back else [])
