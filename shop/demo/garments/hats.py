"""Hats, seen from the front or a little from the side."""

import numpy as np

from ..geometry import Node, Points, ellipse, path, spline, symmetric
from ..products import Product
from ..shapes import Fold, Line, Part, Shapes, band, fold, moved, stitch
from .caps import cap


def hat(product: Product, *, back: bool = False) -> Shapes:
    drawings = {
        "cap": cap,
        "trucker": cap,
        "beanie": beanie,
        "bucket": bucket,
        "sun": sun_hat,
        "fedora": fedora,
        "beret": beret,
        "boater": boater,
    }
    shapes = drawings[product.cut](product, back)
    return moved(shapes, 0, 0, scale=0.92)


def beanie(product: Product, back: bool) -> Shapes:
    dome: list[Node] = path("0 28, 13 30, 26 41, 31.4 57, 32 74!, 0 77")
    ribs = tuple(
        fold((x * 0.12, 28), (x * 0.62, 40), (x * 0.95, 56), (x, 78), width=1.5, depth=0.8)
        for x in np.linspace(-30, 30, 11)
    )
    cuff: list[Node] = path("0 69, 18 68.4, 32.4 66!, 34 74, 33 87!, 18 89.4, 0 90")
    lines = tuple(
        fold((x, 64), (x * 1.02, 78), (x, 95), width=1.2, depth=0.7)
        for x in np.linspace(-31, 31, 15)
    )
    texture = "chunky" if product.has("chunky") else "rib"
    shapes: Shapes = []
    if product.has("pompom"):
        rng = np.random.default_rng(2)
        ball = ellipse(0, 22, 10)
        fluff = np.repeat(ball, 4, axis=0) + rng.normal(0, 0.55, (len(ball) * 4, 2))
        tufts = tuple(
            fold(
                (0, 22),
                (7 * np.cos(a), 22 + 7 * np.sin(a)),
                (10 * np.cos(a), 22 + 10 * np.sin(a)),
                width=1,
                depth=0.9,
            )
            for a in np.linspace(0, 6, 16)
        )
        shapes.append(
            Part(outline=fluff, paint="accent", texture="felt", volume=0.9, lift=0.3, folds=tufts)
        )
    shapes.append(Part(outline=symmetric(dome), folds=ribs, texture=texture, volume=0.85, lift=0.3))
    paint = "accent" if product.has("contrast cuff") else "fabric"
    shapes.append(
        Part(outline=symmetric(cuff), paint=paint, folds=lines, texture="rib", volume=0.8, lift=0.5)
    )
    if product.has("tag") and not back:
        shapes.append(
            Part(
                outline=spline(path("12 74!, 21 73.4!, 21.4 80.6!, 12.4 81.2!"), closed=True),
                paint="camel",
                texture="grain",
                lift=0.25,
            )
        )
        shapes.append(
            stitch(*path("13 75.2, 20.2 74.6, 20.4 79.6, 13.4 80, 13 75.2"), strength=0.5)
        )
    return shapes


def _rows(top: Node, count: int, step: float, low: float, rise: float) -> Shapes:
    """Return rows of stitches along a brim."""
    x, y = top[:2]
    return [
        stitch(
            (-x - k * step, y + k * 2.1),
            (0, low + k * rise),
            (x + k * step, y + k * 2.1),
            strength=0.3,
        )
        for k in range(count)
    ]


def bucket(product: Product, back: bool) -> Shapes:
    crown: list[Node] = path("0 34, 15 34.6, 22 37.6, 25.4 52, 28 68!, 0 72")
    lid: list[Node] = path("0 33.6, 15 34.2, 22.4 37.6, 15 41.4, 0 42.4")
    brim: list[Node] = path("0 69, 16 67.6, 27.6 63.6!, 37 74, 44 85!, 26 93, 0 95.6")
    waves = tuple(
        fold((x * 0.7, 68), (x * 0.86, 80), (x, 95), width=3, depth=d)
        for x, d in ((-34, 0.5), (-16, -0.4), (6, 0.5), (26, -0.4))
    )
    shapes: Shapes = [
        Part(
            outline=symmetric(crown),
            volume=0.8,
            lift=0.2,
            folds=(fold((-10, 44), (-13, 56), (-12, 68), width=4, depth=0.5),),
        ),
        Part(outline=symmetric(lid), volume=0.4, lift=0.05),
        Line(curve=spline(path("-22 38, -14 41.6, 0 42.6, 14 41.6, 22 38")), strength=0.4),
        Part(outline=symmetric(brim), volume=0.6, lift=0.3, folds=waves),
        *_rows((29, 66), 6, 2.3, 73, 3.4),
    ]
    eyes = [
        Part(outline=ellipse(17 + k * 5, 56.5 + k * 0.4, 0.9), paint="steel", lift=0.1)
        for k in range(2)
    ]
    return [*shapes, *([] if back else eyes)]


def _wide_brim(rx: float, ry: float, y: float, wave: float) -> Points:
    angle = np.linspace(0, 2 * np.pi, 90, endpoint=False)
    sway = wave * np.sin(2 * angle + 0.6) + wave * 0.5 * np.sin(3 * angle)
    return np.stack([rx * np.cos(angle), y + (ry + sway) * np.sin(angle)], axis=1)


