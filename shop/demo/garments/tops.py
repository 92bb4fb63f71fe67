"""Tops with long sleeves, and shirts."""

import numpy as np

from ..geometry import Node, arch, ellipse, ribbon, spline, symmetric
from ..products import Product
from ..shapes import Part, Shapes, band, both, fold, seam, stitch
from .bodice import Torso, buttons, patch_pocket, placket, shirt_collar, sleeve
from .t_shirts import print_on


def long_sleeve(product: Product, *, back: bool = False) -> Shapes:
    knitted = product.material in {"knit", "wool"}
    high = product.cut == "turtleneck"
    pointed = product.has("v-neck") and not back
    drop = 2.6 if back else (15.0 if pointed else (5.0 if high else 7.0))
    hem = 98.0 if knitted else 101.0
    loose = 1.5 if knitted else 0.0
    torso = Torso(
        top=19,
        drop=drop,
        pointed=pointed,
        chest=28 + loose,
        waist=26.5 + loose,
        hem=27 + loose * 0.4,
        hem_y=hem,
        shoulder=25.5 + loose * 0.6,
        neck=8.4 if high else 9,
    )
    arms = sleeve(
        torso,
        length=69,
        angle=75,
        cuff=9.5 + loose,
        bow=2.6,
        paint="second" if product.has("raglan") else "fabric",
        raglan=product.has("raglan"),
        rib=5.0 if knitted else 2.8,
        rib_paint="second" if product.has("tipped") or product.has("raglan") else "rib",
    )
    body = torso.body()
    shapes: Shapes = [] if back or high else [*torso.inside(), torso.back_rib()]
    shapes += [body, *arms] if product.has("raglan") else [*arms, body, *torso.armhole_seams()]
    shapes += _knit_hem(torso, product) if knitted else [torso.hem_stitch()]
    if high:
        shapes += _roll_neck(torso)
    else:
        rib = "second" if product.has("tipped") or product.has("raglan") else "rib"
        shapes += torso.collar_rib(3.2 if knitted else 2.6, paint=rib)
    return shapes if back else shapes + _long_sleeve_front(product, torso)


def _knit_hem(torso: Torso, product: Product) -> Shapes:
    y, wide = torso.hem_y - 3, torso.hem
    paint = "second" if product.has("tipped") else "rib"
    strip = band(
        (-wide + 0.4, y), (0, y + torso.curve), (wide - 0.4, y), width=7.4, paint=paint, lift=0.12
    )
    return [strip]


def _roll_neck(torso: Torso) -> Shapes:
    neck, top = torso.neck, torso.top
    tube: list[Node] = [(0, top - 8.5), (neck * 0.8, top - 8), (neck + 0.2, top - 6, 1)]
    tube += [
        (neck + 0.6, top - 1),
        (neck + 0.9, top + 2.6, 1),
        (neck * 0.5, top + 6.8),
        (0, top + 7.6),
    ]
    fold_over: list[Node] = [(0, top - 9), (neck * 0.8, top - 8.5), (neck + 0.9, top - 6, 1)]
    fold_over += [(neck + 1.5, top - 1), (neck * 0.6, top + 1.6), (0, top + 2.4)]
    mouth = Part(
        outline=ellipse(0, top - 7.2, neck * 0.72, 1.3), paint="inside", lift=0, volume=0.2
    )
    return [
        Part(outline=symmetric(tube), texture="rib", lift=0.3, volume=0.7),
        Part(outline=symmetric(fold_over), texture="rib", lift=0.45, volume=0.8),
        mouth,
    ]


def _long_sleeve_front(product: Product, torso: Torso) -> Shapes:
    shapes: Shapes = []
    if product.has("henley"):
        top = torso.top + torso.drop + 1
        shapes += [
            *placket(top, top + 16, width=3.6),
            *buttons(top + 2.6, top + 13.4, 4, paint="horn"),
        ]
    if product.has("pocket"):
        shapes += patch_pocket(torso.chest * 0.46, torso.armpit - 2, 11, 12.5)
    if product.has("nordic"):
        for row, y in enumerate(range(29, 47, 5)):
            for x in np.arange(-24 + row % 2 * 2.5, 25, 5.0):
                limit = torso.shoulder - 3.4
                if abs(x) < limit and y > torso.top + torso.drop + 3 - max(0, abs(x) - 6):
                    size = 1.9 if row % 2 else 1.3
                    diamond = [
                        (x, y - size, 1),
                        (x + size * 0.8, y, 1),
                        (x, y + size, 1),
                        (x - size * 0.8, y, 1),
                    ]
                    shapes.append(print_on(spline(diamond, closed=True), "accent"))
    if product.has("chest band"):
        low = torso.armpit + 6
        half = torso.chest - 0.8
        stripe = ribbon(spline([(-half, low), (0, low + 0.8), (half, low)]), 8)
        shapes.append(print_on(stripe))
    return shapes


