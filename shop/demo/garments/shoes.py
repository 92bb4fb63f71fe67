"""Shoes from the side, toe to the right; a pair shows the other shoe behind."""

from ..geometry import Node, box, ellipse, ribbon, spline
from ..products import Product
from ..shapes import Line, Part, Shapes, band, fold, moved, seam, stitch


def shoes(product: Product, *, back: bool = False) -> Shapes:
    drawings = {
        "sneaker": sneaker,
        "high-top": high_top,
        "runner": runner,
        "loafer": loafer,
        "chelsea": chelsea,
        "lace-up boot": lace_up_boot,
        "oxford": oxford,
        "pump": pump,
        "ballerina": ballerina,
        "sandal": sandal,
    }
    shoe = drawings[product.cut](product)
    if back:
        return shoe
    return [*moved(shoe, 7, -13, scale=0.94), *moved(shoe, -4, 2)]


def _part(
    *nodes: Node, paint: str = "fabric", lift: float = 0.15, volume: float = 0.5, texture: str = ""
) -> Part:
    return Part(
        outline=spline(nodes, closed=True), paint=paint, lift=lift, volume=volume, texture=texture
    )


def _sole(
    *,
    top: float = 82.0,
    thick: float = 8.0,
    paint: str = "sole",
    heel: float = 0.0,
    toe: float = 0.0,
) -> Part:
    """A flat sole; `heel` and `toe` say how far its ends rise."""
    low = top + thick
    return _part(
        (-40.5, top - 3, 1), (-20, top + 0.4), (5, top + 0.8), (28, top - 0.4), (42.4, top - 2.4 - toe, 1), (43.6, top + 1 - toe),
        (40, low - 1 - toe * 0.5), (30, low), (0, low), (-34, low - heel), (-40.4, low - 1.8 - heel), (-42, top + 2), paint=paint, lift=0.2, volume=0.5,
    )  # fmt: skip


def _laces(
    start: tuple[float, float],
    end: tuple[float, float],
    count: int,
    *,
    reach: float = 7.0,
    paint: str = "white",
) -> Shapes:
    """Short bars across the throat, from its top to the toe, and a bow on top."""
    bars: Shapes = []
    for row in range(count):
        share = row / max(1, count - 1)
        x, y = start[0] + (end[0] - start[0]) * share, start[1] + (end[1] - start[1]) * share
        bars.append(
            Part(outline=ellipse(x - reach * 0.62, y + reach * 0.5, 0.75), paint="steel", lift=0.1)
        )
        bars.append(
            band(
                (x - reach * 0.6, y + reach * 0.46),
                (x + 0.4, y - 0.2),
                (x + 2.6, y - 0.6),
                width=1.6,
                paint=paint,
                lift=0.3,
                volume=0.35,
            )
        )
    x, y = start
    loop = ribbon(spline([(x, y), (x - 5, y - 3), (x - 9, y + 1), (x - 5, y + 3), (x, y)]), 1.1)
    tail = band(
        (x, y), (x - 2, y + 5), (x - 5.4, y + 8.6), width=1.1, paint=paint, lift=0.35, volume=0.35
    )
    return [*bars, Part(outline=loop, paint=paint, lift=0.35, volume=0.35), tail]


LOW: list[Node] = [
    (-40, 81, 1),
    (-40.5, 70),
    (-38.6, 60),
    (-37, 55.4, 1),
    (-32, 56.6),
    (-26, 60.6),
    (-19, 60),
    (-11, 53.6),
    (-7.5, 50.5, 1),
]
LOW += [
    (4, 58),
    (14, 64.4),
    (24, 68.6),
    (34, 71.4),
    (40.6, 76),
    (41.6, 81, 1),
    (20, 83.5),
    (-20, 83.5),
]