def _weave_rings(rx: float, ry: float, y: float, count: int) -> tuple[Fold, ...]:
    """Return the coils of a plaited brim."""
    rings = [_wide_brim(rx * k, ry * k, y, 0.6) for k in np.linspace(0.5, 0.95, count)]
    return tuple(
        Fold(curve=np.concatenate([ring, ring[:1]])[::6], width=0.9, depth=0.3) for ring in rings
    )


def _ribbon_band(product: Product, wide: float, y: float, height: float, sag: float) -> Shapes:
    strip = band(
        (0.9 - wide, y),
        (0, y + sag),
        (wide - 0.9, y),
        width=height,
        paint="accent",
        texture="twill",
        lift=0.15,
        volume=0.5,
    )
    bow: list[Node] = [
        (wide * 0.62, y - height * 0.5, 1),
        (wide * 0.9, y - height * 0.62),
        (wide * 0.92, y + height * 0.5),
        (wide * 0.64, y + height * 0.66, 1),
    ]
    knot = Part(
        outline=spline(bow, closed=True), paint="accent", texture="twill", lift=0.35, volume=0.6
    )
    return [strip, knot] if product.has("bow") else [strip]


def sun_hat(product: Product, back: bool) -> Shapes:
    crown: list[Node] = path("0 36, 12 37.4, 20.5 45, 23.4 60, 24 69!, 0 74")
    rounds = tuple(
        fold((-23, y), (0, y + 3), (23, y), width=1, depth=0.35) for y in np.arange(40, 68, 4.0)
    )
    brim = Part(
        outline=_wide_brim(48, 17, 72, 1.8), folds=_weave_rings(48, 17, 72, 4), volume=0.5, lift=0.3
    )
    shapes: Shapes = [brim, Part(outline=symmetric(crown), folds=rounds, volume=0.8, lift=0.6)]
    return [*shapes, *_ribbon_band(product, 23.7, 64.4, 7.2, 4.2)]


def fedora(product: Product, back: bool) -> Shapes:
    crown: list[Node] = path("0 38, 6 34.5, 14 34, 20.5 40, 23.6 54, 25 70!, 0 75")
    pinch = (
        fold((-12, 36), (-10, 46), (-14, 58), width=4, depth=-0.7),
        fold((12, 36), (10, 46), (13, 58), width=4, depth=-0.7),
        fold((0, 38), (0, 48), (0, 58), width=4.5, depth=0.7),
        fold((-5, 36.4), (0, 40), (5, 36.4), width=2.4, depth=-0.9),
    )
    brim: list[Node] = path("0 67, 26 66, 42 69, 47 74, 42 82, 24 88, 0 89.4")
    roll = folds_along(brim)
    shapes: Shapes = [
        Part(outline=symmetric(brim), volume=0.6, lift=0.3, folds=roll),
        Part(outline=symmetric(crown), folds=pinch, volume=0.8, lift=0.6),
    ]
    return [*shapes, *_ribbon_band(product, 24.3, 65.2, 7.6, 4.6)]


def folds_along(brim: list[Node]) -> tuple[Fold, ...]:
    """Return the rolled edge of a felt brim."""
    low = [(x * 0.94, 76 + (y - 76) * 0.86) for x, y, *_ in brim[3:]]
    curve = spline([*[(-x, y) for x, y in low], *reversed(low[:-1])])
    return (Fold(curve=curve, width=1.8, depth=0.6),)


def beret(product: Product, back: bool) -> Shapes:
    disc: list[Node] = path(
        "-8 38, 12 37, 32 46, 41 60, 36 71, 22 76, 0 79, -20 78, -33 70, -35 56, -25 44"
    )
    folds = (
        fold((-24, 74), (-10, 58), (6, 48), width=4, depth=0.5),
        fold((24, 74), (26, 60), (16, 48), width=5, depth=-0.5),
        fold((6, 76), (12, 66), (10, 56), width=3.4, depth=0.5),
    )
    strip = band((-24, 75), (-2, 79.4), (20, 74.4), width=6, lift=0.15, volume=0.6)
    stalk = band((5, 40), (6, 36), (8, 33.4), width=1.9, lift=0.3, volume=0.8)
    top = (
        [stalk]
        if not product.has("pompom")
        else [Part(outline=ellipse(5, 37, 5), paint="accent", texture="felt", volume=0.9)]
    )
    return [strip, Part(outline=spline(disc, closed=True), folds=folds, volume=0.9, lift=0.5), *top]


def boater(product: Product, back: bool) -> Shapes:
    crown: list[Node] = path("0 42, 18 42.6, 24.6 46!, 25 58, 25.4 70!, 0 75")
    lid = ellipse(0, 46.2, 24.4, 5.2)
    brim = Part(
        outline=ellipse(0, 72, 46, 14), folds=_weave_rings(46, 14, 72, 4), volume=0.45, lift=0.3
    )
    shapes: Shapes = [
        brim,
        Part(outline=symmetric(crown), volume=0.8, lift=0.6),
        Part(outline=lid, volume=0.4, lift=0.1),
    ]
    return [*shapes, *_ribbon_band(product, 25.2, 62.4, 9, 5)]
