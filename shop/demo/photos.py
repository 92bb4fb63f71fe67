"""Draw customer photos: crumpled garments at home, taken in a hurry with a phone."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from PIL import Image, ImageFilter

from .backgrounds import BACKGROUNDS, background
from .fabric import Floats, merged, plane, planes
from .garments import garment
from .geometry import fit
from .look import Look
from .products import CATEGORIES, Product, product, products
from .render import Mood, draw_shapes
from .shapes import all_points
from .studio import jpeg

EACH = 4  # photos per kind of product
GARMENT = (480, 600)  # canvas of a garment before it is placed in a photo, pixels
SIZES = ((720, 960), (480, 640), (600, 800), (640, 640), (540, 720), (800, 600), (600, 800))
LARGE = (1200, 1600)
ORIENTATION_TAG = 0x0112
ROTATED = 6  # EXIF: rotate by 90° clockwise to display


@dataclass(frozen=True, kw_only=True)
class Photo:
    """One photo: what it shows, where, and how it was taken."""

    name: str
    sku: str
    place: str  # one of BACKGROUNDS
    size: tuple[int, int]  # upright width and height, pixels
    seed: int
    fill: float  # share of the photo's height or width that the garment takes
    turn: float  # degrees
    tilt: float  # most that a corner moves, as a share of the garment's size
    shift: tuple[float, float]  # offset of the garment from the centre, shares of the photo
    warmth: float  # -1 (blue) to 1 (orange)
    exposure: float  # factor
    blur: float  # pixels on a photo 600 wide
    grain: float  # standard deviation, on a scale of 0 to 255
    quality: int
    orientation: int = 1

    @property
    def product(self) -> Product:
        return product(self.sku)


# The photo for a first search: a printed dress that differs from its style's others by colour.
SAMPLE = Photo(
    name="query-01.jpg",
    sku="DR0504-NAVC",
    place="wood",
    size=(720, 960),
    seed=101,
    fill=0.86,
    turn=-7,
    tilt=0.05,
    shift=(0.01, 0.0),
    warmth=0.25,
    exposure=1.0,
    blur=0.4,
    grain=4,
    quality=84,
)


def _taken(number: int, one: Product) -> Photo:
    """Return a photo with settings derived from its number."""
    rng = np.random.default_rng([2024, number])
    places = list(BACKGROUNDS)
    size = LARGE if number % 14 == 5 else SIZES[number % len(SIZES)]
    lying = one.kind not in {"shoes", "hat"}
    if lying and size[0] > size[1]:
        size = size[::-1]  # garments laid flat are taken upright
    least = 0.72 if lying else 0.88
    cropped = number % 6 == 3  # the garment extends beyond the photo
    return Photo(
        name=f"query-{number:02d}.jpg",
        sku=one.sku,
        place=places[number % len(places)],
        size=size,
        seed=1000 + number,
        fill=float(rng.uniform(1.08, 1.2) if cropped else rng.uniform(least, 0.97)),
        turn=float(rng.uniform(-24, 24) if lying else rng.uniform(-9, 9)),
        tilt=float(rng.uniform(0.02, 0.1)),
        shift=(float(rng.uniform(-0.05, 0.05)), float(rng.uniform(-0.05, 0.06))),
        warmth=float(rng.uniform(-0.7, 0.9)),
        exposure=float(rng.uniform(0.74, 1.16)),
        blur=float(rng.choice([0.3, 0.5, 0.8, 1.3])),
        grain=float(rng.uniform(2, 9)),
        quality=int(rng.integers(50, 86)),
        orientation=ROTATED if number in {8, 23} else 1,
    )


@lru_cache(maxsize=1)
def photos() -> tuple[Photo, ...]:
    """Return every customer photo, the sample first; the same on every call."""
    chosen = [SAMPLE]
    number = 1
    for step in range(EACH):
        for kind in CATEGORIES:
            these = [one for one in products() if one.kind == kind and one.sku != SAMPLE.sku]
            number += 1
            chosen.append(_taken(number, these[(step * len(these)) // EACH + step % 3]))
    return tuple(chosen)


def homography(source: Sequence[Sequence[float]], target: Sequence[Sequence[float]]) -> list[float]:
    """Return Pillow's eight perspective coefficients, which map target points to source points."""
    rows, values = [], []
    for (u, v), (x, y) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
        values += [u, v]
    return [round(float(n), 12) for n in np.linalg.solve(np.array(rows), np.array(values))]