def _low_upper(product: Product, **more: str) -> Shapes:
    """Lining, tongue and upper of a low shoe."""
    opening = _part(
        (-37.4, 55.6, 1),
        (-28, 54),
        (-16, 51),
        (-8, 49, 1),
        (-10, 58),
        (-22, 63),
        (-33, 60),
        paint="inside",
        lift=0,
    )
    tongue = _part(
        (-13, 56, 1),
        (-11.4, 47),
        (-6.4, 44, 1),
        (-3, 46.4),
        (8, 57, 1),
        (4, 62),
        (-6, 60),
        lift=0.2,
        volume=0.6,
    )
    creases = (
        fold((14, 66), (17, 73), (15, 79), width=1.8, depth=-0.4),
        fold((20, 68), (23, 74), (22, 79), width=1.8, depth=0.35),
    )
    upper = Part(outline=spline(LOW, closed=True), folds=creases, lift=0.3, volume=0.75, **more)
    return [opening, tongue, upper]


def sneaker(product: Product) -> Shapes:
    trim = "accent" if product.has("contrast") else "edge"
    shapes = _low_upper(product)
    shapes += [
        _part(
            (-40, 81, 1),
            (-40.4, 70),
            (-37.4, 56, 1),
            (-30.6, 59),
            (-29, 70),
            (-25, 83, 1),
            paint=trim,
            lift=0.12,
        )
    ]
    shapes += [
        _part(
            (-16, 60, 1),
            (-7, 51.4, 1),
            (4, 58.6),
            (16, 66, 1),
            (12, 70),
            (1, 65.6),
            (-10, 64),
            lift=0.15,
        )
    ]
    shapes += [
        _part(
            (41.4, 81, 1),
            (40.4, 76),
            (34, 71.6),
            (26.4, 69.4, 1),
            (24, 75),
            (25.4, 83, 1),
            paint="fabric",
            lift=0.1,
        )
    ]
    shapes += [
        seam((26, 69.6), (23.6, 75), (25, 83)),
        stitch((27.4, 70.6), (25, 75.6), (26.4, 82)),
        stitch((-14, 62.6), (-2, 65), (11, 68.4)),
    ]
    if product.has("band"):
        shapes += [
            _part(
                (-20, 83, 1),
                (-14, 71),
                (-9, 64.6, 1),
                (-1, 66, 1),
                (-6, 73),
                (-9, 83.4, 1),
                paint="accent",
                lift=0.12,
                volume=0.3,
            )
        ]
    else:
        spots = [(-16 + k * 3.4, 76 - k * 1.2) for k in range(5)]
        shapes += [
            Part(outline=ellipse(x, y, 0.7), paint="inside", lift=0, volume=0) for x, y in spots
        ]
    sole = _sole(paint="gum" if product.has("gum sole") else "sole")
    line = Line(curve=spline([(-41.6, 85.6), (-10, 87), (25, 86.6), (42.6, 83.4)]), strength=0.25)
    laces = _laces((-5.6, 51.4), (11, 63.4), 5, paint="white")
    return [*shapes, sole, line, *laces]


def high_top(product: Product) -> Shapes:
    opening = _part(
        (-35, 28.6, 1),
        (-24, 26.4),
        (-12, 25.4, 1),
        (-14, 31),
        (-26, 33),
        (-34, 31),
        paint="inside",
        lift=0,
    )
    tongue = _part(
        (-17, 34, 1),
        (-15, 24),
        (-7, 20.6, 1),
        (-4, 26),
        (4, 50, 1),
        (0, 56),
        (-8, 48),
        volume=0.6,
        lift=0.2,
    )
    nodes: list[Node] = [
        (-40, 81, 1),
        (-40, 68),
        (-37, 52),
        (-36, 38),
        (-36, 28.6, 1),
        (-28, 31),
        (-18, 30.4),
        (-10.6, 28, 1),
    ]
    nodes += [
        (-6.6, 40),
        (-1, 51),
        (10, 60.6),
        (24, 67),
        (35, 71),
        (41, 76.4),
        (41.6, 81, 1),
        (0, 83.6),
    ]
    ankle = (
        fold((-36, 56), (-26, 55), (-10, 50), width=1.8, depth=-0.5),
        fold((-37, 60), (-24, 60), (-6, 55), width=1.8, depth=0.45),
    )
    cap: list[Node] = [(42, 82, 1), (41.4, 76), (35, 71), (28.6, 69, 1), (26.4, 75), (28, 83.4, 1)]
    shapes: Shapes = [
        opening,
        tongue,
        Part(outline=spline(nodes, closed=True), folds=ankle, lift=0.3, volume=0.75),
    ]
    shapes += [
        _part(*cap, paint="sole", texture="none"),
        stitch((-12, 33), (-8, 46), (0, 57), (13, 66)),
        stitch((-34, 33), (-34.6, 52), (-33, 82)),
    ]
    patch = _part(
        (-34.6, 60, 1),
        (-30, 59.4, 1),
        (-29.4, 82, 1),
        (-34.6, 82, 1),
        paint="accent" if product.has("contrast") else "edge",
        lift=0.12,
    )
    stripe = Line(
        curve=spline([(-41.4, 85), (0, 86.6), (42.6, 83)]),
        width=1.1,
        strength=0.9,
        paint="accent" if product.has("contrast") else "fabric",
    )
    return [*shapes, patch, _sole(), stripe, *_laces((-8.8, 29), (11, 60.8), 8)]


