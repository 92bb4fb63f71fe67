"""Cut things out of photos, and vary them at random."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance

from .bodies import draw_head
from .cut_outs import SIDE, enlarged, mask_of, plausible
from .painting import Random, rounded
from .person import SIZE, draw_below, draw_lower, draw_upper, stand

# Photos are read at this size; in a scene, a thing is smaller.
READ = 288
# Side of the square in which a blob is drawn.
BLOB = 400
RESAMPLE = Image.Resampling.BICUBIC


@dataclass(frozen=True, kw_only=True)
class Thing:
    """A thing cut out of a photo: RGBA, and its box x, y, w, h in fractions of the photo."""

    image: Image.Image
    box: tuple[float, float, float, float]


def thing_of(photo: Image.Image, label: str) -> Thing | None:
    """Cut the garment out of a photo that shows it alone; None if that is not possible."""
    small = photo.convert("RGB")
    small.thumbnail((READ, READ), Image.Resampling.BOX, reducing_gap=2)
    tiny = small.copy()
    tiny.thumbnail((SIDE, SIDE), Image.Resampling.BOX)
    mask = mask_of(np.asarray(tiny, np.float32))
    if mask is None or not plausible(mask, label):
        return None
    cut = enlarged(small, mask)
    pixels = np.dstack([cut.pixels, cut.alpha * 255]).clip(0, 255).round()
    rows, columns = np.flatnonzero(mask.any(1)), np.flatnonzero(mask.any(0))
    (h, w), (top, left) = mask.shape, (int(rows[0]), int(columns[0]))
    box = (left / w, top / h, (int(columns[-1]) + 1 - left) / w, (int(rows[-1]) + 1 - top) / h)
    return Thing(image=Image.fromarray(pixels.astype(np.uint8)), box=box)


def worn_thing(rng: Random) -> tuple[str, Image.Image]:
    """Return the upper or lower half of a drawn person, RGBA, and the class of what it wears.

    Catalogs show garments like this.
    """
    canvas, someone = stand(rng, SIZE)
    before = canvas.pixels.copy()
    worn = draw_below(canvas, someone, rng)
    worn += draw_lower(canvas, someone, rng, len(worn))
    lower = len(worn)
    worn += draw_upper(canvas, someone, rng, lower)
    upper = len(worn)
    draw_head(canvas, someone, rng)
    alpha = (np.abs(canvas.pixels - before).max(2) > 1) * 255
    image = canvas.image().convert("RGB")
    image.putalpha(Image.fromarray(alpha.astype(np.uint8)))
    owner = upper if rng.random() < 0.6 else lower
    box = canvas.box_of(owner)
    if box is None:  # Wholly covered, as a top by a closed jacket.
        return worn_thing(rng)
    more = round((box[3] - box[1]) * float(rng.uniform(0, 0.25)))
    rows = (0, box[3] + more) if owner == upper else (box[1] - more, image.height)
    part = image.crop((0, max(0, rows[0]), image.width, min(image.height, rows[1])))
    return worn[owner - 1][0], part.crop(part.getchannel("A").getbbox())


def varied(thing: Image.Image, rng: Random) -> Image.Image:
    """Return a thing, RGBA, in other light and proportions, sometimes dyed, mirrored or turned."""
    alpha, image = thing.getchannel("A"), thing.convert("RGB")
    if rng.random() < 0.3:
        grey = np.asarray(image, np.float32).mean(2, keepdims=True)
        dyed = grey * rng.uniform(0.3, 1.3, 3)
        image = Image.fromarray(dyed.clip(0, 255).astype(np.uint8))
    image = relit(image, rng)
    image.putalpha(alpha)
    stretched = image.width * math.exp(rng.normal(-0.1, 0.3))
    image = image.resize((max(8, round(stretched)), image.height), RESAMPLE)
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
    """Return a smooth shape or a block, RGBA, shaded, with the texture of a thing.

    Such shapes stand for things of unknown classes.
    """
    corners = int(rng.integers(5, 10))
    turns = np.linspace(0, 2 * np.pi, corners, endpoint=False)
    far = 0.475 * BLOB * rng.uniform(0.5, 1, corners)
    middle, narrow = BLOB / 2, rng.uniform(0.35, 1)
    points = np.stack([middle + far * np.cos(turns), middle + far * np.sin(turns) * narrow], 1)
    mask = Image.new("L", (BLOB, BLOB))
    draw = ImageDraw.Draw(mask)
    if rng.random() < 0.3:
        box = (middle * (1 - narrow), 0, middle * (1 + narrow), BLOB)
        draw.rounded_rectangle(box, float(rng.uniform(0, BLOB * narrow / 2)), fill=255)
    else:
        draw.polygon([(x, y) for x, y in rounded(points, 3).tolist()], fill=255)
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
