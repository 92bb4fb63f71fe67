"""Skirts."""

import numpy as np

from ..geometry import Node, Points, box, ellipse, mix, spline, symmetric
from ..products import Product
from ..shapes import Fold, Part, Shapes, band, both, fold, folds_both, seam, stitch
from .bodice import buttons

# half widths at waist, hip and hem; y of the hem; how much lower it is in the middle
SKIRTS = {
    "a-line": (16.0, 23.0, 33.0, 80.0, 4.0),
    "pencil": (16.0, 22.0, 19.0, 84.0, 1.0),
    "mini": (17.0, 22.5, 25.5, 62.0, 2.0),
    "pleated": (15.5, 23.0, 35.0, 84.0, 3.0),
    "maxi": (15.0, 22.0, 37.0, 114.0, 3.0),
    "tiered": (15.5, 23.0, 36.0, 96.0, 3.0),
    "wrap": (15.5, 23.0, 30.0, 88.0, 4.0),
}


def skirt(product: Product, *, back: bool = False) -> Shapes:
    waist, hip, hem, low, curve = SKIRTS[product.cut]
    rise = 34.0
    nodes: list[Node] = [
        (0, 14, 1),
        (waist, 13, 1),
        (waist + (hip - waist) * 0.62, 22),
        (hip, rise),
    ]
    nodes += [
        (hip + (hem - hip) * 0.5, (rise + low) / 2),
        (hem, low, 1),
        *_hem_line(product, hem, low, curve),
    ]
    folds = _skirt_folds(product, waist, hem, low)
    body = Part(outline=symmetric(nodes), folds=folds, lift=0.2, volume=0.6)
    shapes: Shapes = [body]
    if product.cut == "tiered":
        shapes = _tiers(
            [(waist, 13.0), (hip + 1.5, 40.0), (hip + 7, 67.0)],
            [(hip + 3, 42.0), (hip + 8.6, 70.0), (hem, low)],
            curve,
        )
    if product.cut in {"a-line", "pencil", "mini", "wrap"}:
        shapes.append(
            stitch((-hem * 0.98, low - 2.2), (0, low + curve - 2.2), (hem * 0.98, low - 2.2))
        )
    strip = band((-waist, 12), (0, 13), (waist, 12), width=5.4, lift=0.25, volume=0.4)
    shapes.append(strip)
    if back:
        return [
            *shapes,
            seam((0, 11), (0, 34), strength=0.5),
            Part(outline=box(0, 11, 1.1, 3.4, corner=0.3), paint="steel"),
        ]
    return shapes + _skirt_front(product, waist, hem, low, curve)


def _hem_line(product: Product, hem: float, low: float, curve: float) -> list[Node]:
    if product.cut == "pleated":  # each pleat ends in a small step
        xs = np.linspace(hem, 0, 9)[1:]
        steps: list[Node] = []
        for number, x in enumerate(xs[:-1]):
            y = low + curve * (1 - (x / hem) ** 2)
            steps += [
                (float(x) + 0.5, float(y) + 0.7, 1),
                (float(x) - 0.5, float(y) - 0.7 + number % 2 * 0.3, 1),
            ]
        return [*steps, (0, low + curve)]
    if product.cut in {"maxi", "tiered", "a-line"}:
        return [
            (hem * share, low + curve * (1 - share**2) + lift)
            for share, lift in ((0.82, 0.8), (0.64, -0.6), (0.44, 0.8), (0.22, -0.6), (0.0, 0.6))
        ]
    return [(hem * 0.5, low + curve * 0.8), (0, low + curve)]


def _skirt_folds(product: Product, waist: float, hem: float, low: float) -> tuple[Fold, ...]:
    """Return folds fanning out from the waist: many sharp ones for pleats, else a few soft ones."""
    cut = product.cut
    if cut in {"pencil", "mini"}:
        across = [
            fold((-16, 30 + k * 4), (0, 32 + k * 4), (15, 29 + k * 4), width=1.4, depth=d)
            for k, d in ((0, -0.3), (2, 0.3))
        ]
        return tuple(across)
    count, depth, width = (16, 1.15, 1.25) if cut == "pleated" else (9, 0.75, 2.4)
    folds = []
    for number in range(count + 1):
        share = -0.96 + 1.92 * number / count
        start = (waist * share, 8 if cut == "pleated" else 30 + 9 * (number % 2))
        bend = (mix((waist * share, 0), (hem * share, 0), 0.5)[0], low * 0.55)
        way = depth if number % 2 or cut == "pleated" else -depth * 0.8
        folds.append(
            fold(
                start,
                bend,
                (hem * share, low + (18 if cut == "pleated" else 9)),
                width=width,
                depth=way,
            )
        )
    return tuple(folds)


