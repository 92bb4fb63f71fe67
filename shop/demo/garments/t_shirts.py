"""T-shirts and their prints."""

import numpy as np

from ..geometry import Node, Points, box, ellipse, path, ribbon, spline
from ..products import Product
from ..shapes import Part, Shapes, moved
from .bodice import Torso, buttons, patch_pocket, placket, sleeve


def t_shirt(product: Product, *, back: bool = False) -> Shapes:
    torso = _t_shirt_torso(product, back)
    loose = product.cut == "boxy"
    trim = "second" if product.has("ringer") else "fabric"
    arm = "second" if product.has("raglan") else "fabric"
    arms = sleeve(
        torso,
        length=24 if loose else (15 if product.cut == "slim" else 21.5),
        angle=42 if loose else 50,
        cuff=18.5 if loose else (14 if product.cut == "slim" else 16),
        paint=arm,
        raglan=product.has("raglan"),
        rib=2.6 if product.has("ringer") else 0,
        rib_paint="second",
    )
    body = torso.body()
    shapes: Shapes = [] if back else [*torso.inside(), torso.back_rib()]
    shapes += [body, *arms] if product.has("raglan") else [*arms, body, *torso.armhole_seams()]
    rib = "second" if product.has("ringer") or product.has("raglan") else "rib"
    shapes += [*torso.collar_rib(paint=rib if trim != "fabric" or rib == "second" else "rib")]
    shapes.append(torso.hem_stitch())
    return shapes if back else shapes + _t_shirt_front(product, torso)


def _t_shirt_torso(product: Product, back: bool) -> Torso:
    pointed = product.has("v-neck") and not back
    drop = 2.6 if back else (14.0 if pointed else (10.5 if product.has("scoop") else 7.0))
    neck = 10.5 if product.has("scoop") else 9.0
    if product.cut == "slim":
        return Torso(
            neck=neck + 0.6,
            drop=drop,
            pointed=pointed,
            shoulder=23,
            slope=4.5,
            chest=25,
            armpit=42,
            waist=22.2,
            waist_y=64,
            hem=25,
            hem_y=95,
        )
    if product.cut == "boxy":
        return Torso(
            neck=neck,
            drop=drop,
            pointed=pointed,
            shoulder=31,
            slope=6,
            chest=33,
            armpit=49,
            waist=32.5,
            hem=32.6,
            hem_y=98,
            curve=1,
        )
    return Torso(neck=neck, drop=drop, pointed=pointed)


def _t_shirt_front(product: Product, torso: Torso) -> Shapes:
    shapes: Shapes = []
    if product.has("pocket"):
        paint = "second" if product.has("contrast pocket") else "fabric"
        shapes += patch_pocket(torso.chest * 0.46, torso.armpit - 3, 11, 12.5, paint=paint)
    if product.has("henley"):
        top = torso.top + torso.drop + 1
        shapes += [*placket(top, top + 14, width=3.6), *buttons(top + 2.6, top + 11.4, 3)]
    prints = {"sun": _sun, "peaks": _peaks, "waves": _waves, "rings": _rings, "leaf": _leaf}
    for name, painter in prints.items():
        if product.has(name):
            shapes += moved(painter(), 0, torso.armpit + 13)
    if product.has("chest band"):
        low = torso.armpit + 8
        shapes += [
            print_on(
                ribbon(spline([(-torso.chest + 1.4, y), (0, y + 0.8), (torso.chest - 1.4, y)]), w)
            )
            for y, w in ((low, 6.0), (low + 6.4, 2.0))
        ]
    return shapes


def print_on(outline: Points, paint: str = "accent") -> Part:
    return Part(outline=outline, paint=paint, printed=True, lift=0, volume=0, texture="fine")


def _sun() -> Shapes:
    half = ellipse(0, 0, 11)
    half[:, 1] = np.minimum(half[:, 1], 2.6)
    bars: Shapes = [
        print_on(box(0, 4.4 + 3.3 * k, 20 - 4.4 * k, 1.7 - 0.25 * k, corner=0.3)) for k in range(4)
    ]
    return [print_on(half), *bars]


def _peaks() -> Shapes:
    far: list[Node] = path("-15 9!, -4 -5!, 1 1!, 5 -9!, 16 9!")
    snow: list[Node] = path("5 -9!, 1.6 -3.4!, 4.2 -4.4!, 5.6 -2.4!, 8.4 -4.2!")
    moon = ellipse(-10, -9, 2.8)
    return [
        print_on(spline(far, closed=True)),
        print_on(spline(snow, closed=True), "fabric"),
        print_on(moon),
    ]


def _waves() -> Shapes:
    x = np.linspace(-15, 15, 60)
    return [
        print_on(ribbon(np.stack([x, 5.2 * row - 8 + 1.9 * np.sin(x * 0.62 + row)], axis=1), 2.2))
        for row in range(4)
    ]


def _rings() -> Shapes:
    around = np.linspace(0, 2 * np.pi, 60)
    circle = np.stack([np.cos(around), np.sin(around)], axis=1)
    rings: Shapes = [print_on(ribbon(circle * radius, 1.7)) for radius in (12.0, 8.2, 4.4)]
    return [*rings, print_on(ellipse(0, 0, 1.6))]


def _leaf() -> Shapes:
    leaf: list[Node] = path("0 -12!, 7.4 -3, 5.4 5, 0 9!, -5.4 5, -7.4 -3")
    veins: Shapes = [print_on(ribbon(spline([(0, -10), (0, 14)]), 0.9), "fabric")]
    for y in (-5.0, -1.0, 3.0):
        for side in (-1, 1):
            veins.append(
                print_on(ribbon(spline([(0, y + 3), (side * 4.6, y - 0.6)]), 0.7), "fabric")
            )
    stem = print_on(ribbon(spline([(0, 9), (0.4, 14)]), 1.1))
    return [print_on(spline(leaf, closed=True)), *veins, stem]
