"""The elements of a garment's drawing: layered parts, and lines sewn on them."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from .geometry import Points, ribbon, spline


@dataclass(frozen=True, kw_only=True)
class Fold:
    """A ridge (depth > 0) or a valley (depth < 0) in the cloth along a curve."""

    curve: Points
    width: float = 2.0
    depth: float = 1.0


@dataclass(frozen=True, kw_only=True)
class Part:
    """A piece of cloth, leather, rubber or metal with a closed outline."""

    outline: Points
    paint: str = "fabric"  # a role of Look, or a colour name
    turn: float = 0.0  # rotation of pattern and weave, degrees
    folds: tuple[Fold, ...] = ()
    lift: float = 0.4  # strength of its shadow on the parts below, 0 to 1
    volume: float = 0.5  # how round its edges look, 0 to 1
    printed: bool = False  # printed on the cloth below, whose folds it shares
    texture: str = ""  # overrides the material's weave


@dataclass(frozen=True, kw_only=True)
class Line:
    """A seam, a row of stitches or a crease."""

    curve: Points
    style: str = "seam"  # seam, stitch, crease
    width: float = 0.45
    strength: float = 0.4
    paint: str = ""  # colour of the thread; empty: shade the cloth


Shape = Part | Line
Shapes = list[Shape]


def _turned(points: Points) -> Points:
    return points * (-1, 1)


def mirrored(shapes: Iterable[Shape]) -> Shapes:
    """Mirror shapes at the middle line."""
    result: Shapes = []
    for shape in shapes:
        if isinstance(shape, Line):
            result.append(replace(shape, curve=_turned(shape.curve)))
            continue
        folds = tuple(replace(fold, curve=_turned(fold.curve)) for fold in shape.folds)
        outline = _turned(shape.outline)
        result.append(replace(shape, outline=outline, turn=-shape.turn, folds=folds))
    return result


def both(shapes: Iterable[Shape]) -> Shapes:
    """Return shapes and their mirror images."""
    shapes = list(shapes)
    return [*shapes, *mirrored(shapes)]


def moved(shapes: Iterable[Shape], dx: float, dy: float, *, scale: float = 1.0) -> Shapes:
    """Scale shapes, then shift them."""
    result: Shapes = []
    for shape in shapes:
        if isinstance(shape, Line):
            result.append(replace(shape, curve=shape.curve * scale + (dx, dy)))
            continue
        folds = tuple(replace(f, curve=f.curve * scale + (dx, dy)) for f in shape.folds)
        result.append(replace(shape, outline=shape.outline * scale + (dx, dy), folds=folds))
    return result


def all_points(shapes: Iterable[Shape]) -> Points:
    """Return the outline points of all parts, float64 (n, 2)."""
    return np.concatenate([shape.outline for shape in shapes if isinstance(shape, Part)])


def fold(*nodes: tuple[float, ...], width: float = 2.0, depth: float = 1.0) -> Fold:
    return Fold(curve=spline(nodes), width=width, depth=depth)


def folds_both(*folds: Fold) -> tuple[Fold, ...]:
    return (*folds, *(replace(one, curve=_turned(one.curve)) for one in folds))


def seam(*nodes: tuple[float, ...], strength: float = 0.4, width: float = 0.45) -> Line:
    return Line(curve=spline(nodes), strength=strength, width=width)


def stitch(*nodes: tuple[float, ...], paint: str = "", strength: float = 0.35) -> Line:
    return Line(curve=spline(nodes), style="stitch", width=0.28, paint=paint, strength=strength)


def band(
    *nodes: tuple[float, ...],
    width: float,
    paint: str = "fabric",
    texture: str = "",
    lift: float = 0.4,
    volume: float = 0.5,
) -> Part:
    """Return a strip along a curve, such as a waistband, cord, strap or lace."""
    texture = texture or ("rib" if paint == "rib" else "")
    outline = ribbon(spline(nodes), width)
    return Part(outline=outline, paint=paint, texture=texture, lift=lift, volume=volume)