def crumpled(photo: Photo) -> Image.Image:
    """Draw the garment alone, more crumpled than in the studio, RGBA."""
    shapes = garment(photo.product)
    width, height = (GARMENT[0] * 3 // 2, GARMENT[1] * 3 // 2) if photo.size == LARGE else GARMENT
    frame = fit(all_points(shapes), width, height, fill=0.94)
    stiff = photo.product.kind in {"shoes", "hat"}
    mood = Mood(seed=photo.seed, crumple=1.0 if stiff else 2.0, wobble=0.5 if stiff else 1.3)
    image = draw_shapes(shapes, Look(photo.product), frame, mood).image()
    return image.crop(image.getbbox())


def placed_garment(photo: Photo) -> Image.Image:
    """Draw the garment turned, tilted and in its place, RGBA of the photo's size."""
    image = crumpled(photo)
    rng = np.random.default_rng(photo.seed)
    (width, height), (w, h) = photo.size, image.size
    scale = photo.fill * min(width / w, height / h)
    corners = np.array([[-w, -h], [w, -h], [w, h], [-w, h]]) / 2 * scale
    corners += rng.uniform(-photo.tilt, photo.tilt, (4, 2)) * (w * scale, h * scale)
    angle = np.radians(photo.turn)
    cos, sin = np.cos(angle), np.sin(angle)
    centre = np.array([width * (0.5 + photo.shift[0]), height * (0.5 + photo.shift[1])])
    target = corners @ np.array([[cos, sin], [-sin, cos]]) + centre
    numbers = homography([(0, 0), (w, 0), (w, h), (0, h)], target.tolist())
    return image.transform(
        photo.size, Image.Transform.PERSPECTIVE, numbers, Image.Resampling.BILINEAR
    )


def _with_shadow(photo: Photo, ground: Floats, alpha: Image.Image) -> Floats:
    """Darken the background beside the garment and under its edge."""
    unit = photo.size[0] / 600
    small = alpha.reduce(4)
    rng = np.random.default_rng(photo.seed + 1)
    away = (int(rng.integers(-5, 6) * unit), int(rng.integers(2, 6) * unit))
    far = Image.new("L", small.size)
    far.paste(small, away)
    near = small.filter(ImageFilter.GaussianBlur(1.3 * unit)).resize(alpha.size)
    far = far.filter(ImageFilter.GaussianBlur(3.4 * unit)).resize(alpha.size)
    dark = 0.34 * np.asarray(near, np.float32) + 0.38 * np.asarray(far, np.float32)
    return (ground * (1 - dark / 255)).astype(np.float32)


def _lamp(photo: Photo, scene: Floats) -> Floats:
    """Apply uneven light, colour temperature, exposure and vignetting."""
    rng = np.random.default_rng(photo.seed + 2)
    height, width = scene.shape[1:]
    x = np.linspace(-1, 1, width, dtype=np.float32)[None, :]
    y = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    slope_x, slope_y = (float(value) for value in rng.uniform(-0.13, 0.13, 2))
    light = (1 + slope_x * x + slope_y * y - 0.1 * (x * x + y * y) / 2) * photo.exposure
    tint = plane((1 + 0.09 * photo.warmth, 1.0, 1 - 0.13 * photo.warmth))
    return (scene * light * tint).astype(np.float32)


def customer_photo(photo: Photo) -> Image.Image:
    """Draw the photo upright, RGB of `photo.size`."""
    placed = placed_garment(photo)
    alpha = placed.getchannel("A")
    scene = _with_shadow(photo, background(photo.place, photo.size, photo.seed), alpha)
    scene += np.asarray(alpha, np.float32) / 255 * (planes(placed.convert("RGB")) - scene)
    image = merged(_lamp(photo, scene))
    image = image.filter(ImageFilter.BoxBlur(photo.blur * photo.size[0] / 600))
    rng = np.random.default_rng(photo.seed + 3)
    grain = rng.standard_normal((photo.size[1], photo.size[0]), dtype=np.float32) * photo.grain
    return merged(planes(image) + grain)


def photo_file(photo: Photo) -> bytes:
    """Return the photo as a phone stores it: JPEG, some rotated with an EXIF orientation tag."""
    image = customer_photo(photo)
    if photo.orientation != ROTATED:
        return jpeg(image, quality=photo.quality)
    exif = Image.Exif()
    exif[ORIENTATION_TAG] = ROTATED
    turned = image.transpose(Image.Transpose.ROTATE_90)
    return jpeg(turned, quality=photo.quality, exif=exif)
