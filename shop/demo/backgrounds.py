"""Backgrounds of customer photos, such as floors, walls and lawns, drawn from noise."""

from collections.abc import Callable
from itertools import pairwise

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from .fabric import Floats, blurred, noise, planes

WIDTH, HEIGHT = 450, 600  # pixels; enlarging to the photo blurs it like a background

RGBFloats = Floats
Random = np.random.Generator


def _flat(colour: tuple[float, float, float]) -> RGBFloats:
    return np.full((HEIGHT, WIDTH, 3), colour, np.float32)


def wood(rng: Random) -> RGBFloats:
    """Draw vertical floor boards, each with its own tone and grain."""
    base = np.array([(176, 128, 82), (139, 98, 64), (201, 165, 120)][rng.integers(3)], np.float32)
    picture = _flat((0, 0, 0))
    boards = int(rng.integers(5, 8))
    edges = np.linspace(0, WIDTH, boards + 1).astype(int)
    for left, right in pairwise(edges):
        shape = (HEIGHT, right - left)
        grain = noise(rng, shape, 1.3, 60) * 0.055 + noise(rng, shape, 5, 140) * 0.05
        tone = float(rng.uniform(0.84, 1.1)) * (1 + grain)
        joint = int(rng.integers(60, HEIGHT - 60))
        tone[joint:] *= float(rng.uniform(0.9, 1.08))
        tone[joint - 1 : joint + 1] *= 0.55
        tone[:, :1] *= 0.5
        tone[:, 1:2] *= 0.8
        picture[:, left:right] = base * tone[..., None]
    return picture


def wall(rng: Random) -> RGBFloats:
    """Draw painted plaster above a skirting board and a strip of floor."""
    paints = [(214, 208, 196), (176, 188, 186), (208, 186, 170), (190, 196, 206)]
    shape = (HEIGHT, WIDTH)
    rough = noise(rng, shape, 60, 80) * 0.022 + noise(rng, shape, 1.2, 1.2) * 0.013
    picture = _flat(paints[rng.integers(4)]) * (1 + rough)[..., None]
    floor = int(HEIGHT * rng.uniform(0.84, 0.92))
    picture[floor - 34 : floor] = np.array((236, 233, 227), np.float32)
    picture[floor - 36 : floor - 34] *= 0.75
    ground = wood(rng)[: HEIGHT - floor]
    picture[floor:] = ground
    picture[floor : floor + 3] *= 0.6
    return picture


def grass(rng: Random) -> RGBFloats:
    """Draw a lawn of thousands of blades, later ones lighter."""
    image = Image.new("RGB", (WIDTH, HEIGHT), (58, 82, 38))
    pen = ImageDraw.Draw(image)
    count = 5200
    places = rng.random((count, 2)) * (WIDTH + 20, HEIGHT + 20) - 10
    leans, lengths = rng.normal(0, 5, count), rng.uniform(8, 22, count)
    light = np.linspace(0.6, 1.2, count)[:, None]
    tones = (rng.integers((70, 115, 40), (120, 160, 70), (count, 3)) * light).astype(int).tolist()
    for number in range(count):
        x, y = places[number]
        end = (x + leans[number], y - lengths[number])
        pen.line((x, y, *end), fill=tuple(tones[number]), width=2)
    picture = np.asarray(image.filter(ImageFilter.GaussianBlur(0.7)), np.float32)
    return picture * (1 + 0.1 * noise(rng, (HEIGHT, WIDTH), 40, 40))[..., None]


def linen(rng: Random) -> RGBFloats:
    """Draw a crumpled sheet, lit from the side."""
    sheets = [(232, 230, 226), (206, 216, 226), (226, 214, 202), (168, 178, 190)]
    shape = (HEIGHT, WIDTH)
    ridges = -np.abs(noise(rng, shape, 34, 80) + 0.5 * noise(rng, shape, 14, 22))
    small = -np.abs(noise(rng, shape, 60, 24)) * 0.5
    height = blurred((ridges + small).astype(np.float32), 4, 4) + 0.3 * noise(rng, shape, 70, 70)
    slope_y, slope_x = np.gradient(height)
    slope = slope_x + 0.6 * slope_y
    light = 1 - 0.075 * np.clip(slope / slope.std(), -2.2, 2.2)
    weave = 1 + 0.012 * noise(rng, shape, 0.7, 0.7)
    return _flat(sheets[rng.integers(4)]) * (light * weave * 0.97)[..., None]