def runner(product: Product) -> Shapes:
    shapes = _low_upper(product, texture="straw")
    shapes += [
        _part(
            (-40, 81, 1),
            (-41.4, 70),
            (-38.4, 53, 1),
            (-33, 57),
            (-24, 68),
            (-8, 76),
            (-6, 83, 1),
            paint="accent",
            lift=0.15,
            texture="none",
        )
    ]
    shapes += [
        _part(
            (-2, 83, 1),
            (2, 74),
            (-8, 63),
            (-12, 57.4, 1),
            (-7.4, 51.4, 1),
            (2, 57.6),
            (8, 68),
            (12, 83, 1),
            paint="accent",
            lift=0.15,
            texture="none",
        )
    ]
    shapes += [
        _part(
            (42, 82, 1),
            (41, 76),
            (34, 72, 1),
            (26, 76.6),
            (20, 83, 1),
            paint="edge",
            lift=0.1,
            texture="none",
        )
    ]
    wave: list[Node] = [
        (-46, 77, 1),
        (-38, 80),
        (-20, 81),
        (0, 82.4),
        (26, 81),
        (44, 77, 1),
        (45.6, 80),
        (41, 87),
        (30, 90.4),
        (2, 89),
        (-32, 91.6),
        (-43, 90),
        (-46.4, 84),
    ]
    groove = Line(
        curve=spline([(-45, 84.6), (-24, 83), (2, 86.4), (28, 85.4), (44, 81)]), strength=0.3
    )
    tread = _part(
        (-43, 89.6, 1),
        (-32, 90.8),
        (2, 88),
        (30, 89.4),
        (41, 86.6, 1),
        (38, 90),
        (28, 92.6),
        (2, 91.4),
        (-32, 93.6),
        paint="dark",
        lift=0,
    )
    return [
        *shapes,
        tread,
        _part(*wave, paint="sole", lift=0.2),
        groove,
        *_laces((-5.6, 51.4), (10, 62.8), 5, paint="accent"),
    ]


def _leather_sole(heel: float = 2.0) -> Shapes:
    base = _part(
        (-38, 78, 1),
        (0, 78),
        (30, 79),
        (44, 79.4, 1),
        (44.8, 82.6),
        (30, 87.4),
        (6, 88),
        (-4, 86),
        (-12, 86),
        (-38.6, 86.4, 1),
        paint="chocolate",
        lift=0.1,
        texture="none",
    )
    block = _part(
        (-38.6, 85.4, 1),
        (-14.4, 85.4, 1),
        (-16, 88.4 + heel, 1),
        (-37.8, 88.4 + heel, 1),
        paint="dark",
        lift=0.1,
    )
    return [block, base]