def _tiers(
    tops: list[tuple[float, float]], ends: list[tuple[float, float]], curve: float
) -> Shapes:
    """Return ruffled layers, lowest first, so that each overlaps the one below."""
    tiers: Shapes = []
    for (wide, y), (hem, low) in reversed(list(zip(tops, ends, strict=True))):
        nodes: list[Node] = [(0, y + 0.6, 1), (wide, y, 1), (hem - 1, (y + low) / 2), (hem, low, 1)]
        nodes += [
            (hem * s, low + curve * (1 - s * s) + d)
            for s, d in ((0.8, 0.8), (0.6, -0.6), (0.4, 0.8), (0.2, -0.6), (0.0, 0.6))
        ]
        tiers.append(
            Part(outline=symmetric(nodes), folds=ruffles(wide, y, hem, low), lift=0.4, volume=0.55)
        )
    return tiers


def ruffles(wide: float, y: float, hem: float, low: float) -> tuple[Fold, ...]:
    """Return short folds that start at a gathered seam."""
    rng = np.random.default_rng(17)
    folds = []
    for share in np.linspace(-0.94, 0.94, 15):
        reach = float(rng.uniform(0.45, 1.1))
        top, end = (
            (wide * share, y + 1),
            (mix((wide * share, 0), (hem * share, 0), reach)[0], y + (low - y) * reach),
        )
        folds.append(
            fold(top, mix(top, end, 0.5), end, width=1.3, depth=float(rng.uniform(0.4, 0.9)))
        )
    return tuple(folds)


def _skirt_front(product: Product, waist: float, hem: float, low: float, curve: float) -> Shapes:
    shapes: Shapes = []
    if product.has("buttons"):
        shapes += [band((0, 15), (0, low + curve - 0.4), width=4.6, lift=0.28, volume=0.3)]
        metal = "brass" if product.material in {"denim", "corduroy"} else "horn"
        shapes += buttons(13, low - 6, max(5, round((low - 13) / 11)), paint=metal)
    if product.has("pockets"):
        paint = "camel" if product.material == "denim" else ""
        edge: list[Node] = [(waist * 0.5, 16), (waist * 0.62, 22), (waist * 1.2, 25.4)]
        shapes += both(
            [
                seam(*edge, strength=0.42, width=0.6),
                stitch(*[(x - 0.8, y + 0.9) for x, y in edge], paint=paint, strength=0.5),
            ]
        )
    if product.cut == "wrap":
        over: list[Node] = [
            (-waist, 13, 1),
            (waist * 0.8, 15.6, 1),
            (waist * 0.9, 40),
            (hem * 0.42, low + curve * 0.7, 1),
        ]
        over += [
            (-hem * 0.2, low + curve * 0.9),
            (-hem * 0.99, low, 1),
            (-hem * 0.86, low * 0.62),
            (-waist * 1.4, 30),
        ]
        folds = folds_both(
            fold((10, 18), (-2, 40), (-12, low - 4), width=2, depth=0.7),
            fold((8, 17), (2, 50), (0, low), depth=-0.5),
        )
        shapes.append(Part(outline=spline(over, closed=True), folds=folds, lift=0.45, volume=0.45))
        shapes.append(band((-waist, 12), (0, 13), (waist, 12), width=5.4, lift=0.25, volume=0.4))
        tie = both(
            [
                band(
                    (waist * 0.7, 14),
                    (waist + 1, 22),
                    (waist - 1.4, 34),
                    width=2.6,
                    lift=0.4,
                    volume=0.6,
                )
            ]
        )[:1]
        shapes += [*tie, Part(outline=ellipse(waist * 0.7, 13.6, 2.2, 2.6), lift=0.4, volume=0.8)]
    return shapes


def skirt_flare(waist: float, hem: float, top: float, low: float) -> Points:
    """Return an A-shaped outline between two heights, for a dress's skirt."""
    right: list[Node] = [
        (0, top, 1),
        (waist, top, 1),
        (waist + (hem - waist) * 0.55, (top + low) / 2),
        (hem, low, 1),
    ]
    right += [
        (hem * s, low + 3 * (1 - s * s) + d)
        for s, d in ((0.8, 0.8), (0.6, -0.6), (0.4, 0.8), (0.2, -0.6), (0.0, 0.6))
    ]
    return symmetric(right)
