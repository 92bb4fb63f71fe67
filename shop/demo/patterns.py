"""Fabric patterns as seamless coloured tiles, drawn at twice a picture's resolution."""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from .colours import RGB, shaded
from .fabric import Floats, noise, planes

Draw = ImageDraw.ImageDraw
Painter = Callable[[Draw, float, RGB, RGB], None]


def mixed(a: RGB, b: RGB, share: float) -> RGB:
    red, green, blue = (round(p + (q - p) * share) for p, q in zip(a, b, strict=True))
    return red, green, blue


def stripes(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    draw.rectangle((0, 0, 9 * s, 3 * s), fill=second)


def wide_stripes(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    draw.rectangle((0, 0, 22 * s, 10.5 * s), fill=second)


def pinstripes(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    draw.rectangle((0, 0, 0.5 * s, 5 * s), fill=mixed(main, second, 0.8))


def candy_stripes(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    draw.rectangle((0, 0, 1.9 * s, 5 * s), fill=second)


def gingham(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    half = mixed(main, second, 0.5)
    draw.rectangle((0, 0, 3 * s, 6 * s), fill=half)
    draw.rectangle((0, 0, 6 * s, 3 * s), fill=half)
    draw.rectangle((0, 0, 3 * s, 3 * s), fill=second)


def tartan(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    size = round(20 * s)
    across = Image.new("L", (size, size), 0)
    pen = ImageDraw.Draw(across)
    for start, width, share in ((0, 7, 165), (9.2, 1.2, 120), (12, 4, 95), (17.6, 0.9, 130)):
        pen.rectangle((start * s, 0, (start + width) * s, size), fill=share)
    for mask in (across, across.transpose(Image.Transpose.ROTATE_90)):
        weave = mask.point([value * 2 // 3 for value in range(256)])
        draw.bitmap((0, 0), weave, fill=second)
    light = mixed(main, (250, 240, 220), 0.75)
    draw.rectangle((10.4 * s, 0, 10.9 * s, size), fill=light)
    draw.rectangle((0, 8.7 * s, size, 9.2 * s), fill=light)


def windowpane(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    line = mixed(main, second, 0.75)
    draw.rectangle((0, 0, 0.7 * s, 12 * s), fill=line)
    draw.rectangle((0, 0, 12 * s, 0.7 * s), fill=line)


def dots(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    for x, y in ((2, 2), (5.5, 5.5)):
        draw.ellipse(((x - 1.05) * s, (y - 1.05) * s, (x + 1.05) * s, (y + 1.05) * s), fill=second)


def big_dots(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    for x, y in ((3.5, 3.5), (10.5, 10.5)):
        draw.ellipse(((x - 2.5) * s, (y - 2.5) * s, (x + 2.5) * s, (y + 2.5) * s), fill=second)


def houndstooth(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    step = 0.5 * s
    for y in range(8):
        for x in range(8):
            thread = x if (x + y) % 4 < 2 else y  # a twill of four dark and four light threads
            if thread < 4:
                draw.rectangle((x * step, y * step, (x + 1) * step, (y + 1) * step), fill=second)


def chevron(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    for top in (-6, 0, 6):
        upper = [(0, top), (4, top + 4), (8, top)]
        lower = [(8, top + 2.6), (4, top + 6.6), (0, top + 2.6)]
        draw.polygon([(x * s, y * s) for x, y in upper + lower], fill=second)


def _around(size: float, reach: float, x: float, y: float) -> list[tuple[float, float]]:
    """Return where to draw a shape so that parts beyond an edge reappear at the opposite one."""
    return [
        (x + dx, y + dy)
        for dx in (-size, 0.0, size)
        for dy in (-size, 0.0, size)
        if -reach < x + dx < size + reach and -reach < y + dy < size + reach
    ]


def _petal(x: float, y: float, angle: float, length: float, width: float) -> NDArray[np.float64]:
    t = np.linspace(0, 1, 9)
    out = np.stack([t * length, np.sin(t * np.pi) ** 0.8 * width], axis=1)
    leaf = np.concatenate([out, out[::-1] * (1, -1)])
    turn = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    return leaf @ turn + (x, y)


def _flower(draw: Draw, s: float, x: float, y: float, size: float, turn: float, c: RGB) -> None:
    for petal in range(5):
        angle = turn + petal * 2 * np.pi / 5
        tone = shaded(c, 1.0 - 0.05 * (petal % 3))
        draw.polygon([tuple(p * s) for p in _petal(x, y, angle, size, size * 0.42)], fill=tone)
    heart = size * 0.26
    corners = ((x - heart) * s, (y - heart) * s, (x + heart) * s, (y + heart) * s)
    draw.ellipse(corners, fill=(240, 196, 84))


def _scatter(size: float, gap: float, count: int, seed: int) -> list[tuple[float, float]]:
    """Return random positions at least `gap` apart on a tile that wraps around."""
    rng = np.random.default_rng(seed)
    places: list[tuple[float, float]] = []
    for x, y in rng.random((400, 2)) * size:
        away = [
            np.hypot((x - a + size / 2) % size - size / 2, (y - b + size / 2) % size - size / 2)
            for a, b in places
        ]
        if len(places) < count and (not away or min(away) > gap):
            places.append((float(x), float(y)))
    return places


def floral(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    rng = np.random.default_rng(11)
    leaf = mixed((74, 122, 78), main, 0.18)
    tones = (second, mixed(second, (250, 240, 235), 0.45), shaded(second, 0.82))
    for number, (x, y) in enumerate(_scatter(30, 4.6, 26, 5)):
        size, turn = 1.5 + 1.5 * (number % 3 == 0) + 0.5 * rng.random(), rng.random() * 6
        for px, py in _around(30, 6, x, y):
            for side in (0.4, 2.4):
                stem = _petal(px, py, turn + side, size * 1.75, size * 0.3)
                draw.polygon([tuple(point * s) for point in stem], fill=leaf)
            _flower(draw, s, px, py, size, turn, tones[number % 3])


def leaves(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    rng = np.random.default_rng(3)
    tones = (second, mixed(second, main, 0.35), shaded(second, 0.75))
    for number, (x, y) in enumerate(_scatter(36, 7.5, 18, 8)):
        turn = rng.random() * 6.3
        for px, py in _around(36, 12, x, y):
            for frond in range(9):
                stem = np.array([np.cos(turn), -np.sin(turn)]) * frond * 1.1 + (px, py)
                long = 4.4 * np.sin(0.5 + frond * 0.27)
                for side in (-1, 1):
                    shape = _petal(stem[0], stem[1], turn + side * (1.05 - frond * 0.08), long, 0.5)
                    draw.polygon([tuple(point * s) for point in shape], fill=tones[number % 3])


def specks(draw: Draw, s: float, main: RGB, second: RGB) -> None:
    rng = np.random.default_rng(4)
    for number, (x, y) in enumerate(_scatter(20, 1.7, 70, 6)):
        tone = second if number % 3 else mixed(main, (250, 250, 250), 0.6)
        turn, size = rng.random() * 6.3, 0.6 + 0.5 * rng.random()
        for px, py in _around(20, 3, x, y):
            shape = _petal(px, py, turn, size * 1.6, size * 0.45)
            draw.polygon([tuple(point * s) for point in shape], fill=tone)


# name: (period in units, painter)
PAINTERS: dict[str, tuple[float, Painter]] = {
    "stripes": (7.0, stripes),
    "wide stripes": (21.0, wide_stripes),
    "pinstripes": (3.4, pinstripes),
    "candy stripes": (3.8, candy_stripes),
    "gingham": (6.0, gingham),
    "tartan": (20.0, tartan),
    "windowpane": (11.0, windowpane),
    "dots": (7.0, dots),
    "big dots": (14.0, big_dots),
    "houndstooth": (4.0, houndstooth),
    "chevron": (8.0, chevron),
    "floral": (30.0, floral),
    "leaves": (36.0, leaves),
    "specks": (20.0, specks),
}


def camouflage(size: int, main: RGB, second: RGB) -> Image.Image:
    rng = np.random.default_rng(21)
    tile = np.empty((size, size, 3), np.uint8)
    tile[:] = main
    for tone in (second, shaded(main, 0.55), mixed(main, (214, 200, 160), 0.55)):
        tile[noise(rng, (size, size), size / 22, size / 32) > 0.75] = tone
    return Image.fromarray(tile)


@lru_cache(maxsize=96)
def tile(pattern: str, main: RGB, second: RGB, scale: float) -> tuple[Floats, float]:
    """Return a tile, float32 (3, n, n), and its pixels per unit (about twice `scale`)."""
    period, painter = PAINTERS.get(pattern, (48.0, None))
    size = max(8, round(period * scale * 2))
    if painter:
        image = Image.new("RGB", (size, size), main)
        painter(ImageDraw.Draw(image), size / period, main, second)
    else:
        image = camouflage(size, main, second)
    # Blur by about one picture pixel, so that nearest-neighbour sampling does not alias.
    wrapped = Image.fromarray(np.pad(np.asarray(image), ((4, 4), (4, 4), (0, 0)), mode="wrap"))
    soft = wrapped.filter(ImageFilter.GaussianBlur(0.9)).crop((4, 4, size + 4, size + 4))
    return planes(soft), size / period