def loafer(product: Product) -> Shapes:
    opening = _part(
        (-36.6, 60.6, 1),
        (-20, 58.4),
        (0.6, 58.8, 1),
        (2, 66, 1),
        (-6, 70),
        (-24, 72),
        (-37, 66, 1),
        paint="camel",
        lift=0,
        texture="grain",
    )
    upper: list[Node] = [
        (-38.6, 83, 1),
        (-39.4, 72),
        (-36.6, 60.6, 1),
        (-30, 66),
        (-18, 68.6),
        (-6, 65.4),
        (0.4, 58.8, 1),
        (7, 58.6),
        (20, 66.4),
        (34, 71.6),
        (43, 77.4),
        (44, 82, 1),
        (0, 85),
    ]
    vamp: list[Node] = [
        (0.8, 59, 1),
        (7, 59),
        (20, 66.8),
        (33, 71.6),
        (38, 75.4),
        (30, 76),
        (14, 73),
        (2, 67.6),
    ]
    saddle = _part(
        (-3, 85, 1),
        (-2, 74),
        (4.6, 62, 1),
        (11.4, 62.4, 1),
        (10, 72),
        (12, 85, 1),
        paint="edge",
        lift=0.25,
    )
    shapes: Shapes = [
        *_leather_sole(),
        opening,
        _part(*upper, lift=0.3, volume=0.75),
        _part(*vamp, lift=0.15, volume=0.4),
    ]
    shapes += [stitch((2, 68.6), (14, 74), (30, 77), (38, 76.4), strength=0.5), saddle]
    if product.has("tassels"):
        shapes += [
            band((7, 66), (11, 72), (10, 79), width=2.6, paint="edge", lift=0.4),
            band((7, 66), (15, 70), (16, 76), width=2.6, paint="edge", lift=0.4),
        ]
    else:
        shapes.append(
            _part((1.6, 68.6, 1), (9.6, 69, 1), (9, 72, 1), (1, 71.6, 1), paint="dark", lift=0.05)
        )
    return shapes


def oxford(product: Product) -> Shapes:
    sole = _leather_sole()
    shapes = _low_upper(product)
    shapes += [
        _part(
            (-17, 62, 1),
            (-8, 52, 1),
            (3, 58.4),
            (15, 66, 1),
            (10, 72),
            (-4, 71),
            (-20, 84, 1),
            (-34, 84, 1),
            (-30, 66),
            lift=0.12,
        )
    ]
    shapes += [
        seam((22, 68), (20.6, 75), (24, 84)),
        stitch((20.6, 68), (19, 75), (22.4, 83.4)),
        stitch((-16, 72), (0, 73), (12, 71.6)),
    ]
    if product.has("brogue"):
        spots = [
            (28, 74),
            (31, 76.6),
            (27.4, 78),
            (34, 75.4),
            (31, 80),
            (-33, 64),
            (-31, 70),
            (-29, 76),
            (-6, 75),
            (-12, 78),
        ]
        shapes += [
            Part(outline=ellipse(x, y, 0.7), paint="dark", lift=0, volume=0) for x, y in spots
        ]
    return [*sole, *shapes, *_laces((-6, 52.6), (9, 62.6), 4, paint="dark")]


def chelsea(product: Product) -> Shapes:
    boot: list[Node] = [
        (-38.6, 83, 1),
        (-38.4, 68),
        (-36, 52),
        (-37, 26, 1),
        (-24, 24.4),
        (-9, 25.4, 1),
        (-7.6, 40),
        (-5, 54),
        (4, 62.4),
        (20, 67.6),
        (36, 72),
        (43.4, 77.4),
        (44, 82, 1),
        (0, 85),
    ]
    gusset: list[Node] = [
        (-28, 26, 1),
        (-16, 26, 1),
        (-14.4, 44),
        (-17, 62),
        (-22, 66),
        (-27, 60),
        (-29.6, 44),
    ]
    mouth = Part(outline=ellipse(-23, 25.6, 13.6, 2.4), paint="inside", lift=0, volume=0.2)
    ankle = (
        fold((-6, 54), (-16, 58), (-34, 58), width=2, depth=-0.5),
        fold((2, 62), (-8, 66), (-16, 74), width=2, depth=0.45),
    )
    tab = band((-37, 30), (-40.4, 22), (-36, 21), width=2.4, lift=0.3, volume=0.6)
    shapes: Shapes = [
        *_leather_sole(4),
        tab,
        Part(outline=spline(boot, closed=True), folds=ankle, lift=0.3, volume=0.75),
        mouth,
    ]
    return [
        *shapes,
        _part(*gusset, paint="edge", texture="rib", lift=0.1, volume=0.4),
        seam((-17, 62), (-8, 72), (-4, 84)),
        seam((-28, 62), (-32, 72), (-31, 84)),
    ]


