"""Jackets and coats."""

from dataclasses import replace

import numpy as np

from ..geometry import Node, Points, arch, ellipse, mix, ribbon, spline, symmetric
from ..products import Product
from ..shapes import Fold, Line, Part, Shapes, band, both, fold, seam, stitch
from .bodice import Torso, button, buttons, patch_pocket, shirt_collar, sleeve, zip_line

BOMBER = Torso(top=19, neck=9.5, drop=5, shoulder=28, chest=32.5, waist=32, waist_y=70, hem=29.5,
               hem_y=92, curve=1)  # fmt: skip
COAT = Torso(top=14, neck=8.5, drop=14, pointed=True, shoulder=25, slope=4.4, chest=27, armpit=38,
             waist=25, waist_y=64, hem=32, hem_y=116, curve=1)  # fmt: skip
PARKA = replace(
    COAT, drop=6, pointed=False, chest=29, waist=29, hem=31, hem_y=108, top=20, armpit=45
)


def outwear(product: Product, *, back: bool = False) -> Shapes:
    drawings = {
        "bomber": bomber,
        "puffer": puffer,
        "parka": parka,
        "denim": denim_jacket,
        "coat": coat,
        "trench": trench,
        "blazer": blazer,
        "biker": biker,
    }
    return drawings[product.cut](product, back)


def _arms(
    torso: Torso, *, length: float = 66, cuff: float = 13, rib: float = 0, **more: str
) -> Shapes:
    return sleeve(torso, length=length, angle=75, cuff=cuff, bow=3.4, rib=rib, **more)  # type: ignore[arg-type]


def _plain_back(torso: Torso, arms: Shapes, **collar: float) -> Shapes:
    """A jacket from behind: a closed body with a seam down the middle and a low collar."""
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


def _welt_pockets(x: float, y: float, *, lean: float = 5.0, length: float = 12.0) -> Shapes:
    line = band((x, y), (x + lean, y + length), width=2.4, lift=0.35, volume=0.5)
    return both([line, seam((x - 1.2, y + 0.4), (x + lean - 1.2, y + length))])


