"""Hats, seen from the front or a little from the side."""

import numpy as np

from ..geometry import Node, Points, ellipse, ribbon, spline, symmetric
from ..products import Product
from ..shapes import Fold, Line, Part, Shapes, band, both, fold, moved, seam, stitch


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


def cap(product: Product, back: bool) -> Shapes:
    """A cap turned to the right, its peak towards the viewer."""
    if back:
        return _cap_back(product)
    crown: list[Node] = [
        (-34, 76, 1),
        (-35, 62),
        (-30, 46),
        (-17, 35),
        (-2, 32.4),
        (12, 36),
        (22, 46),
        (27, 60),
        (28, 72, 1),
    ]
    crown += [(14, 70), (-4, 72.6), (-20, 77), (-33, 79.4, 1)]
    front: list[Node] = [
        (-13, 74, 1),
        (-14, 58),
        (-8, 42),
        (-1, 32.6, 1),
        (12, 36),
        (22, 46),
        (27, 60),
        (28, 72, 1),
        (12, 70),
    ]
    peak: list[Node] = [
        (-14.5, 74, 1),
        (-4, 71.4),
        (12, 69),
        (28, 71, 1),
        (40, 77),
        (47, 86),
        (44, 91),
        (34, 90.4),
        (18, 87),
        (0, 87),
        (-10, 86),
    ]
    under: list[Node] = [
        (-13, 82, 1),
        (0, 86),
        (18, 86),
        (34, 89.6),
        (44.4, 90.4),
        (46, 88, 1),
        (44, 93),
        (34, 93),
        (18, 89.6),
        (0, 90),
        (-9, 89),
    ]
    outline = spline(peak, closed=True)
    face = "second" if product.cut == "trucker" else "fabric"
    rest = "fabric"
    mesh = "straw" if product.cut == "trucker" else ""
    dent = (
        fold((-26, 74), (-27, 58), (-20, 42), width=3.4, depth=-0.35),
        fold((0, 66), (6, 52), (4, 38), width=4, depth=0.4),
    )
    shapes: Shapes = [
        Part(
            outline=spline(crown, closed=True),
            paint=rest,
            texture=mesh,
            folds=dent,
            volume=0.8,
            lift=0.2,
        ),
        Part(
            outline=spline(front, closed=True), paint=face, folds=dent[1:], volume=0.55, lift=0.08
        ),
        seam((-1, 32.6), (-9, 42), (-14.4, 58), (-13.4, 74)),
        seam((-1, 32.6), (9, 44), (13, 58), (13, 70)),
        seam((-1, 32.6), (-18, 42), (-27, 58), (-28, 77)),
    ]
    shapes += [
        Part(outline=ellipse(x, y, 1.1), paint="dark", volume=0.2, lift=0)
        for x, y in ((1.6, 45), (-18.6, 48), (15, 47))
    ]
    shapes += [Part(outline=spline(under, closed=True), paint="inside", volume=0.3, lift=0.5)]
    lift = (fold((-8, 82), (12, 78), (38, 84), width=4.0, depth=0.7),)
    shapes.append(
        Part(
            outline=outline,
            paint=face if product.has("contrast peak") else rest,
            folds=lift,
            volume=0.6,
            lift=0.4,
        )
    )
    for share in (0.93, 0.84, 0.75, 0.66):
        row = [
            (4 + (x - 4) * share + 3 * (1 - share), 72 + (y - 72) * share) for x, y, *_ in peak[3:]
        ]
        shapes.append(stitch(*row, strength=0.3))
    top = Part(outline=ellipse(-1, 32.4, 2.6, 1.5), volume=0.8, lift=0.3)
    return [*shapes, top, *_badge(product)]


