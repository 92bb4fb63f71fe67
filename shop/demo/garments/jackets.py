"""Short jackets, and details that jackets and coats share."""

from dataclasses import replace

import numpy as np

from ..geometry import Node, path, ribbon, spline, symmetric
from ..products import Product
from ..shapes import Part, Shapes, band, both, seam, stitch
from .bodice import Torso, button, buttons, patch_pocket, shirt_collar, sleeve, zip_line

BOMBER = Torso(
    top=19,
    neck=9.5,
    drop=5,
    shoulder=28,
    chest=32.5,
    waist=32,
    waist_y=70,
    hem=29.5,
    hem_y=92,
    curve=1,
)


COAT = Torso(
    top=14,
    neck=8.5,
    drop=14,
    pointed=True,
    shoulder=25,
    slope=4.4,
    chest=27,
    armpit=38,
    waist=25,
    waist_y=64,
    hem=32,
    hem_y=116,
    curve=1,
)


def jacket_sleeves(
    torso: Torso, *, length: float = 66, cuff: float = 13, rib: float = 0, **more: str
) -> Shapes:
    return sleeve(torso, length=length, angle=75, cuff=cuff, bow=3.4, rib=rib, **more)  # type: ignore[arg-type]


def plain_back(torso: Torso, arms: Shapes, **collar: float) -> Shapes:
    """Return a jacket from behind: a closed body with a centre seam and a low collar."""
    high = replace(torso, drop=1.6, pointed=False)
    middle = seam((0, torso.top + 4), (0, torso.hem_y), strength=0.3)
    edge = band(
        (-torso.neck, torso.top - 1),
        (0, torso.top + 1.4),
        (torso.neck, torso.top - 1),
        width=5,
        lift=0.4,
    )
    yoke = seam(
        (-torso.shoulder + 1, torso.top + 17),
        (0, torso.top + 19),
        (torso.shoulder - 1, torso.top + 17),
    )
    return [*arms, high.body(), *high.armhole_seams(), middle, yoke, edge]


def _rib_hem(torso: Torso, paint: str = "rib", width: float = 7.0) -> Part:
    y, x = torso.hem_y - 1.5, torso.hem
    return band(
        (-x, y), (0, y + torso.curve + 0.8), (x, y), width=width, paint=paint, lift=0.2, volume=0.6
    )


def _stand_collar(torso: Torso, paint: str, height: float = 6.5) -> Shapes:
    neck, top = torso.neck, torso.top
    back: list[Node] = [
        (0, top - height * 0.7),
        (neck, top - height * 0.62, 1),
        (neck + 1, top + 2, 1),
        (0, top + 3),
    ]
    front: list[Node] = [
        (neck - 0.6, top - height * 0.62, 1),
        (neck + 1.4, top - 1),
        (neck + 1.2, top + 2, 1),
    ]
    front += [(neck * 0.5, top + torso.drop + 0.4), (0.2, top + torso.drop + 1, 1)]
    front += [(0.6, top + torso.drop - height * 0.9, 1), (neck * 0.6, top + 0.4)]
    leaf = Part(
        outline=spline(front, closed=True),
        paint=paint,
        texture="rib" if paint == "rib" else "",
        lift=0.35,
    )
    return [Part(outline=symmetric(back), paint="inside", volume=0.3, lift=0.1), *both([leaf])]


def welt_pockets(x: float, y: float, *, lean: float = 5.0, length: float = 12.0) -> Shapes:
    line = band((x, y), (x + lean, y + length), width=2.4, lift=0.35, volume=0.5)
    return both([line, seam((x - 1.2, y + 0.4), (x + lean - 1.2, y + length))])


