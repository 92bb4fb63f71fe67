"""Baseball caps."""

import numpy as np

from ..geometry import Node, ellipse, path, ribbon, spline, symmetric
from ..products import Product
from ..shapes import Line, Part, Shapes, band, both, fold, seam, stitch


def cap(product: Product, back: bool) -> Shapes:
    """Return a cap turned to the right, its peak towards the viewer."""
    if back:
        return _cap_back(product)
    crown: list[Node] = path(
        "-34 76!, -35 62, -30 46, -17 35, -2 32.4, 12 36, 22 46, 27 60, 28 72!"
    )
    crown += path("14 70, -4 72.6, -20 77, -33 79.4!")
    front: list[Node] = path("-13 74!, -14 58, -8 42, -1 32.6!, 12 36, 22 46, 27 60, 28 72!, 12 70")
    peak: list[Node] = path(
        "-14.5 74!, -4 71.4, 12 69, 28 71!, 40 77, 47 86, 44 91, 34 90.4, 18 87, 0 87, -10 86"
    )
    under: list[Node] = path(
        "-13 82!, 0 86, 18 86, 34 89.6, 44.4 90.4, 46 88!, 44 93, 34 93, 18 89.6, 0 90, -9 89"
    )
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
        seam(*path("-1 32.6, -9 42, -14.4 58, -13.4 74")),
        seam(*path("-1 32.6, 9 44, 13 58, 13 70")),
        seam(*path("-1 32.6, -18 42, -27 58, -28 77")),
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
    """Return an invented emblem on the front panel."""
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
        hill: list[Node] = path("-4 61.6!, 0 54!, 2.2 57!, 3.8 55!, 6.6 61.6!")
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
    dome: list[Node] = path("0 34, 14 36, 27 47, 31 62, 31 77!, 16 79, 10.5 78.6!, 9 69, 0 64")
    inner: list[Node] = path("0 62, 10 67, 12 79!, 0 80")
    peak: list[Node] = path("0 70, 20 70, 33 76, 38 83!, 20 80, 0 79")
    texture = "straw" if product.cut == "trucker" else ""
    strap = band((-12, 76.5), (0, 77.6), (12, 76.5), width=3.6, lift=0.4, volume=0.5)
    return [
        Part(outline=symmetric(peak), paint="edge", lift=0.1, volume=0.5),
        Part(outline=symmetric(inner), paint="inside", lift=0, volume=0.2),
        Part(outline=symmetric(dome), texture=texture, volume=0.8, lift=0.3),
        seam((0, 34), (0, 64)),
        *both(
            [
                seam(*path("0 34, 14 46, 20 60, 20 78")),
                Line(curve=spline([(8, 68), (11, 74), (12, 78)]), style="stitch"),
            ]
        ),
        strap,
        Part(outline=ellipse(0, 34, 2.6, 1.5), volume=0.8, lift=0.3),
        Part(outline=ribbon(ellipse(4, 77.3, 2.2, 2.6), 0.9), paint="brass", lift=0.3),
    ]