def lace_up_boot(product: Product) -> Shapes:
    boot: list[Node] = [
        (-39, 82, 1),
        (-39, 66),
        (-36.4, 50),
        (-37, 22, 1),
        (-26, 24.4),
        (-14, 21, 1),
        (-8, 38),
        (-2, 52),
        (10, 61),
        (24, 65.4),
        (36, 69.6),
        (42.4, 75.6),
        (43, 82, 1),
        (0, 84),
    ]
    tongue = _part(
        (-18, 28, 1), (-15, 17), (-8, 15, 1), (-5, 26), (3, 50, 1), (-4, 50), volume=0.6, lift=0.2
    )
    collar = band(
        (-37, 24),
        (-26, 26.6),
        (-14.6, 23.6),
        width=6,
        paint="edge",
        lift=0.2,
        volume=0.7,
        texture="felt",
    )
    toe: list[Node] = [(43, 82, 1), (42, 75.6), (36, 69.8), (27, 66.6, 1), (22, 74), (23, 84, 1)]
    stay: list[Node] = [
        (-19, 26, 1),
        (-13.6, 24, 1),
        (-7.4, 40),
        (0, 53.4),
        (9, 61, 1),
        (4, 67),
        (-8, 58),
        (-15, 44),
    ]
    creases = (
        fold((-8, 56), (-20, 60), (-36, 58), width=2, depth=-0.5),
        fold((12, 64), (10, 72), (14, 80), width=2, depth=-0.4),
    )
    tread: list[Node] = [
        (-42, 80, 1),
        (0, 82.6),
        (44, 79, 1),
        (45, 84),
        (42, 90, 1),
        (2, 90.6),
        (0, 92),
        (-12, 92),
        (-40, 93, 1),
        (-43, 87),
    ]
    shapes: Shapes = [
        tongue,
        Part(outline=spline(boot, closed=True), folds=creases, lift=0.3, volume=0.75),
        collar,
        _part(*toe, lift=0.12),
    ]
    shapes += [
        _part(*stay, lift=0.15),
        stitch((25.4, 67.6), (20.6, 74.4), (21.4, 83)),
        seam((-30, 40), (-28, 60), (-14, 72), (-10, 83)),
    ]
    shapes += [
        _part(*tread, paint="dark" if not product.has("gum sole") else "gum", lift=0.2),
        stitch((-41, 83), (0, 85.4), (43.6, 82), paint="sand", strength=0.7),
    ]
    return [*shapes, *_laces((-11, 25), (7, 58.4), 7, reach=6, paint="camel")]


def pump(product: Product) -> Shapes:
    inside = _part(
        (-36, 50, 1),
        (-20, 51),
        (0, 60),
        (18, 70, 1),
        (4, 70),
        (-16, 64),
        (-30, 58),
        paint="camel",
        lift=0,
        texture="grain",
    )
    upper: list[Node] = [
        (-39, 62, 1),
        (-39.6, 55),
        (-36.4, 49.4, 1),
        (-30, 57),
        (-14, 64.4),
        (4, 71),
        (15, 71.6),
        (21, 70.4, 1),
        (32, 75),
        (42, 81.6),
        (46, 87, 1),
        (34, 89),
        (18, 87.4),
        (2, 80),
        (-14, 73.4),
        (-30, 70),
    ]
    heel: list[Node] = [
        (-39.4, 61, 1),
        (-27, 69.6, 1),
        (-31.4, 78),
        (-33.4, 91.6, 1),
        (-36.8, 91.6, 1),
        (-37.6, 78),
    ]
    sole: list[Node] = [
        (-27, 69.4, 1),
        (-12, 73.6),
        (4, 81),
        (18, 88),
        (34, 89.6),
        (46, 87, 1),
        (45, 89.4),
        (34, 91.4),
        (17, 90.4),
        (0, 82.4),
        (-14, 75.4),
    ]
    shapes: Shapes = [
        inside,
        _part(*heel, paint="edge", volume=0.7),
        _part(*sole, paint="chocolate", lift=0.1, texture="none"),
        _part(*upper, lift=0.3, volume=0.8),
    ]
    if product.has("strap"):
        shapes += [
            band((-24, 60), (-14, 51), (-2, 49), (4, 56), (2, 69), width=2.2, lift=0.3, volume=0.6),
            Part(outline=ribbon(ellipse(-12, 51.4, 1.8), 0.7), paint="brass"),
        ]
    return shapes


