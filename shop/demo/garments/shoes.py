"""Shoes from the side, toe to the right; a pair shows the other shoe behind."""

from ..geometry import Node, box, ellipse, path, ribbon, spline
from ..products import Product
from ..shapes import Part, Shapes, band, fold, moved, seam, stitch
from .sneakers import high_top, lacing, low_upper, part, runner, sneaker


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


def _leather_sole(heel: float = 2.0) -> Shapes:
    base = part(
        *path(
            "-38 78!, 0 78, 30 79, 44 79.4!, 44.8 82.6, 30 87.4, 6 88, -4 86, -12 86, -38.6 86.4!"
        ),
        paint="chocolate",
        lift=0.1,
        texture="none",
    )
    block = part(
        (-38.6, 85.4, 1),
        (-14.4, 85.4, 1),
        (-16, 88.4 + heel, 1),
        (-37.8, 88.4 + heel, 1),
        paint="dark",
        lift=0.1,
    )
    return [block, base]


def loafer(product: Product) -> Shapes:
    opening = part(
        *path("-36.6 60.6!, -20 58.4, 0.6 58.8!, 2 66!, -6 70, -24 72, -37 66!"),
        paint="camel",
        lift=0,
        texture="grain",
    )
    upper: list[Node] = path(
        "-38.6 83!, -39.4 72, -36.6 60.6!, -30 66, -18 68.6, -6 65.4, 0.4 58.8!, "
        "7 58.6, 20 66.4, 34 71.6, 43 77.4, 44 82!, 0 85"
    )
    vamp: list[Node] = path("0.8 59!, 7 59, 20 66.8, 33 71.6, 38 75.4, 30 76, 14 73, 2 67.6")
    saddle = part(
        *path("-3 85!, -2 74, 4.6 62!, 11.4 62.4!, 10 72, 12 85!"),
        paint="edge",
        lift=0.25,
    )
    shapes: Shapes = [
        *_leather_sole(),
        opening,
        part(*upper, lift=0.3, volume=0.75),
        part(*vamp, lift=0.15, volume=0.4),
    ]
    shapes += [stitch(*path("2 68.6, 14 74, 30 77, 38 76.4"), strength=0.5), saddle]
    if product.has("tassels"):
        shapes += [
            band((7, 66), (11, 72), (10, 79), width=2.6, paint="edge", lift=0.4),
            band((7, 66), (15, 70), (16, 76), width=2.6, paint="edge", lift=0.4),
        ]
    else:
        shapes.append(part(*path("1.6 68.6!, 9.6 69!, 9 72!, 1 71.6!"), paint="dark", lift=0.05))
    return shapes


def oxford(product: Product) -> Shapes:
    sole = _leather_sole()
    shapes = low_upper(product)
    shapes += [
        part(
            *path("-17 62!, -8 52!, 3 58.4, 15 66!, 10 72, -4 71, -20 84!, -34 84!, -30 66"),
            lift=0.12,
        )
    ]
    shapes += [
        seam((22, 68), (20.6, 75), (24, 84)),
        stitch((20.6, 68), (19, 75), (22.4, 83.4)),
        stitch((-16, 72), (0, 73), (12, 71.6)),
    ]
    if product.has("brogue"):
        spots = path(
            "28 74, 31 76.6, 27.4 78, 34 75.4, 31 80, -33 64, -31 70, -29 76, -6 75, -12 78"
        )
        shapes += [
            Part(outline=ellipse(x, y, 0.7), paint="dark", lift=0, volume=0) for x, y in spots
        ]
    return [*sole, *shapes, *lacing((-6, 52.6), (9, 62.6), 4, paint="dark")]


def chelsea(product: Product) -> Shapes:
    boot: list[Node] = path(
        "-38.6 83!, -38.4 68, -36 52, -37 26!, -24 24.4, -9 25.4!, -7.6 40, -5 54, "
        "4 62.4, 20 67.6, 36 72, 43.4 77.4, 44 82!, 0 85"
    )
    gusset: list[Node] = path("-28 26!, -16 26!, -14.4 44, -17 62, -22 66, -27 60, -29.6 44")
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
        part(*gusset, paint="edge", texture="rib", lift=0.1, volume=0.4),
        seam((-17, 62), (-8, 72), (-4, 84)),
        seam((-28, 62), (-32, 72), (-31, 84)),
    ]


def lace_up_boot(product: Product) -> Shapes:
    boot: list[Node] = path(
        "-39 82!, -39 66, -36.4 50, -37 22!, -26 24.4, -14 21!, -8 38, -2 52, 10 61, "
        "24 65.4, 36 69.6, 42.4 75.6, 43 82!, 0 84"
    )
    tongue = part(*path("-18 28!, -15 17, -8 15!, -5 26, 3 50!, -4 50"), volume=0.6, lift=0.2)
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
    toe: list[Node] = path("43 82!, 42 75.6, 36 69.8, 27 66.6!, 22 74, 23 84!")
    stay: list[Node] = path("-19 26!, -13.6 24!, -7.4 40, 0 53.4, 9 61!, 4 67, -8 58, -15 44")
    creases = (
        fold((-8, 56), (-20, 60), (-36, 58), width=2, depth=-0.5),
        fold((12, 64), (10, 72), (14, 80), width=2, depth=-0.4),
    )
    tread: list[Node] = path(
        "-42 80!, 0 82.6, 44 79!, 45 84, 42 90!, 2 90.6, 0 92, -12 92, -40 93!, -43 87"
    )
    shapes: Shapes = [
        tongue,
        Part(outline=spline(boot, closed=True), folds=creases, lift=0.3, volume=0.75),
        collar,
        part(*toe, lift=0.12),
    ]
    shapes += [
        part(*stay, lift=0.15),
        stitch((25.4, 67.6), (20.6, 74.4), (21.4, 83)),
        seam(*path("-30 40, -28 60, -14 72, -10 83")),
    ]
    shapes += [
        part(*tread, paint="dark" if not product.has("gum sole") else "gum", lift=0.2),
        stitch((-41, 83), (0, 85.4), (43.6, 82), paint="sand", strength=0.7),
    ]
    return [*shapes, *lacing((-11, 25), (7, 58.4), 7, reach=6, paint="camel")]