def _badge(product: Product) -> Shapes:
    """An invented emblem on the front panel."""
    if product.has("patch"):
        shapes: Shapes = [
            Part(
                outline=ellipse(1.2, 58, 7, 7.6),
                paint="fabric" if product.cut == "trucker" else "accent",
                lift=0.25,
                volume=0.3,
                texture="twill",
            )
        ]
        hill: list[Node] = [(-4, 61.6, 1), (0, 54, 1), (2.2, 57, 1), (3.8, 55, 1), (6.6, 61.6, 1)]
        return [
            *shapes,
            Part(
                outline=spline(hill, closed=True),
                paint="second" if product.cut == "trucker" else "fabric",
                lift=0,
                volume=0,
                printed=True,
            ),
        ]
    if product.has("star"):
        angles = np.linspace(-np.pi / 2, 1.5 * np.pi, 11)[:-1]
        size = np.where(np.arange(10) % 2, 2.6, 6.2)
        star = np.stack([1 + size * np.cos(angles), 57.5 + size * np.sin(angles)], axis=1)
        return [Part(outline=star, paint="accent", lift=0.15, volume=0.25, texture="twill")]
    return []


def _cap_back(product: Product) -> Shapes:
    dome: list[Node] = [
        (0, 34),
        (14, 36),
        (27, 47),
        (31, 62),
        (31, 77, 1),
        (16, 79),
        (10.5, 78.6, 1),
        (9, 69),
        (0, 64),
    ]
    inner: list[Node] = [(0, 62), (10, 67), (12, 79, 1), (0, 80)]
    peak: list[Node] = [(0, 70), (20, 70), (33, 76), (38, 83, 1), (20, 80), (0, 79)]
    texture = "straw" if product.cut == "trucker" else ""
    strap = band((-12, 76.5), (0, 77.6), (12, 76.5), width=3.6, lift=0.4, volume=0.5)
    return [
        Part(outline=symmetric(peak), paint="edge", lift=0.1, volume=0.5),
        Part(outline=symmetric(inner), paint="inside", lift=0, volume=0.2),
        Part(outline=symmetric(dome), texture=texture, volume=0.8, lift=0.3),
        seam((0, 34), (0, 64)),
        *both(
            [
                seam((0, 34), (14, 46), (20, 60), (20, 78)),
                Line(curve=spline([(8, 68), (11, 74), (12, 78)]), style="stitch"),
            ]
        ),
        strap,
        Part(outline=ellipse(0, 34, 2.6, 1.5), volume=0.8, lift=0.3),
        Part(outline=ribbon(ellipse(4, 77.3, 2.2, 2.6), 0.9), paint="brass", lift=0.3),
    ]


def beanie(product: Product, back: bool) -> Shapes:
    dome: list[Node] = [(0, 28), (13, 30), (26, 41), (31.4, 57), (32, 74, 1), (0, 77)]
    ribs = tuple(
        fold((x * 0.12, 28), (x * 0.62, 40), (x * 0.95, 56), (x, 78), width=1.5, depth=0.8)
        for x in np.linspace(-30, 30, 11)
    )
    cuff: list[Node] = [
        (0, 69),
        (18, 68.4),
        (32.4, 66, 1),
        (34, 74),
        (33, 87, 1),
        (18, 89.4),
        (0, 90),
    ]
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
        tufts = tuple(fold((0, 22), (7 * np.cos(a), 22 + 7 * np.sin(a)), (10 * np.cos(a), 22 + 10 * np.sin(a)), width=1, depth=0.9)
                      for a in np.linspace(0, 6, 16))  # fmt: skip
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
                outline=spline(
                    [(12, 74, 1), (21, 73.4, 1), (21.4, 80.6, 1), (12.4, 81.2, 1)], closed=True
                ),
                paint="camel",
                texture="grain",
                lift=0.25,
            )
        )
        shapes.append(
            stitch((13, 75.2), (20.2, 74.6), (20.4, 79.6), (13.4, 80), (13, 75.2), strength=0.5)
        )
    return shapes


