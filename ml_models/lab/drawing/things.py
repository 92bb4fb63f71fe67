"""Cut things out of photos, and vary them at random."""

from __future__ import annotations

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from .cut_outs import cut_out
from .painting import Random, rounded

# Photos are read at this size; in a scene, a thing is smaller.
READ = 288
# Side of the square in which a blob is drawn.
BLOB = 400
RESAMPLE = Image.Resampling.BICUBIC


def thing_of(photo: Image.Image, label: str) -> Image.Image | None:
    """Cut the garment out of a photo that shows it alone, RGBA; None if that is not possible."""
    small = photo.convert("RGB")
    small.thumbnail((READ, READ), Image.Resampling.BOX, reducing_gap=2)
    cut = cut_out(small, label)
    if cut is None:
        return None
    pixels = np.dstack([cut.pixels, cut.alpha * 255]).clip(0, 255).round()
    return Image.fromarray(pixels.astype(np.uint8))


def varied(thing: Image.Image, rng: Random) -> Image.Image:
    """Return a thing, RGBA, in other light, sometimes in another colour, mirrored or turned."""
    alpha, image = thing.getchannel("A"), thing.convert("RGB")
    if rng.random() < 0.3:
        grey = np.asarray(image, np.float32).mean(2, keepdims=True)
        dyed = grey * rng.uniform(0.3, 1.3, 3)
        image = Image.fromarray(dyed.clip(0, 255).astype(np.uint8))
    image = relit(image, rng)
    image.putalpha(alpha)
    if rng.random() < 0.5:
        image = image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
    if rng.random() < 0.35:
        degrees = rng.uniform(-25, 25) if rng.random() < 0.8 else rng.uniform(0, 360)
        image = image.rotate(float(degrees), RESAMPLE, expand=True)
    return image.crop(image.getchannel("A").point(lambda value: 255 * (value > 100)).getbbox())


def relit(image: Image.Image, rng: Random) -> Image.Image:
    """Return an RGB image with another brightness, contrast and saturation."""
    for enhance in (ImageEnhance.Brightness, ImageEnhance.Contrast, ImageEnhance.Color):
        image = enhance(image).enhance(float(rng.uniform(0.75, 1.3)))
    return image


def blob(thing: Image.Image, rng: Random) -> Image.Image:
    """Return a smooth shape, RGBA, with the texture of a thing, and shaded like something round.

    Such shapes stand for things of unknown classes.
    """
    corners = int(rng.integers(5, 10))
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    far = 0.475 * BLOB * rng.uniform(0.5, 1, corners)
    middle, narrow = BLOB / 2, rng.uniform(0.35, 1)
    points = np.stack([middle + far * np.cos(turns), middle + far * np.sin(turns) * narrow], 1)
    mask = Image.new("L", (BLOB, BLOB))
    outline = rounded(points, 3).tolist()
    ImageDraw.Draw(mask).polygon([(x, y) for x, y in outline], fill=255)
    mask = mask.crop(mask.getbbox())
    width, height = thing.size
    inner = thing.convert("RGB").crop((width // 4, height // 4, width * 3 // 4, height * 3 // 4))
    y, x = np.mgrid[-1 : 1 : mask.height * 1j, -1 : 1 : mask.width * 1j]
    light = rng.uniform(0, 2 * np.pi)
    slope = x * np.cos(light) + y * np.sin(light) + 0.5 * (x * x + y * y)
    shade = 1 - 0.5 * rng.random() * slope
    pixels = np.asarray(inner.resize(mask.size), np.float32) * shade[..., None]
    made = Image.fromarray(pixels.clip(0, 255).astype(np.uint8))
    made.putalpha(mask)
    return made
