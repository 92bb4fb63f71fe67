"""Torso, sleeves, collars, buttons and pockets, shared by shirts, dresses and jackets."""

from dataclasses import dataclass

import numpy as np

from ..geometry import Node, Points, arch, box, ellipse, mix, ribbon, spline, symmetric
from ..shapes import Fold, Line, Part, Shapes, band, both, fold, folds_both, seam, stitch


@dataclass(frozen=True, kw_only=True)
class Torso:
    """Measurements of an upper body, in units; widths are half widths."""

    top: float = 18.0  # where shoulder meets neck
    neck: float = 9.0
    drop: float = 7.5  # depth of the front neckline
    pointed: bool = False  # V-neck
    shoulder: float = 26.0
    slope: float = 5.0
    chest: float = 29.5
    armpit: float = 45.0
    waist: float = 28.0
    waist_y: float = 72.0
    hem: float = 29.0
    hem_y: float = 102.0
    curve: float = 1.5  # how much lower the hem is in the middle
    straps: bool = False

    @property
    def tip(self) -> tuple[float, float]:
        return self.shoulder, self.top + self.slope

    def neckline(self) -> list[Node]:
        """Return the right half of the front neckline, from the middle up to the shoulder."""
        low = self.top + self.drop
        if self.pointed:
            return [
                (0, low, 1),
                (self.neck * 0.55, low - self.drop * 0.52),
                (self.neck, self.top, 1),
            ]
        return [
            (0, low),
            (self.neck * 0.55, low - self.drop * 0.14),
            (self.neck * 0.9, low - self.drop * 0.55),
            (self.neck, self.top, 1),
        ]

    def armhole(self) -> list[Node]:
        x, y = self.tip
        return [
            (x - 0.6, y - 0.1, 1),
            (x - 1.7, y + (self.armpit - y) * 0.45),
            (x - 1.2 + (self.chest - x) * 0.35, y + (self.armpit - y) * 0.78),
            (self.chest, self.armpit, 1),
        ]

    def side(self) -> list[Node]:
        """Return the right side and hem, from the armpit down and to the middle."""
        return [
            (self.chest, self.armpit, 1),
            (self.waist, self.waist_y),
            (self.hem, self.hem_y, 1),
            (self.hem * 0.5, self.hem_y + self.curve * 0.8),
            (0, self.hem_y + self.curve),
        ]

    def outline(self) -> Points:
        return symmetric([*self.neckline(), *self.armhole(), *self.side()[1:]])

    def drape(self) -> tuple[Fold, ...]:
        """Return the folds of cloth that hangs from the shoulders."""
        x, y, low = self.chest, self.armpit, self.hem_y
        return folds_both(
            fold((x - 1, y + 1), (x * 0.62, y + 7), (x * 0.36, y + 19), width=1.8, depth=-0.55),
            fold((x - 2, y + 4), (x * 0.72, y + 16), (x * 0.55, y + 32), width=2.2, depth=0.5),
            fold(
                (self.shoulder - 5, self.top + 8), (x * 0.66, y - 6), (x * 0.74, y + 2), depth=0.3
            ),
            fold((x * 0.62, low - 2), (x * 0.56, low - 14), (x * 0.6, low - 28), depth=0.45),
            fold((x * 0.22, low - 1), (x * 0.26, low - 13), (x * 0.2, low - 26), depth=-0.35),
        )

    def body(self, paint: str = "fabric", **more: float) -> Part:
        return Part(outline=self.outline(), paint=paint, folds=self.drape(), **more)  # type: ignore[arg-type]

    def inside(self, *, paint: str = "inside", rise: float = 0.0, label: bool = True) -> Shapes:
        """Return the inside of the back, seen through the neck opening, with its label."""
        top, neck, low = self.top, self.neck, self.top + self.drop
        right: list[Node] = [(0, top + 2.2 - rise), (neck * 0.6, top + 1.6 - rise)]
        right += [(neck, top, 1), (neck * 1.05, top + 2, 1), (neck * 0.75, low + 1), (0, low + 2)]
        shapes: Shapes = [Part(outline=symmetric(right), paint=paint, volume=0.2, lift=0)]
        if label and self.drop > 5:
            tag = box(0, top + 3.4 - rise, 4.4, 2.6, corner=0.3)
            shapes.append(Part(outline=tag, paint="pearl", volume=0.1, lift=0.1, texture="none"))
        return shapes

    def collar_rib(self, width: float = 2.6, paint: str = "rib") -> Shapes:
        """Return a ribbed band around the neck: its back behind the body, its front on top."""
        nodes: list[Node] = [(x, y + width * 0.45, *rest) for x, y, *rest in self.neckline()[:-1]]
        edge = arch([*nodes, (self.neck - 0.4, self.top + 0.3)])
        front = Part(outline=ribbon(edge, width), paint=paint, texture="rib", lift=0.12, volume=0.4)
        low = edge + np.array([0, width * 0.55])
        return [front, Line(curve=low[2:-2], strength=0.22)]

    def back_rib(self, width: float = 2.4) -> Part:
        edge = arch(
            [(0, self.top + 2.6), (self.neck * 0.6, self.top + 2), (self.neck - 0.3, self.top)]
        )
        return Part(outline=ribbon(edge, width), paint="edge", texture="rib", lift=0.1, volume=0.3)

    def hem_stitch(self, up: float = 2.4) -> Line:
        low = self.hem_y - up
        return stitch((-self.hem * 0.99, low), (0, low + self.curve), (self.hem * 0.99, low))

    def armhole_seams(self) -> Shapes:
        return both([Line(curve=spline(self.armhole()), strength=0.25)])