def bomber(product: Product, back: bool) -> Shapes:
    torso = BOMBER
    rib = "second" if product.has("contrast rib") else "rib"
    arms = _arms(
        torso,
        length=63,
        cuff=12,
        rib=6,
        rib_paint=rib,
        paint="second" if product.has("varsity") else "fabric",
    )
    if back:
        return [*_plain_back(torso, arms), _rib_hem(torso, rib)]
    shapes: Shapes = [
        *arms,
        torso.body(),
        *torso.armhole_seams(),
        *_welt_pockets(14, 66),
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


def puffer(product: Product, back: bool) -> Shapes:
    gilet = product.has("gilet")
    torso = replace(
        BOMBER, shoulder=23 if gilet else 28, chest=33, waist=34, hem=32, hem_y=97, neck=9
    )
    arms = [] if gilet else _quilted(_arms(torso, length=64, cuff=14, rib=3.4), torso)
    rows = np.arange(torso.top + 13, torso.hem_y - 3, 10.0)
    body = replace(torso.body(), folds=_baffles(rows, torso.chest), volume=0.7)
    lines: Shapes = [
        seam((-torso.chest - 2, y), (0, y + 1), (torso.chest + 2, y), strength=0.55) for y in rows
    ]
    front: Shapes = (
        [] if back else [*zip_line(torso.top + 4, torso.hem_y + 1), *_welt_pockets(15, 68)]
    )
    collar = _puffer_collar(torso, back)
    return [*arms, body, *lines, *([] if gilet else torso.armhole_seams()), *front, *collar]


def _baffles(rows: Points, half: float) -> tuple[Fold, ...]:
    """Tubes of down: a ridge between every two seams, and puckers at the seams."""
    ridges = [
        fold((-half - 9, y - 5), (0, y - 4), (half + 9, y - 5), width=3.2, depth=0.85)
        for y in (*rows, rows[-1] + 10)
    ]
    rng = np.random.default_rng(3)
    puckers = []
    for y in rows:
        for x in rng.uniform(-half, half, 7):
            puckers.append(
                fold((x, y - 2.6), (x + rng.uniform(-1, 1), y + 2.8), width=0.8, depth=-0.5)
            )
    return (*ridges, *puckers)


def _quilted(arms: Shapes, torso: Torso) -> Shapes:
    """Sleeves with seams across, each as wide as the sleeve there."""
    arm = next(shape for shape in arms if isinstance(shape, Part))
    x, y = torso.tip
    seams: Shapes = []
    ridges: list[Fold] = []
    for row in range(6):
        low = y + 9 + row * 9.5
        out, width = x + (low - y) * 0.27, 15 - row * 0.35
        line = spline(
            [(out + 3.2, low - 0.6), (out - width / 2, low + 2.4), (out - width, low + 3.4)]
        )
        inside = line[line[:, 0] > torso.chest - 1.4] if low > torso.armpit else line
        seams.append(Line(curve=inside if len(inside) > 2 else line[:3], strength=0.55))
        ridges.append(Fold(curve=line - (0, 4.6), width=3.0, depth=0.9))
    right = replace(arm, folds=tuple(ridges), volume=0.8)
    return [
        *both([right, *seams]),
        *(shape for shape in arms if isinstance(shape, Part) and shape.paint == "rib"),
    ]


def _puffer_collar(torso: Torso, back: bool) -> Shapes:
    neck, top = torso.neck, torso.top
    tube: list[Node] = [
        (0, top - 6),
        (neck * 0.9, top - 6),
        (neck + 2.2, top - 3.4),
        (neck + 2.4, top + 2),
    ]
    tube += [(neck * 0.8, top + 6.4), (0, top + 7.6)]
    outline = spline([*tube, *[(-x, y) for x, y in reversed(tube[1:-1])]], closed=True)
    folds = (fold((-neck, top + 1), (0, top + 3), (neck, top + 1), width=2.6, depth=0.9),)
    collar: Shapes = [Part(outline=outline, lift=0.4, volume=0.8, folds=folds)]
    if not back:
        collar.append(
            Part(outline=ellipse(0, top - 4, neck * 0.8, 1.8), paint="inside", lift=0, volume=0.2)
        )
        collar += zip_line(top - 2, top + 9)
    return collar


def parka(product: Product, back: bool) -> Shapes:
    torso = PARKA
    arms = _arms(torso, length=64, cuff=13)
    if back:
        return [*_plain_back(torso, arms), *_hood(torso, product, closed=True)]
    shapes: Shapes = [*_hood(torso, product), *arms, torso.body(), *torso.armhole_seams()]
    y = 74.0
    shapes += [
        stitch((-29, y - 6), (0, y - 5), (29, y - 6)),
        *zip_line(27, torso.hem_y + 0.6, metal="brass"),
    ]
    shapes += both([*patch_pocket(17.5, 80, 14, 15, flap=True), *button(17.5, 82.4, paint="brass")])
    shapes += both(patch_pocket(16, 50, 10.5, 11, flap=True))
    strings = [band((5, 26), (6.4, 38), (5.6, 45), width=0.8, paint="pearl", lift=0.4)]
    return [*shapes, *_hood_front(torso, product), *both(strings)]


def _hood(torso: Torso, product: Product, *, closed: bool = False) -> Shapes:
    neck, top = torso.neck, torso.top
    if closed:
        flat: list[Node] = [
            (0, top - 9),
            (neck + 3, top - 8),
            (neck + 7, top - 1),
            (neck + 4, top + 9),
            (0, top + 19),
        ]
        return [
            Part(outline=symmetric(flat), lift=0.5, volume=0.7),
            seam((0, top - 8), (0, top + 17)),
        ]
    hood: list[Node] = [
        (0, top - 17),
        (neck * 0.9, top - 15),
        (neck + 4.6, top - 6),
        (neck + 4.6, top + 4, 1),
        (0, top + 8),
    ]
    mouth: list[Node] = [
        (0, top - 13.4),
        (neck * 0.75, top - 11.4),
        (neck + 1.4, top - 3),
        (neck, top + 6, 1),
        (0, top + 9),
    ]
    shapes: Shapes = [Part(outline=symmetric(hood), lift=0.2, volume=0.7)]
    if product.has("fur"):
        ring = arch(
            [(0, top - 15.4), (neck * 0.8, top - 13.2), (neck + 3, top - 4), (neck + 1.6, top + 7)]
        )
        shapes.append(
            Part(outline=_furry(ring, 6.4), paint="sand", texture="felt", lift=0.4, volume=0.9)
        )
    return [*shapes, Part(outline=symmetric(mouth), paint="inside", lift=0.2, volume=0.4)]


def _furry(curve: Points, width: float) -> Points:
    rng = np.random.default_rng(9)
    strip = ribbon(curve, width)
    return strip + rng.normal(0, 0.5, strip.shape)


def _hood_front(torso: Torso, product: Product) -> Shapes:
    """The lower ends of the hood, laid on the chest."""
    neck, top = torso.neck, torso.top
    fall: list[Node] = [
        (neck + 2.6, top - 4, 1),
        (neck + 5, top + 3),
        (neck * 0.9, top + 10),
        (0.4, top + 14, 1),
    ]
    fall += [(0.4, top + 8, 1), (neck * 0.6, top + 5)]
    return both([Part(outline=spline(fall, closed=True), lift=0.4, volume=0.6)])


def denim_jacket(product: Product, back: bool) -> Shapes:
    torso = replace(BOMBER, neck=8.6, drop=8, chest=30.5, waist=28.6, hem=27.5, hem_y=87, curve=0.5)
    arms = _arms(torso, length=61, cuff=11.5)
    thread = "camel"
    yoke = stitch((-28, 41), (0, 41.6), (28, 41), paint=thread, strength=0.7)
    waist = band((-27.6, 85.6), (0, 86.6), (27.6, 85.6), width=6.4, lift=0.3, volume=0.4)
    if back:
        seams = both([stitch((12, 42), (8, 82), paint=thread, strength=0.7)])
        return [*_plain_back(torso, arms), yoke, *seams, waist]
    shapes: Shapes = [*arms, *torso.inside(), torso.body(), *torso.armhole_seams(), yoke]
    for nodes in (((6, 42), (8.6, 83)), ((20.5, 42), (16, 83))):
        shapes += both([stitch(*nodes, paint=thread, strength=0.7), seam(*nodes, strength=0.2)])
    shapes += both(patch_pocket(14.6, 41.5, 10.5, 12, flap=True))
    shapes += [band((0, 27.5), (0, 83), width=4.6, lift=0.3, volume=0.3), waist]
    shapes += [stitch((x, 28), (x, 82), paint=thread, strength=0.6) for x in (-1.8, 1.8)]
    shapes += [*buttons(31, 85.6, 6, paint="brass"), *both(button(14.6, 43.6, paint="brass"))]
    return [*shapes, *shirt_collar(torso, size=9.6)]


def _lapels(torso: Torso, low: float, *, wide: float = 12.0) -> Shapes:
    """A tailored collar: lapels that fold out from `low`, notched, with the collar above."""
    neck, top = torso.neck, torso.top
    lapel: list[Node] = [
        (neck * 0.8, top + 1, 1),
        (neck * 0.5, top + (low - top) * 0.45),
        (0.6, low, 1),
    ]
    lapel += [(wide * 0.62, low - (low - top) * 0.3), (wide + 3, top + (low - top) * 0.42, 1)]
    lapel += [(wide * 0.86, top + (low - top) * 0.34, 1)]
    collar: list[Node] = [(neck * 0.5, top - 4, 1), (neck + 1.4, top - 2), (neck + 5, top + 6, 1)]
    collar += [
        (wide + 0.6, top + (low - top) * 0.28, 1),
        (wide * 0.84, top + (low - top) * 0.36, 1),
        (neck * 0.72, top + 3, 1),
    ]
    back: list[Node] = [
        (0, top - 5),
        (neck * 0.7, top - 4.2),
        (neck + 0.6, top, 1),
        (neck * 0.6, top + 3, 1),
        (0, top + 0.4),
    ]
    roll = fold((neck * 0.6, top + 2), (2.4, low - 4), width=1.4, depth=0.5)
    parts: Shapes = [
        Part(outline=spline(lapel, closed=True), turn=-14, lift=0.5, volume=0.4, folds=(roll,)),
        Part(outline=spline(collar, closed=True), turn=-30, lift=0.35, volume=0.4),
    ]
    return [Part(outline=symmetric(back), volume=0.3, lift=0.2), *both(parts)]


def _vest(torso: Torso, low: float, paint: str) -> Shapes:
    """The lining and what shows between the lapels."""
    gap: list[Node] = [
        (0, torso.top - 2),
        (torso.neck, torso.top - 1, 1),
        (torso.neck * 0.8, torso.top + 6),
        (0.4, low + 1, 1),
    ]
    return [Part(outline=symmetric(gap), paint=paint, volume=0.2, lift=0, texture="none")]


def blazer(product: Product, back: bool) -> Shapes:
    torso = replace(
        COAT,
        top=16,
        chest=28,
        waist=25.4,
        waist_y=70,
        hem=30,
        hem_y=102,
        armpit=42,
        shoulder=27,
        drop=42,
        neck=8,
    )
    arms = _arms(torso, length=66, cuff=12)
    if back:
        return _plain_back(torso, arms)
    low = 58.0
    shapes: Shapes = [*arms, *_vest(torso, low, "inside"), torso.body(), *torso.armhole_seams()]
    shapes += both(
        [
            band((10, 76), (21.5, 77.4), width=3.2, lift=0.35, volume=0.4),
            seam((13.5, 46), (15, 74), strength=0.22),
        ]
    )
    shapes += [
        seam((-1.4, low), (-0.4, 92), (-4, 102.6), strength=0.6),
        band((13, 46.6), (20.6, 45.2), width=2, lift=0.25),
    ]
    rows = (66.0, 76.0) if product.has("double") else (64.0, 74.0)
    for y in rows:
        for x in (-5.6, 5.6) if product.has("double") else (1.2,):
            shapes += button(x, y, size=1.2, paint="horn")
    return [*shapes, *_lapels(torso, low)]


def coat(product: Product, back: bool) -> Shapes:
    torso = replace(COAT, drop=36)
    arms = _arms(torso, length=66, cuff=13)
    if back:
        return _plain_back(torso, arms)
    low = 49.0
    shapes: Shapes = [*arms, *_vest(torso, low, "inside"), torso.body(), *torso.armhole_seams()]
    shapes += [
        *_welt_pockets(15, 70, lean=4, length=14),
        seam((-3, low + 1), (-3, 117), strength=0.6),
    ]
    for y in (55.0, 68.0, 81.0):
        for x in (-7.0, 6.0) if product.has("double") else (1.0,):
            shapes += button(x, y, size=1.5, paint="horn")
    return [*shapes, *_lapels(torso, low, wide=13.5)]


def trench(product: Product, back: bool) -> Shapes:
    torso = replace(COAT, drop=26, waist=23, hem=34)
    arms = _arms(torso, length=66, cuff=13)
    straps = both([band((28.2, 77.6), (40.8, 74.2), width=2.6, lift=0.4, volume=0.5)])
    belt = [
        band((-23.4, 66.4), (0, 68), (23.4, 66.4), width=5, lift=0.4, volume=0.5),
        stitch((-23, 65), (0, 66.4), (23, 65)),
    ]
    if back:
        return [*_plain_back(torso, arms), *straps, *belt]
    low = 40.0
    shapes: Shapes = [
        *arms,
        *_vest(torso, low, "inside"),
        torso.body(),
        *torso.armhole_seams(),
        *straps,
    ]
    flap: list[Node] = [(9, 24, 1), (23, 21, 1), (23.4, 36), (21.6, 45, 1), (10.6, 43)]
    shapes += [
        Part(outline=spline(flap, closed=True), lift=0.35, volume=0.4),
        seam((-4, low), (-4, 117), strength=0.6),
    ]
    shapes += [
        stud
        for y in (47.0, 58.0, 78.0)
        for x in (-9.0, 8.0)
        for stud in button(x, y, size=1.35, paint="horn")
    ]
    shapes += [*_welt_pockets(15.5, 75, lean=4, length=13), *belt]
    buckle = ribbon(spline([(-3.4, 64.6), (3.4, 64.8), (3.4, 71), (-3.4, 70.8), (-3.4, 64.6)]), 1.4)
    tail = band((3.4, 67.6), (12, 72), (14, 84), width=4.4, lift=0.45, volume=0.5)
    epaulette = band((13, 15.6), (23.4, 18.4), width=3.2, lift=0.3, volume=0.4)
    return [
        *shapes,
        tail,
        Part(outline=buckle, paint="horn", lift=0.4),
        *both([epaulette]),
        *_lapels(torso, low, wide=13),
    ]


def biker(product: Product, back: bool) -> Shapes:
    torso = replace(
        BOMBER, neck=8.6, drop=12, pointed=True, shoulder=26, chest=29, waist=26.6, hem=27, hem_y=84
    )
    arms = _arms(torso, length=62, cuff=11.5)
    if back:
        return _plain_back(torso, arms)
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
    left: list[Node] = [
        (-8.6, 20, 1),
        (-13, 24),
        (-20.5, 34, 1),
        (-16, 41),
        (-8.4, 46, 1),
        (-7, 33),
    ]
    right: list[Node] = [(8.6, 20, 1), (12, 24), (17, 33, 1), (11, 40), (-5.5, 48, 1), (1.6, 34)]
    shapes += [
        Part(outline=spline(nodes, closed=True), lift=0.55, volume=0.5) for nodes in (right, left)
    ]
    return [*shapes, *shirt_collar(replace(torso, drop=7), size=8)]


__all__ = ["mix", "outwear"]