def ballerina(product: Product) -> Shapes:
    inside = _part(
        (-36, 67, 1),
        (-16, 69),
        (6, 71),
        (17, 72, 1),
        (2, 77),
        (-20, 77.6),
        paint="beige",
        lift=0,
        texture="grain",
    )
    upper: list[Node] = [
        (-38, 85, 1),
        (-39.6, 76),
        (-36.8, 66.6, 1),
        (-28, 73.6),
        (-10, 77.4),
        (6, 76),
        (16, 71.6, 1),
        (28, 74),
        (38, 78.4),
        (43, 83),
        (42, 86, 1),
        (0, 87),
    ]
    sole = _part(
        (-38.4, 84.6, 1),
        (0, 86.4),
        (42.4, 84.8, 1),
        (40, 88),
        (0, 89),
        (-37, 90, 1),
        paint="dark",
        lift=0.1,
    )
    edge = band(
        (-36.6, 67),
        (-28, 73.8),
        (-10, 77.6),
        (6, 76.2),
        (16.4, 72),
        width=1.1,
        paint="edge",
        lift=0.15,
    )
    loops: Shapes = [
        _part((18, 73.4, 1), (22, 68), (27, 68.4), (25, 73.4), lift=0.35, paint="edge"),
        _part((17, 73.4, 1), (11, 68.6), (9, 71), (12, 74.6), lift=0.35, paint="edge"),
    ]
    knot = Part(outline=ellipse(17.4, 72.8, 1.8), paint="edge", lift=0.35, volume=0.8)
    return [inside, sole, _part(*upper, lift=0.3, volume=0.8), edge, *loops, knot]


def sandal(product: Product) -> Shapes:
    bed = _part(
        (-39, 82, 1),
        (-30, 80.6),
        (0, 83),
        (28, 82),
        (42, 79.6, 1),
        (43.4, 84),
        (38, 90),
        (0, 90.6),
        (-36, 91),
        (-41, 87),
        paint="gum",
        lift=0.2,
        texture="felt",
    )
    tread = _part(
        (-40, 88, 1), (0, 88.6), (40, 87, 1), (37, 92), (0, 92.4), (-36, 92.6), paint="dark", lift=0
    )
    front = _part(
        (14, 84, 1),
        (9.6, 73),
        (12, 67.6),
        (20, 66.6),
        (29, 71.4),
        (36, 82.6, 1),
        lift=0.4,
        volume=0.8,
    )
    middle = _part(
        (-9, 84, 1),
        (-14, 71),
        (-11.4, 63),
        (-2, 60.4),
        (7, 65),
        (12.6, 84, 1),
        lift=0.4,
        volume=0.8,
    )
    far = _part(
        (-13, 66, 1),
        (-8, 61),
        (2, 60.6),
        (8, 65),
        (20, 66),
        (30, 72, 1),
        (20, 74),
        (0, 72),
        paint="inside",
        lift=0,
    )
    shapes: Shapes = [tread, bed, far, middle, front]
    for x, y in ((-2.4, 71.4), (20.6, 74.6)):
        shapes.append(band((x - 4.5, y - 3.4), (x - 0.5, y), (x + 4, y + 5), width=3.4, paint="edge", lift=0.25))
        shapes.append(Part(outline=ribbon(box(x, y - 2.4, 4.4, 5), 0.9), paint="brass", lift=0.35))
    return shapes