def sleeve(
    torso: Torso,
    *,
    length: float,
    angle: float = 48.0,
    cuff: float = 16.0,
    bow: float = 0.6,
    paint: str = "fabric",
    raglan: bool = False,
    rib: float = 0.0,
    rib_paint: str = "rib",
) -> Shapes:
    """Return both sleeves, hanging at `angle` degrees, `cuff` wide at the end."""
    a = np.radians(angle)
    along, across = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    tip, pit = np.array(torso.tip), np.array([torso.chest - 0.4, torso.armpit])
    out = tip + along * length
    end = out + across * cuff
    start: list[Node] = [(*mix(torso.tip, (torso.neck, torso.top), 0.3), 1)]
    if raglan:
        start = [(torso.neck - 0.2, torso.top + 0.8, 1), (torso.neck + 4, torso.top + 0.9)]
    middle = (tip + out) / 2 - across * bow
    inner = (pit + end) / 2 - across * bow * 0.6
    cap = [
        tuple(tip + along * 1.4 - across * 0.5),
        tuple(tip + along * min(6, length * 0.2) - across * (0.6 + bow * 0.25)),
    ]
    nodes: list[Node] = [*start, *cap, tuple(middle)]
    nodes += [(*out, 1), (*((out + end) / 2 + along * 0.7),), (*end, 1), tuple(inner), (*pit, 1)]
    if raglan:
        nodes += [(torso.shoulder - 7, torso.armpit - 10), (torso.neck + 3, torso.top + 8)]
    else:
        nodes.append((torso.shoulder - 6, torso.armpit - 9, 1))
    folds = _sleeve_folds(tip, pit, out, end, length)
    outline = spline(nodes, closed=True)
    turn = angle - 90
    arm = Part(outline=outline, paint=paint, turn=turn, folds=folds, lift=0.25, volume=0.6)
    if not rib:
        hem = [tuple(point - along * 2.2) for point in (out, (out + end) / 2 + along * 0.7, end)]
        return both([arm, Line(curve=spline(hem), style="stitch", width=0.28, strength=0.35)])
    edge = np.array([out + across * 0.3, (out + end) / 2 + along * 0.6, end - across * 0.3])
    ring = ribbon(spline([tuple(point) for point in edge]), rib) + along * rib * 0.3
    band_part = Part(outline=ring, paint=rib_paint, texture="rib", turn=turn, lift=0.15, volume=0.6)
    return both([arm, band_part])


def _sleeve_folds(
    tip: Points, pit: Points, out: Points, end: Points, length: float
) -> tuple[Fold, ...]:
    """Return creases at the armpit and, on long sleeves, around the elbow."""

    def place(share: float, side: float) -> tuple[float, float]:
        a, b = tip + (out - tip) * share, pit + (end - pit) * share
        return mix(a.tolist(), b.tolist(), side)

    result = [
        fold(place(0.0, 0.95), place(0.22, 0.62), place(0.3, 0.3), width=1.7, depth=-0.6),
        fold(place(0.05, 0.75), place(0.4, 0.6), place(0.75, 0.62), width=2.0, depth=0.4),
    ]
    if length > 40:
        for share, depth in ((0.42, -0.6), (0.5, 0.55), (0.57, -0.5), (0.8, 0.4), (0.88, -0.4)):
            line = (place(share + 0.03, 0.97), place(share, 0.6), place(share - 0.02, 0.25))
            result.append(fold(*line, width=1.5, depth=depth))
        result.append(
            fold(place(0.15, 0.3), place(0.5, 0.38), place(0.9, 0.35), width=2, depth=0.5)
        )
    return tuple(result)


