"""Draw the scenes in which people stand: streets, rooms and plain walls.

``ground``: row in pixels where the floor begins.
"""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .painting import Floats, Random, Size, noise

Colour = tuple[int, int, int]

STONES: list[Colour] = [
    (196, 184, 164), (168, 158, 148), (150, 92, 74), (206, 200, 190), (122, 124, 130),
    (216, 190, 150), (176, 176, 170),
]  # fmt: skip
PAINTS: list[Colour] = [
    (228, 224, 216), (204, 210, 206), (216, 196, 180), (178, 194, 204), (236, 232, 226),
    (150, 160, 150), (120, 128, 140), (222, 206, 200),
]  # fmt: skip
WOODS: list[Colour] = [(150, 112, 78), (184, 148, 108), (110, 84, 62), (170, 164, 156)]


def scene(rng: Random, size: Size, ground: float) -> Floats:
    """Return a random scene (h, w, 3), 0 to 255, blurred as if out of focus.

    ``size``: (width, height) in pixels. ``ground``: row where the floor begins.
    """
    place = (street, street, street, room, wall)[int(rng.integers(5))]
    small = (size[0] // 2, size[1] // 2)
    image = Image.new("RGB", small)
    place(rng, image, int(ground / 2))
    # The background is out of focus.
    image = image.filter(ImageFilter.GaussianBlur(float(rng.uniform(0.2, 2.2)) * size[0] / 320))
    pixels = np.asarray(image.resize(size, Image.Resampling.BILINEAR), np.float32)
    grain = 1 + 0.012 * noise(rng, size, (size[0] // 3, size[1] // 3))
    return pixels * (grain + 0.05 * noise(rng, size, (4, 5)))[..., None]


def near(rng: Random, colour: Colour, by: int = 18) -> Colour:
    """Return a random RGB colour near this one; brightness changes by up to ``by``, hue less."""
    # Brightness varies more than hue.
    moved = rng.integers(-by, by + 1) + rng.integers(-by // 3, by // 3 + 1, 3)
    red, green, blue = (np.array(colour) + moved).clip(0, 255).tolist()
    return red, green, blue


def any_colour(rng: Random) -> Colour:
    """Return a random RGB colour, seldom a bright one."""
    pure = rng.integers(20, 230, 3)
    share = rng.uniform(0.15, 0.9) ** 1.5
    mixed = share * pure + (1 - share) * (pure.mean() + rng.normal(0, 6, 3))
    red, green, blue = mixed.clip(0, 255).astype(int).tolist()
    return red, green, blue


def pick(rng: Random, colours: list[Colour]) -> Colour:
    """Return one of the colours, slightly changed at random."""
    return near(rng, colours[int(rng.integers(len(colours)))])


def gradient(image: Image.Image, top: int, bottom: int, upper: Colour, lower: Colour) -> None:
    """Fill the rows ``top`` to ``bottom`` with a gradient from colour ``upper`` to ``lower``."""
    if bottom > top:
        share = np.linspace(0, 1, bottom - top)[:, None]
        rows = np.array(upper) * (1 - share) + np.array(lower) * share
        strip = Image.fromarray(rows.astype(np.uint8)[:, None])
        image.paste(strip.resize((image.width, bottom - top)), (0, top))


def street(rng: Random, image: Image.Image, ground: int) -> None:
    """Paint a street onto the image: sky, houses, pavement, perhaps trees, a car or people.

    ``ground``: row where the pavement begins.
    """
    width, height = image.size
    pen = ImageDraw.Draw(image)
    skies: list[Colour] = [(150, 186, 224), (214, 220, 226), (232, 226, 214), (110, 150, 200)]
    gradient(image, 0, ground, pick(rng, skies), (236, 236, 232))
    x = -int(rng.integers(0, 30))
    while x < width:
        across = int(rng.integers(width // 4, width))
        top = int(rng.integers(-height // 2, height // 4))
        stone = pick(rng, STONES)
        pen.rectangle((x, top, x + across, ground), fill=stone)
        windows(rng, pen, (x, max(top, -20), x + across, ground), stone)
        x += across
    for _ in range(int(rng.integers(0, 3))):
        tree(rng, pen, int(rng.integers(0, width)), ground)
    if rng.random() < 0.35:
        car(rng, pen, int(rng.integers(-20, width)), ground, width)
    for _ in range(int(rng.integers(0, 4))):
        passer_by(rng, pen, int(rng.integers(0, width)), ground, height)
    pave(rng, image, ground)


def windows(rng: Random, pen: ImageDraw.ImageDraw, wall: tuple[int, ...], stone: Colour) -> None:
    """Draw rows of windows, and perhaps a shop window at the bottom.

    ``wall``: left, top, right, bottom of the house. ``stone``: the house's colour.
    """
    left, top, right, bottom = wall
    step = int(rng.integers(16, 34))
    tall = int(step * rng.uniform(0.9, 1.7))
    glass, frame = near(rng, (84, 96, 110), 40), near(rng, stone, 40)
    for y in range(top + 6, bottom - tall, int(tall * 1.4)):
        for x in range(left + 5, right - step // 2, step):
            pen.rectangle((x - 1, y - 1, x + step // 2 + 1, y + tall + 1), fill=frame)
            pen.rectangle((x, y, x + step // 2, y + tall), fill=glass)
    if rng.random() < 0.5:
        high = int(rng.integers(30, 60))
        pen.rectangle((left + 4, bottom - high, right - 4, bottom - 5), fill=any_colour(rng))
        inner = (left + 7, bottom - high + 8, right - 7, bottom - 6)
        if inner[2] > inner[0]:
            pen.rectangle(inner, fill=near(rng, (70, 74, 80), 40))


def tree(rng: Random, pen: ImageDraw.ImageDraw, x: int, ground: int) -> None:
    """Draw a tree whose trunk stands at column ``x``, with its foot at row ``ground``."""
    pen.rectangle((x - 3, ground - 80, x + 3, ground), fill=near(rng, (84, 66, 50)))
    green = pick(rng, [(92, 122, 64), (70, 96, 52), (150, 130, 60)])
    for _ in range(14):
        dx, dy, radius = rng.integers(-26, 27), rng.integers(-120, -60), rng.integers(8, 20)
        centre = x + int(dx), ground + int(dy)
        pen.ellipse(box_around(centre, int(radius), int(radius)), fill=near(rng, green, 22))


def box_around(centre: tuple[int, int], across: int, down: int) -> tuple[int, int, int, int]:
    """Return (left, top, right, bottom) around a centre; ``across`` and ``down``: half the size."""
    return centre[0] - across, centre[1] - down, centre[0] + across, centre[1] + down


def car(rng: Random, pen: ImageDraw.ImageDraw, x: int, ground: int, width: int) -> None:
    """Draw a car from the side.

    ``x``: its left edge; ``ground``: row of its lower edge; ``width``: the picture's width; in
    pixels.
    """
    long, paint = int(width * rng.uniform(0.5, 0.9)), any_colour(rng)
    high = long // 5
    pen.polygon(
        [(x + long // 5, ground - high), (x + long // 3, ground - 2 * high),
         (x + 3 * long // 4, ground - 2 * high), (x + 9 * long // 10, ground - high)],
        fill=(60, 70, 80),
    )  # fmt: skip
    pen.rounded_rectangle((x, ground - high, x + long, ground), radius=5, fill=paint)
    for wheel in (x + long // 5, x + 4 * long // 5):
        pen.ellipse(box_around((wheel, ground), high // 2, high // 2), fill=(26, 26, 28))


def passer_by(rng: Random, pen: ImageDraw.ImageDraw, x: int, ground: int, height: int) -> None:
    """Draw a distant person.

    ``x``: column; ``ground``: row where the floor begins; ``height``: the picture's height; in
    pixels.
    """
    high = int(height * rng.uniform(0.18, 0.4))
    top, across = ground + 6 - high, high // 8
    skin = pick(rng, [(222, 186, 156), (140, 100, 72), (84, 60, 46)])
    pen.rectangle((x - across // 2, top + high // 2, x + across // 2, top + high), (40, 42, 52))
    box = (x - across, top + high // 7, x + across, top + high * 4 // 7)
    pen.rounded_rectangle(box, radius=max(1, across // 2), fill=any_colour(rng))
    pen.ellipse(box_around((x, top + high // 14), high // 18, high // 14), fill=skin)


def pave(rng: Random, image: Image.Image, ground: int) -> None:
    """Draw a pavement of slabs or asphalt in perspective, from row ``ground`` down."""
    width, height = image.size
    tone = pick(rng, [(150, 148, 144), (184, 176, 164), (104, 106, 110), (168, 140, 122)])
    gradient(image, ground, height, near(rng, tone, 10), near(rng, tone, 22))
    pen = ImageDraw.Draw(image)
    if rng.random() < 0.65:
        seam = near(rng, (int(tone[0] * 0.8), int(tone[1] * 0.8), int(tone[2] * 0.8)), 6)
        middle, count = int(rng.integers(0, width)), int(rng.integers(7, 16))
        for k in range(-count, count + 1):
            pen.line((middle + k * 12, ground, middle + k * 60, height), fill=seam)
        y, step = float(ground), 2.5
        while y < height:
            pen.line((0, int(y), width, int(y)), fill=seam)
            y, step = y + step, step * 1.35
    if rng.random() < 0.4:
        pen.rectangle((0, ground, width, ground + 3), fill=near(rng, (190, 188, 182)))


def room(rng: Random, image: Image.Image, ground: int) -> None:
    """Paint a room: a wall with a door, pictures, a shelf or a curtain, and a floor.

    ``ground``: row where the floor begins.
    """
    width = image.width
    paint = pick(rng, PAINTS)
    gradient(image, 0, ground, near(rng, paint, 8), paint)
    pen = ImageDraw.Draw(image)
    for _ in range(int(rng.integers(1, 5))):
        x, y = int(rng.integers(-20, width)), int(rng.integers(0, ground // 2 + 1))
        across, down = int(rng.integers(18, 60)), int(rng.integers(20, 70))
        pen.rectangle((x - 2, y - 2, x + across + 2, y + down + 2), fill=pick(rng, WOODS))
        pen.rectangle((x, y, x + across, y + down), fill=any_colour(rng))
    if rng.random() < 0.5:
        x = int(rng.integers(-30, width))
        pen.rectangle((x, ground // 6, x + 60, ground), fill=pick(rng, [*WOODS, (240, 238, 234)]))
        pen.ellipse(box_around((x + 54, (ground + ground // 6) // 2), 2, 2), fill=(200, 180, 90))
    if rng.random() < 0.4:
        curtain, x = any_colour(rng), int(rng.integers(-20, width))
        for k in range(8):
            fold = near(rng, curtain, 12)
            pen.rectangle((x + 6 * k, 0, x + 6 * k + 5, ground - 4), fill=fold)
    if rng.random() < 0.4:
        seat, x = any_colour(rng), int(rng.integers(-40, width - 20))
        pen.rounded_rectangle((x, ground - 46, x + 90, ground + 8), radius=8, fill=seat)
        pen.rounded_rectangle((x, ground - 22, x + 90, ground + 12), 6, near(rng, seat, 20))
    pen.rectangle((0, ground - 5, width, ground), fill=near(rng, (236, 234, 228), 10))
    floor(rng, image, ground)


def floor(rng: Random, image: Image.Image, ground: int) -> None:
    """Draw a floor of boards, or a plain one, from row ``ground`` down."""
    width, height = image.size
    tone = pick(rng, WOODS)
    gradient(image, ground, height, near(rng, tone, 8), tone)
    if rng.random() < 0.6:
        pen = ImageDraw.Draw(image)
        middle = int(rng.integers(0, width))
        for k in range(-12, 13):
            pen.line((middle + k * 14, ground, middle + k * 44, height), fill=near(rng, tone, 30))


def wall(rng: Random, image: Image.Image, ground: int) -> None:
    """Paint a plain wall or a studio backdrop, with or without an edge at the floor.

    ``ground``: row where the floor begins.
    """
    paint = pick(rng, [*PAINTS, *STONES])
    gradient(image, 0, ground, near(rng, paint, 10), paint)
    same = rng.random() < 0.5
    gradient(image, ground, image.height, paint if same else pick(rng, WOODS), near(rng, paint, 20))