def tiles(rng: Random) -> RGBFloats:
    """Draw floor tiles with grout lines, some a little darker."""
    tones = [(196, 190, 180), (150, 156, 160), (208, 196, 178)]
    step = int(rng.integers(85, 140))
    turned = Image.new("RGB", (900, 900), (120, 116, 110))
    pen = ImageDraw.Draw(turned)
    base = np.array(tones[rng.integers(3)])
    for y in range(0, 900, step):
        for x in range(0, 900, step):
            red, green, blue = (base * rng.uniform(0.9, 1.06)).astype(int).clip(0, 255).tolist()
            pen.rectangle((x + 2, y + 2, x + step - 2, y + step - 2), fill=(red, green, blue))
    angle = float(rng.choice([0, 45, 12]))
    view = turned.rotate(angle, Image.Resampling.BICUBIC)
    left, top = (900 - WIDTH) // 2, (900 - HEIGHT) // 2
    picture = np.asarray(view.crop((left, top, left + WIDTH, top + HEIGHT)), np.float32)
    stone = (
        noise(rng, (HEIGHT, WIDTH), 14, 14) * 0.025 + noise(rng, (HEIGHT, WIDTH), 1.5, 1.5) * 0.02
    )
    return picture * (1 + stone)[..., None]


def carpet(rng: Random) -> RGBFloats:
    """Draw a carpet of one colour with a striped border."""
    colours = [(122, 116, 112), (154, 128, 104), (84, 100, 116), (176, 168, 154)]
    shape = (HEIGHT, WIDTH)
    pile = noise(rng, shape, 1.4, 1.4) * 0.11 + noise(rng, shape, 26, 26) * 0.05
    picture = _flat(colours[rng.integers(4)])
    left = int(rng.integers(12, 40))
    for offset, width, tone in ((0, 16, 0.72), (24, 6, 1.22), (36, 5, 0.8)):
        picture[:, left + offset : left + offset + width] *= tone
    return picture * (1 + pile)[..., None]


def clutter(rng: Random) -> RGBFloats:
    """Draw a table with books, mugs, papers and a plant on it."""
    table = Image.fromarray(np.clip(wood(rng), 0, 255).astype(np.uint8))
    image = table.transpose(Image.Transpose.ROTATE_90).resize((WIDTH, HEIGHT))
    for _ in range(11):
        layer = Image.new("L", (WIDTH, HEIGHT), 0)
        pen = ImageDraw.Draw(layer)
        x, y = rng.uniform(-40, WIDTH - 20), rng.uniform(-40, HEIGHT - 20)
        wide, high = rng.uniform(45, 170, 2)
        if rng.random() < 0.4:
            pen.ellipse((x, y, x + wide * 0.7, y + wide * 0.7), fill=255)
        else:
            pen.rounded_rectangle((x, y, x + wide, y + high), radius=5, fill=255)
            layer = layer.rotate(float(rng.uniform(-40, 40)), center=(x + wide / 2, y + high / 2))
        shade = layer.filter(ImageFilter.GaussianBlur(7)).point(
            [value // 2 for value in range(256)]
        )
        image.paste((30, 22, 16), (4, 7), shade)
        red, green, blue = rng.integers(40, 235, 3).tolist()
        image.paste((red, green, blue), (0, 0), layer)
    return np.asarray(image.filter(ImageFilter.GaussianBlur(1.2)), np.float32)


def concrete(rng: Random) -> RGBFloats:
    """Draw bare, stained concrete with fine cracks."""
    shape = (HEIGHT, WIDTH)
    stain = noise(rng, shape, 50, 50) * 0.06 + noise(rng, shape, 9, 9) * 0.03
    grit = noise(rng, shape, 0.8, 0.8) * 0.05
    crack = np.abs(noise(rng, shape, 45, 45)) < 0.012
    return _flat((158, 156, 151)) * ((1 + stain + grit) * np.where(crack, 0.7, 1))[..., None]


BACKGROUNDS: dict[str, Callable[[Random], RGBFloats]] = {
    "wood": wood,
    "linen": linen,
    "grass": grass,
    "wall": wall,
    "tiles": tiles,
    "carpet": carpet,
    "clutter": clutter,
    "concrete": concrete,
}


def background(name: str, size: tuple[int, int], seed: int) -> Floats:
    """Return a background of ``size`` (width, height), float32 (3, h, w), 0 to 255."""
    drawn = BACKGROUNDS[name](np.random.default_rng(seed))
    image = Image.fromarray(np.clip(drawn, 0, 255).astype(np.uint8))
    if size[0] > size[1]:
        image = image.transpose(Image.Transpose.ROTATE_90)
    share = max(size[0] / image.width, size[1] / image.height)
    whole = (int(np.ceil(image.width * share)), int(np.ceil(image.height * share)))
    return planes(image.resize(whole, Image.Resampling.BICUBIC).crop((0, 0, *size)))