def _rows(top: Node, count: int, step: float, low: float, rise: float) -> Shapes:
    """Rows of stitches along a brim."""
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
    crown: list[Node] = [(0, 34), (15, 34.6), (22, 37.6), (25.4, 52), (28, 68, 1), (0, 72)]
    lid: list[Node] = [(0, 33.6), (15, 34.2), (22.4, 37.6), (15, 41.4), (0, 42.4)]
    brim: list[Node] = [
        (0, 69),
        (16, 67.6),
        (27.6, 63.6, 1),
        (37, 74),
        (44, 85, 1),
        (26, 93),
        (0, 95.6),
    ]
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
        Line(curve=spline([(-22, 38), (-14, 41.6), (0, 42.6), (14, 41.6), (22, 38)]), strength=0.4),
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
    """The coils of a plaited brim."""
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
    crown: list[Node] = [(0, 36), (12, 37.4), (20.5, 45), (23.4, 60), (24, 69, 1), (0, 74)]
    rounds = tuple(
        fold((-23, y), (0, y + 3), (23, y), width=1, depth=0.35) for y in np.arange(40, 68, 4.0)
    )
    brim = Part(
        outline=_wide_brim(48, 17, 72, 1.8), folds=_weave_rings(48, 17, 72, 4), volume=0.5, lift=0.3
    )
    shapes: Shapes = [brim, Part(outline=symmetric(crown), folds=rounds, volume=0.8, lift=0.6)]
    return [*shapes, *_ribbon_band(product, 23.7, 64.4, 7.2, 4.2)]


def fedora(product: Product, back: bool) -> Shapes:
    crown: list[Node] = [(0, 38), (6, 34.5), (14, 34), (20.5, 40), (23.6, 54), (25, 70, 1), (0, 75)]
    pinch = (
        fold((-12, 36), (-10, 46), (-14, 58), width=4, depth=-0.7), fold((12, 36), (10, 46), (13, 58), width=4, depth=-0.7),
        fold((0, 38), (0, 48), (0, 58), width=4.5, depth=0.7), fold((-5, 36.4), (0, 40), (5, 36.4), width=2.4, depth=-0.9),
    )  # fmt: skip
    brim: list[Node] = [(0, 67), (26, 66), (42, 69), (47, 74), (42, 82), (24, 88), (0, 89.4)]
    roll = folds_along(brim)
    shapes: Shapes = [
        Part(outline=symmetric(brim), volume=0.6, lift=0.3, folds=roll),
        Part(outline=symmetric(crown), folds=pinch, volume=0.8, lift=0.6),
    ]
    return [*shapes, *_ribbon_band(product, 24.3, 65.2, 7.6, 4.6)]


def folds_along(brim: list[Node]) -> tuple[Fold, ...]:
    """The rolled edge of a felt brim."""
    low = [(x * 0.94, 76 + (y - 76) * 0.86) for x, y, *_ in brim[3:]]
    curve = spline([*[(-x, y) for x, y in low], *reversed(low[:-1])])
    return (Fold(curve=curve, width=1.8, depth=0.6),)


def beret(product: Product, back: bool) -> Shapes:
    disc: list[Node] = [
        (-8, 38),
        (12, 37),
        (32, 46),
        (41, 60),
        (36, 71),
        (22, 76),
        (0, 79),
        (-20, 78),
        (-33, 70),
        (-35, 56),
        (-25, 44),
    ]
    folds = (fold((-24, 74), (-10, 58), (6, 48), width=4, depth=0.5), fold((24, 74), (26, 60), (16, 48), width=5, depth=-0.5),
             fold((6, 76), (12, 66), (10, 56), width=3.4, depth=0.5))  # fmt: skip
    strip = band((-24, 75), (-2, 79.4), (20, 74.4), width=6, lift=0.15, volume=0.6)
    stalk = band((5, 40), (6, 36), (8, 33.4), width=1.9, lift=0.3, volume=0.8)
    top = (
        [stalk]
        if not product.has("pompom")
        else [Part(outline=ellipse(5, 37, 5), paint="accent", texture="felt", volume=0.9)]
    )
    return [strip, Part(outline=spline(disc, closed=True), folds=folds, volume=0.9, lift=0.5), *top]


def boater(product: Product, back: bool) -> Shapes:
    crown: list[Node] = [(0, 42), (18, 42.6), (24.6, 46, 1), (25, 58), (25.4, 70, 1), (0, 75)]
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