def pump(product: Product) -> Shapes:
    inside = part(
        *path("-36 50!, -20 51, 0 60, 18 70!, 4 70, -16 64, -30 58"),
        paint="camel",
        lift=0,
        texture="grain",
    )
    upper: list[Node] = path(
        "-39 62!, -39.6 55, -36.4 49.4!, -30 57, -14 64.4, 4 71, 15 71.6, 21 70.4!, "
        "32 75, 42 81.6, 46 87!, 34 89, 18 87.4, 2 80, -14 73.4, -30 70"
    )
    heel: list[Node] = path("-39.4 61!, -27 69.6!, -31.4 78, -33.4 91.6!, -36.8 91.6!, -37.6 78")
    sole: list[Node] = path(
        "-27 69.4!, -12 73.6, 4 81, 18 88, 34 89.6, 46 87!, 45 89.4, 34 91.4, 17 90.4, "
        "0 82.4, -14 75.4"
    )
    shapes: Shapes = [
        inside,
        part(*heel, paint="edge", volume=0.7),
        part(*sole, paint="chocolate", lift=0.1, texture="none"),
        part(*upper, lift=0.3, volume=0.8),
    ]
    if product.has("strap"):
        shapes += [
            band(*path("-24 60, -14 51, -2 49, 4 56, 2 69"), width=2.2, lift=0.3, volume=0.6),
            Part(outline=ribbon(ellipse(-12, 51.4, 1.8), 0.7), paint="brass"),
        ]
    return shapes


def ballerina(product: Product) -> Shapes:
    inside = part(
        *path("-36 67!, -16 69, 6 71, 17 72!, 2 77, -20 77.6"),
        paint="beige",
        lift=0,
        texture="grain",
    )
    upper: list[Node] = path(
        "-38 85!, -39.6 76, -36.8 66.6!, -28 73.6, -10 77.4, 6 76, 16 71.6!, 28 74, "
        "38 78.4, 43 83, 42 86!, 0 87"
    )
    sole = part(
        *path("-38.4 84.6!, 0 86.4, 42.4 84.8!, 40 88, 0 89, -37 90!"),
        paint="dark",
        lift=0.1,
    )
    edge = band(
        *path("-36.6 67, -28 73.8, -10 77.6, 6 76.2, 16.4 72"),
        width=1.1,
        paint="edge",
        lift=0.15,
    )
    loops: Shapes = [
        part(*path("18 73.4!, 22 68, 27 68.4, 25 73.4"), lift=0.35, paint="edge"),
        part(*path("17 73.4!, 11 68.6, 9 71, 12 74.6"), lift=0.35, paint="edge"),
    ]
    knot = Part(outline=ellipse(17.4, 72.8, 1.8), paint="edge", lift=0.35, volume=0.8)
    return [inside, sole, part(*upper, lift=0.3, volume=0.8), edge, *loops, knot]


def sandal(product: Product) -> Shapes:
    bed = part(
        *path("-39 82!, -30 80.6, 0 83, 28 82, 42 79.6!, 43.4 84, 38 90, 0 90.6, -36 91, -41 87"),
        paint="gum",
        lift=0.2,
        texture="felt",
    )
    tread = part(*path("-40 88!, 0 88.6, 40 87!, 37 92, 0 92.4, -36 92.6"), paint="dark", lift=0)
    front = part(
        *path("14 84!, 9.6 73, 12 67.6, 20 66.6, 29 71.4, 36 82.6!"),
        lift=0.4,
        volume=0.8,
    )
    middle = part(
        *path("-9 84!, -14 71, -11.4 63, -2 60.4, 7 65, 12.6 84!"),
        lift=0.4,
        volume=0.8,
    )
    far = part(
        *path("-13 66!, -8 61, 2 60.6, 8 65, 20 66, 30 72!, 20 74, 0 72"),
        paint="inside",
        lift=0,
    )
    shapes: Shapes = [tread, bed, far, middle, front]
    for x, y in ((-2.4, 71.4), (20.6, 74.6)):
        shapes.append(
            band(
                (x - 4.5, y - 3.4), (x - 0.5, y), (x + 4, y + 5), width=3.4, paint="edge", lift=0.25
            )
        )
        shapes.append(Part(outline=ribbon(box(x, y - 2.4, 4.4, 5), 0.9), paint="brass", lift=0.35))
    return shapes