def button(x: float, y: float, *, size: float = 1.0, paint: str = "pearl") -> Shapes:
    shapes: Shapes = [Part(outline=ellipse(x, y, size), paint=paint, texture="none", lift=0.3)]
    for dx in (-0.3, 0.3):
        hole = ellipse(x + dx * size, y, size * 0.16)
        shapes.append(
            Part(outline=hole, paint="dark", texture="none", lift=0, volume=0, printed=True)
        )
    return shapes


def buttons(top: float, bottom: float, count: int, *, x: float = 0, paint: str = "pearl") -> Shapes:
    places = np.linspace(top, bottom, count)
    return [shape for y in places for shape in button(x, float(y), paint=paint)]


def placket(top: float, bottom: float, *, width: float = 4.0, x: float = 0.0) -> Shapes:
    """Return the button strip, stitched along both edges."""
    half = width / 2
    shapes: Shapes = [band((x, top), (x, bottom), width=width, lift=0.28, volume=0.25)]
    shapes += [stitch((x + side, top), (x + side, bottom)) for side in (half - 0.6, 0.6 - half)]
    return shapes


def patch_pocket(
    x: float,
    y: float,
    width: float = 11.0,
    height: float = 12.5,
    *,
    flap: bool = False,
    paint: str = "fabric",
) -> Shapes:
    half = width / 2
    nodes: list[Node] = [(x - half, y, 1), (x + half, y, 1), (x + half, y + height * 0.8, 1)]
    nodes += [(x, y + height, 1), (x - half, y + height * 0.8, 1)]
    outline = spline(nodes, closed=True)
    middle = outline.mean(axis=0)
    inner = middle + (outline - middle) * 0.9
    shapes: Shapes = [Part(outline=outline, paint=paint, lift=0.22, volume=0.25)]
    shapes.append(Line(curve=inner, style="stitch", width=0.28, strength=0.3))
    if flap:
        lid: list[Node] = [(x - half - 0.5, y - 1, 1), (x + half + 0.5, y - 1, 1)]
        lid += [(x + half + 0.5, y + 2.6, 1), (x, y + 4.4, 1), (x - half - 0.5, y + 2.6, 1)]
        shapes.append(Part(outline=spline(lid, closed=True), paint=paint, lift=0.35, volume=0.3))
    return shapes


def shirt_collar(
    torso: Torso, *, size: float = 9.0, open_neck: float = 0.0, paint: str = "fabric"
) -> Shapes:
    """Return a turn-down collar: a stand behind the neck and two leaves in front."""
    neck, top = torso.neck, torso.top
    back: list[Node] = [(0, top - 5.0), (neck * 0.7, top - 4.4), (neck + 0.4, top - 0.6, 1)]
    back += [(neck * 0.8, top + 3, 1), (0, top + 2.4)]
    stand = Part(outline=symmetric(back), paint="inside", volume=0.25, lift=0.1)
    low = top + torso.drop + open_neck
    leaf: list[Node] = [
        (neck * 0.82, top - 4.0, 1),
        (neck + 1.2, top - 1.4),
        (neck + 2.6, top + 2.4, 1),
    ]
    leaf += [(neck + 1.6, top + size * 0.9), (neck * 0.72 + 1.2, top + size + 1.5, 1)]
    leaf += [(neck * 0.34, low - 0.6), (0.3, low - 0.8, 1), (neck * 0.5, top + torso.drop * 0.35)]
    outline = spline(leaf, closed=True)
    middle = outline.mean(axis=0)
    edge = (middle + (outline - middle) * 0.86)[10:-14]
    leaves: Shapes = [
        Part(outline=outline, paint=paint, turn=-24, lift=0.45, volume=0.4),
        Line(curve=edge, style="stitch", width=0.26, strength=0.28),
    ]
    return [stand, *both(leaves)]


def zip_line(top: float, bottom: float, *, x: float = 0.0, metal: str = "steel") -> Shapes:
    """Return a zip with tapes, teeth and puller."""
    shapes: Shapes = [
        band((x, top), (x, bottom), width=2.6, paint="edge", lift=0.2, volume=0.3),
        band((x, top), (x, bottom), width=0.95, paint=metal, lift=0.1, volume=0.3),
        stitch((x, top), (x, bottom), paint="dark", strength=0.55),
        seam((x - 1.9, top), (x - 1.9, bottom), strength=0.2),
        seam((x + 1.9, top), (x + 1.9, bottom), strength=0.2),
    ]
    shapes.append(Part(outline=box(x, top + 1, 1.5, 4.2, corner=0.5), paint=metal, lift=0.4))
    return shapes
