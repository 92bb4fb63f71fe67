"""Smooth outlines, in units of a picture that is 100 wide (-50 to 50) and 125 high."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Points = NDArray[np.float64]
# (x, y) is a smooth node; (x, y, 1) is a corner.
Node = tuple[float, ...]

STEPS = 10


def path(text: str) -> list[Node]:
    """Parse nodes from "x y, x y!, ..."; `!` marks a corner."""
    nodes: list[Node] = []
    for part in text.split(","):
        x, y = part.strip(" !").split()
        nodes.append((float(x), float(y), 1) if part.endswith("!") else (float(x), float(y)))
    return nodes


def spline(nodes: Sequence[Node], *, closed: bool = False) -> Points:
    """Return a curve through the nodes, float64 (n, 2), smooth except at corners."""
    nodes = list(nodes)
    corners = [index for index, node in enumerate(nodes) if len(node) > 2]
    if closed and not corners:
        return _closed_smooth(nodes)
    if closed:
        nodes = nodes[corners[0] :] + nodes[: corners[0] + 1]
        corners = [index for index, node in enumerate(nodes) if len(node) > 2]
    cuts = sorted({0, *corners, len(nodes) - 1})
    xy = np.array([node[:2] for node in nodes], dtype=float)
    pieces = [_smooth(xy[start : end + 1])[:-1] for start, end in pairwise(cuts)]
    return np.concatenate([*pieces, xy[-1:]])


def _closed_smooth(nodes: Sequence[Node]) -> Points:
    xy = np.array([node[:2] for node in nodes], dtype=float)
    count = len(xy)
    around = np.concatenate([xy[-2:], xy, xy[:3]])
    return _smooth(around)[2 * STEPS : (2 + count) * STEPS + 1]


def _smooth(xy: Points) -> Points:
    """Return a Hermite curve; tangents follow chord lengths, so that it does not overshoot."""
    if len(xy) == 2:
        return xy.copy()
    gaps = np.sqrt(np.maximum(np.linalg.norm(np.diff(xy, axis=0), axis=1), 1e-6))[:, None]
    slopes = np.diff(xy, axis=0) / gaps
    inner = (slopes[:-1] * gaps[1:] + slopes[1:] * gaps[:-1]) / (gaps[:-1] + gaps[1:])
    first, last = 1.5 * slopes[:1] - 0.5 * inner[:1], 1.5 * slopes[-1:] - 0.5 * inner[-1:]
    tangents = np.concatenate([first, inner, last])
    t = np.linspace(0, 1, STEPS, endpoint=False)[None, :, None]
    gap = gaps[:, None]
    curve = (
        (2 * t**3 - 3 * t**2 + 1) * xy[:-1, None]
        + (t**3 - 2 * t**2 + t) * gap * tangents[:-1, None]
        + (3 * t**2 - 2 * t**3) * xy[1:, None]
        + (t**3 - t**2) * gap * tangents[1:, None]
    )
    return np.concatenate([curve.reshape(-1, 2), xy[-1:]])


def flipped(nodes: Iterable[Node]) -> list[Node]:
    """Mirror nodes at the middle line, in reverse order."""
    return [(-node[0], *node[1:]) for node in reversed(list(nodes))]


def symmetric(right_half: Sequence[Node]) -> Points:
    """Return a closed outline from its right half; nodes at x = 0 are not doubled."""
    left = [node for node in flipped(right_half) if node[0] != 0]
    return spline([*right_half, *left], closed=True)


def arch(right_half: Sequence[Node]) -> Points:
    """Return an open curve, left to right, from a right half that starts on the middle line."""
    left = [node for node in flipped(right_half) if node[0] != 0]
    return spline([*left, *right_half])


def ribbon(curve: Points, width: float, *, taper: float = 1.0) -> Points:
    """Return a closed band along a curve; `taper` is end width divided by start width."""
    along = np.gradient(curve, axis=0)
    along /= np.maximum(np.linalg.norm(along, axis=1, keepdims=True), 1e-9)
    across = np.stack([-along[:, 1], along[:, 0]], axis=1)
    half = (width / 2 * np.linspace(1, taper, len(curve)))[:, None]
    return np.concatenate([curve + across * half, (curve - across * half)[::-1]])


def ellipse(x: float, y: float, rx: float, ry: float | None = None) -> Points:
    """Return a closed ellipse around (x, y)."""
    angle = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    return np.stack([x + rx * np.cos(angle), y + (ry or rx) * np.sin(angle)], axis=1)


def box(x: float, y: float, width: float, height: float, *, corner: float = 1.0) -> Points:
    """Return a rectangle with cut corners; (x, y) is the middle of its top edge."""
    half, c = width / 2, corner
    right: list[Node] = [(0, y, 1), (half - c, y, 1), (half, y + c, 1)]
    right += [(half, y + height - c, 1), (half - c, y + height, 1), (0, y + height, 1)]
    return symmetric(right) + np.array([x, 0.0])


def mix(a: Sequence[float], b: Sequence[float], share: float) -> tuple[float, float]:
    """Return the point at `share` of the way from a to b."""
    return a[0] + (b[0] - a[0]) * share, a[1] + (b[1] - a[1]) * share


@dataclass(frozen=True, kw_only=True)
class Frame:
    """The map from drawing units to pixels: pixels = points @ matrix.T + shift."""

    width: int
    height: int
    scale: float  # pixels per unit
    turn: float = 0.0  # degrees
    shift: tuple[float, float] = (0.0, 0.0)  # pixels

    @property
    def matrix(self) -> Points:
        angle = np.radians(self.turn)
        cos, sin = np.cos(angle), np.sin(angle)
        return self.scale * np.array([[cos, -sin], [sin, cos]])

    def pixels(self, points: Points) -> Points:
        return points @ self.matrix.T + self.shift


def fit(points: Points, width: int, height: int, *, fill: float = 0.86, turn: float = 0) -> Frame:
    """Return a frame that centres all points; small objects are not enlarged to fill it."""
    low, high = points.min(axis=0), points.max(axis=0)
    size = np.maximum(high - low, 1)
    scale = float(fill * min(width / size[0], height / size[1]))
    scale = min(scale, width / 100 * 1.3)
    bare = Frame(width=width, height=height, scale=scale, turn=turn)
    centre = (low + high) / 2 @ bare.matrix.T
    shift = (float(width / 2 - centre[0]), float(height / 2 - centre[1]))
    return Frame(width=width, height=height, scale=scale, turn=turn, shift=shift)
