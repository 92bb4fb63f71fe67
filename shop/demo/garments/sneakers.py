"""Sneakers, and details that laced shoes share."""

from ..geometry import Node, ellipse, path, ribbon, spline
from ..products import Product
from ..shapes import Line, Part, Shapes, band, fold, seam, stitch


def part(
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
    """Return a flat sole whose ends rise by `heel` and `toe` units."""
    low = top + thick
    return part(
        (-40.5, top - 3, 1),
        (-20, top + 0.4),
        (5, top + 0.8),
        (28, top - 0.4),
        (42.4, top - 2.4 - toe, 1),
        (43.6, top + 1 - toe),
        (40, low - 1 - toe * 0.5),
        (30, low),
        (0, low),
        (-34, low - heel),
        (-40.4, low - 1.8 - heel),
        (-42, top + 2),
        paint=paint,
        lift=0.2,
        volume=0.5,
    )


def lacing(
    start: tuple[float, float],
    end: tuple[float, float],
    count: int,
    *,
    reach: float = 7.0,
    paint: str = "white",
) -> Shapes:
    """Return lace bars from the top of the throat to the toe, and a bow on top."""
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


LOW: list[Node] = path(
    "-40 81!, -40.5 70, -38.6 60, -37 55.4!, -32 56.6, -26 60.6, -19 60, -11 53.6, -7.5 50.5!"
)


LOW += path("4 58, 14 64.4, 24 68.6, 34 71.4, 40.6 76, 41.6 81!, 20 83.5, -20 83.5")


def low_upper(product: Product, *, texture: str = "") -> Shapes:
    """Return lining, tongue and upper of a low shoe."""
    opening = part(
        *path("-37.4 55.6!, -28 54, -16 51, -8 49!, -10 58, -22 63, -33 60"),
        paint="inside",
        lift=0,
    )
    tongue = part(
        *path("-13 56!, -11.4 47, -6.4 44!, -3 46.4, 8 57!, 4 62, -6 60"),
        lift=0.2,
        volume=0.6,
    )
    creases = (
        fold((14, 66), (17, 73), (15, 79), width=1.8, depth=-0.4),
        fold((20, 68), (23, 74), (22, 79), width=1.8, depth=0.35),
    )
    outline = spline(LOW, closed=True)
    upper = Part(outline=outline, folds=creases, lift=0.3, volume=0.75, texture=texture)
    return [opening, tongue, upper]


def sneaker(product: Product) -> Shapes:
    trim = "accent" if product.has("contrast") else "edge"
    shapes = low_upper(product)
    shapes += [
        part(
            *path("-40 81!, -40.4 70, -37.4 56!, -30.6 59, -29 70, -25 83!"),
            paint=trim,
            lift=0.12,
        )
    ]
    shapes += [
        part(
            *path("-16 60!, -7 51.4!, 4 58.6, 16 66!, 12 70, 1 65.6, -10 64"),
            lift=0.15,
        )
    ]
    shapes += [
        part(
            *path("41.4 81!, 40.4 76, 34 71.6, 26.4 69.4!, 24 75, 25.4 83!"),
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
            part(
                *path("-20 83!, -14 71, -9 64.6!, -1 66!, -6 73, -9 83.4!"),
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
    line = Line(curve=spline(path("-41.6 85.6, -10 87, 25 86.6, 42.6 83.4")), strength=0.25)
    laces = lacing((-5.6, 51.4), (11, 63.4), 5, paint="white")
    return [*shapes, sole, line, *laces]


def high_top(product: Product) -> Shapes:
    opening = part(
        *path("-35 28.6!, -24 26.4, -12 25.4!, -14 31, -26 33, -34 31"),
        paint="inside",
        lift=0,
    )
    tongue = part(
        *path("-17 34!, -15 24, -7 20.6!, -4 26, 4 50!, 0 56, -8 48"),
        volume=0.6,
        lift=0.2,
    )
    nodes: list[Node] = path(
        "-40 81!, -40 68, -37 52, -36 38, -36 28.6!, -28 31, -18 30.4, -10.6 28!"
    )
    nodes += path("-6.6 40, -1 51, 10 60.6, 24 67, 35 71, 41 76.4, 41.6 81!, 0 83.6")
    ankle = (
        fold((-36, 56), (-26, 55), (-10, 50), width=1.8, depth=-0.5),
        fold((-37, 60), (-24, 60), (-6, 55), width=1.8, depth=0.45),
    )
    cap: list[Node] = path("42 82!, 41.4 76, 35 71, 28.6 69!, 26.4 75, 28 83.4!")
    shapes: Shapes = [
        opening,
        tongue,
        Part(outline=spline(nodes, closed=True), folds=ankle, lift=0.3, volume=0.75),
    ]
    shapes += [
        part(*cap, paint="sole", texture="none"),
        stitch(*path("-12 33, -8 46, 0 57, 13 66")),
        stitch((-34, 33), (-34.6, 52), (-33, 82)),
    ]
    patch = part(
        *path("-34.6 60!, -30 59.4!, -29.4 82!, -34.6 82!"),
        paint="accent" if product.has("contrast") else "edge",
        lift=0.12,
    )
    stripe = Line(
        curve=spline([(-41.4, 85), (0, 86.6), (42.6, 83)]),
        width=1.1,
        strength=0.9,
        paint="accent" if product.has("contrast") else "fabric",
    )
    return [*shapes, patch, _sole(), stripe, *lacing((-8.8, 29), (11, 60.8), 8)]


def runner(product: Product) -> Shapes:
    shapes = low_upper(product, texture="straw")
    shapes += [
        part(
            *path("-40 81!, -41.4 70, -38.4 53!, -33 57, -24 68, -8 76, -6 83!"),
            paint="accent",
            lift=0.15,
            texture="none",
        )
    ]
    shapes += [
        part(
            *path("-2 83!, 2 74, -8 63, -12 57.4!, -7.4 51.4!, 2 57.6, 8 68, 12 83!"),
            paint="accent",
            lift=0.15,
            texture="none",
        )
    ]
    shapes += [
        part(
            *path("42 82!, 41 76, 34 72!, 26 76.6, 20 83!"),
            paint="edge",
            lift=0.1,
            texture="none",
        )
    ]
    wave: list[Node] = path(
        "-46 77!, -38 80, -20 81, 0 82.4, 26 81, 44 77!, 45.6 80, 41 87, 30 90.4, "
        "2 89, -32 91.6, -43 90, -46.4 84"
    )
    groove = Line(curve=spline(path("-45 84.6, -24 83, 2 86.4, 28 85.4, 44 81")), strength=0.3)
    tread = part(
        *path("-43 89.6!, -32 90.8, 2 88, 30 89.4, 41 86.6!, 38 90, 28 92.6, 2 91.4, -32 93.6"),
        paint="dark",
        lift=0,
    )
    return [
        *shapes,
        tread,
        part(*wave, paint="sole", lift=0.2),
        groove,
        *lacing((-5.6, 51.4), (10, 62.8), 5, paint="accent"),
    ]