def shirt(product: Product, *, back: bool = False) -> Shapes:
    short = product.cut == "camp"
    fitted = product.cut == "blouse"
    torso = Torso(
        top=19,
        neck=8.4,
        drop=8.5,
        shoulder=24.5 if fitted else 26.5,
        chest=27 if fitted else 29.5,
        waist=24 if fitted else 28,
        hem=27.5 if fitted else 29.5,
        hem_y=99,
        curve=6,
    )
    if short:
        torso = Torso(
            top=19,
            neck=8.4,
            drop=15,
            pointed=True,
            shoulder=29,
            chest=31.5,
            waist=31,
            hem=31.5,
            hem_y=99,
            curve=1,
        )
    arms = sleeve(torso, length=24, angle=46, cuff=18) if short else _cuffed(torso, product)
    body = torso.body()
    shapes: Shapes = [*arms]
    if back:
        high = Torso(**{**vars(torso), "drop": 1.5, "pointed": False})
        yoke = seam((-26, 33), (0, 34.5), (26, 33))
        pleat = [seam((side, 34.4), (side * 1.1, 90), strength=0.18) for side in (-2.2, 2.2)]
        collar = band((-8.4, 17), (0, 19), (8.4, 17), width=7, lift=0.4)
        return [*shapes, high.body(), *high.armhole_seams(), yoke, *pleat, collar]
    shapes += [*torso.inside(label=not short), body, *torso.armhole_seams(), torso.hem_stitch(1.6)]
    thread = "horn" if product.has("dark buttons") else "pearl"
    start = torso.top + torso.drop - 0.5
    shapes += [
        *placket(start, 99 + torso.curve - 0.6),
        *buttons(start + 3.5, 92, 7 if not short else 5, paint=thread),
    ]
    for x in _pocket_places(product):
        shapes += patch_pocket(x, 44, 12, 13.5, flap=product.has("flaps"))
    if product.has("bow"):
        return shapes + _pussy_bow(torso)
    return shapes + (_camp_collar(torso) if short else shirt_collar(torso))


def _pocket_places(product: Product) -> list[float]:
    if product.has("pockets"):
        return [-14.5, 14.5]
    return [14.5] if product.has("pocket") else []


def _cuffed(torso: Torso, product: Product) -> Shapes:
    arms = sleeve(torso, length=64, angle=74, cuff=11.5, bow=3)
    a = np.radians(74)
    along, across = np.array([np.cos(a), np.sin(a)]), np.array([-np.sin(a), np.cos(a)])
    out = np.array(torso.tip) + along * 64
    ends = [tuple(out + across * 0.2 + along * 2.6), tuple(out + across * 11.2 + along * 2.6)]
    cuff = band(*ends, width=6.2, lift=0.25)
    edge = [tuple(np.array(end) - along * 2.2) for end in ends]
    x, y = out + across * 3 + along * 2.6
    stud = Part(outline=ellipse(x, y, 0.85), paint="pearl", lift=0.3)
    return arms + both([cuff, stitch(*edge), stud])


def _camp_collar(torso: Torso) -> Shapes:
    neck, top, low = torso.neck, torso.top, torso.top + torso.drop
    back: list[Node] = [(0, top - 4), (neck * 0.7, top - 3.6), (neck + 1, top, 1), (0, top + 3)]
    leaf: list[Node] = [
        (neck * 0.84, top - 3.4, 1),
        (neck + 2, top - 1),
        (neck + 4.6, top + 4.6, 1),
    ]
    leaf += [(neck + 5.4, top + 8.6, 1), (neck + 1.8, top + 9.6, 1), (neck + 2.2, top + 12.4, 1)]
    leaf += [(neck * 0.5, low - 1), (0.2, low + 0.6, 1), (neck * 0.55, low - torso.drop * 0.5)]
    fall = fold((neck + 1, top), (neck * 0.8, top + 6), (3, low - 3), width=1.4, depth=0.6)
    leaves = [Part(outline=spline(leaf, closed=True), turn=-20, lift=0.4, folds=(fall,))]
    return [Part(outline=symmetric(back), volume=0.4, lift=0.2), *both(leaves)]


def _pussy_bow(torso: Torso) -> Shapes:
    y = torso.top + torso.drop - 1
    ring = ribbon(arch([(0, y), (torso.neck * 0.7, y - 4), (torso.neck + 0.4, torso.top - 1)]), 4.2)
    loop: list[Node] = [(0, y, 1), (6, y - 4), (12.5, y - 3), (12, y + 3.6), (6, y + 3)]
    tail: list[Node] = [
        (-1, y, 1),
        (2.4, y + 2),
        (6.4, y + 16),
        (8.4, y + 27, 1),
        (3, y + 29, 1),
        (1.6, y + 14),
    ]
    crease = fold((0.5, y), (5, y - 0.6), (10, y), width=1, depth=-0.8)
    loops = both(
        [
            Part(outline=spline(tail, closed=True), lift=0.5, volume=0.6),
            Part(outline=spline(loop, closed=True), lift=0.5, volume=0.7, folds=(crease,)),
        ]
    )
    knot = Part(outline=ellipse(0, y, 2.4, 2.8), lift=0.5, volume=0.8)
    return [Part(outline=ring, lift=0.3), *loops, knot]