def bomber(product: Product, back: bool) -> Shapes:
    torso = BOMBER
    rib = "second" if product.has("contrast rib") else "rib"
    arms = jacket_sleeves(
        torso,
        length=63,
        cuff=12,
        rib=6,
        rib_paint=rib,
        paint="second" if product.has("varsity") else "fabric",
    )
    if back:
        return [*plain_back(torso, arms), _rib_hem(torso, rib)]
    shapes: Shapes = [
        *arms,
        torso.body(),
        *torso.armhole_seams(),
        *welt_pockets(14, 66),
        _rib_hem(torso, rib),
    ]
    if product.has("varsity"):
        shapes += [
            stud
            for y in np.linspace(29, 90, 6)
            for stud in button(0.0, float(y), size=1.25, paint="pearl")
        ]
        shapes.append(seam((2.6, 24), (2.6, 94)))
    else:
        shapes += zip_line(25, 96)
    return [*shapes, *_stand_collar(torso, rib)]


def denim_jacket(product: Product, back: bool) -> Shapes:
    torso = replace(BOMBER, neck=8.6, drop=8, chest=30.5, waist=28.6, hem=27.5, hem_y=87, curve=0.5)
    arms = jacket_sleeves(torso, length=61, cuff=11.5)
    thread = "camel"
    yoke = stitch((-28, 41), (0, 41.6), (28, 41), paint=thread, strength=0.7)
    waist = band((-27.6, 85.6), (0, 86.6), (27.6, 85.6), width=6.4, lift=0.3, volume=0.4)
    if back:
        seams = both([stitch((12, 42), (8, 82), paint=thread, strength=0.7)])
        return [*plain_back(torso, arms), yoke, *seams, waist]
    shapes: Shapes = [*arms, *torso.inside(), torso.body(), *torso.armhole_seams(), yoke]
    for nodes in (((6, 42), (8.6, 83)), ((20.5, 42), (16, 83))):
        shapes += both([stitch(*nodes, paint=thread, strength=0.7), seam(*nodes, strength=0.2)])
    shapes += both(patch_pocket(14.6, 41.5, 10.5, 12, flap=True))
    shapes += [band((0, 27.5), (0, 83), width=4.6, lift=0.3, volume=0.3), waist]
    shapes += [stitch((x, 28), (x, 82), paint=thread, strength=0.6) for x in (-1.8, 1.8)]
    shapes += [*buttons(31, 85.6, 6, paint="brass"), *both(button(14.6, 43.6, paint="brass"))]
    return [*shapes, *shirt_collar(torso, size=9.6)]


def biker(product: Product, back: bool) -> Shapes:
    torso = replace(
        BOMBER, neck=8.6, drop=12, pointed=True, shoulder=26, chest=29, waist=26.6, hem=27, hem_y=84
    )
    arms = jacket_sleeves(torso, length=62, cuff=11.5)
    if back:
        return plain_back(torso, arms)
    shapes: Shapes = [*arms, *torso.inside(), torso.body(), *torso.armhole_seams()]
    shapes += both([seam((25, 40), (18, 52), (16, 83), strength=0.35)])
    line = spline([(-9, 30), (-7, 50), (-6.4, 84)])
    shapes += [
        Part(outline=ribbon(line, 2.8), paint="edge", lift=0.35),
        Part(outline=ribbon(line, 1.1), paint="steel", lift=0.2),
    ]
    for nodes in (((11, 62), (22, 57)), ((-24, 64), (-14, 59)), ((10, 47), (19, 42))):
        shapes.append(band(*nodes, width=1.3, paint="steel", lift=0.3))
    shapes.append(band((-27, 81), (0, 82), (27, 81), width=5.4, lift=0.35, volume=0.5))
    left: list[Node] = path("-8.6 20!, -13 24, -20.5 34!, -16 41, -8.4 46!, -7 33")
    right: list[Node] = path("8.6 20!, 12 24, 17 33!, 11 40, -5.5 48!, 1.6 34")
    shapes += [
        Part(outline=spline(nodes, closed=True), lift=0.55, volume=0.5) for nodes in (right, left)
    ]
    return [*shapes, *shirt_collar(replace(torso, drop=7), size=8)]
