"""Random distortions that make a shop photo look as if taken by a phone; repeatable per photo."""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from . import distortions

CORNER = 0.15
LIGHT, CAST = 1.6, 1.25
BLUR = (1.0, 3.0)
KEPT = (0.5, 0.8)
SUBJECT = 0.6

Distort = Callable[[Image.Image, np.random.Generator, float], Image.Image]


def random_perspective(
    image: Image.Image, rng: np.random.Generator, strength: float
) -> Image.Image:
    """Move each corner by up to 15 % of the sides times ``strength``, 0…1.

    Pixels beyond the edges are the photo's mirror image.
    """
    size = np.array(image.size)
    reach = CORNER * strength * size
    pad = int(np.ceil(reach.max()))
    corners = np.array([(0, 0), (1, 0), (1, 1), (0, 1)]) * size
    seen = corners + rng.uniform(-1, 1, (4, 2)) * reach + pad
    return distortions.mirrored(image, pad).transform(
        image.size,
        Image.Transform.PERSPECTIVE,
        homography(corners, seen).tolist(),
        Image.Resampling.BICUBIC,
    )


def homography(here: NDArray[np.float64], there: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return Pillow's 8 coefficients of a projection of points ``here`` (4, 2) to ``there``.

    The coefficients a to h map (x, y) to (ax + by + c, dx + ey + f) / (gx + hy + 1).
    """
    rows = []
    for (x, y), (u, v) in zip(here, there, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -x * u, -y * u], [0, 0, 0, x, y, 1, -x * v, -y * v]]
    return np.linalg.solve(np.array(rows, float), np.asarray(there, float).ravel())


def random_light(image: Image.Image, rng: np.random.Generator, strength: float) -> Image.Image:
    """Change brightness and contrast by a factor of up to 1.6, each channel by up to 1.25.

    ``strength``, 0…1, reduces the factors.
    """
    # Powers, so that halving is as likely as doubling.
    brighter, harder, *cast = rng.uniform(-strength, strength, 5)
    image = distortions.contrast(distortions.brightness(image, LIGHT**brighter), LIGHT**harder)
    pixels = np.asarray(image, np.float32) * CAST ** np.array(cast, np.float32)
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def random_blur(image: Image.Image, rng: np.random.Generator, strength: float) -> Image.Image:
    """Blur with a sigma of 1 to 3 pixels times ``strength``, 0…1.

    The pixels are those of the photo scaled to a shorter side of 256.
    """
    return distortions.blur(image, strength * rng.uniform(*BLUR))


def random_crop(image: Image.Image, rng: np.random.Generator, strength: float) -> Image.Image:
    """Crop a random place; the result is smaller than the photo.

    With ``strength`` 1 it has 50 to 80 % of the area, with 0 all of it.
    """
    width, height = distortions.scaled(image.size, 1 - strength * (1 - rng.uniform(*KEPT)))
    free = np.array([image.width - width, image.height - height])
    left, top = (free * rng.random(2)).round().astype(int).tolist()
    return image.crop((left, top, left + width, top + height))


def random_background(image: Image.Image, rng: np.random.Generator, strength: float) -> Image.Image:
    """Paste the photo into a drawn, busy background of its size.

    With ``strength`` 1 the photo covers 60 % of the area, with 0 all of it.
    """
    return distortions.clutter(image, 1 - strength * (1 - SUBJECT))


def all_at_once(image: Image.Image, rng: np.random.Generator, strength: float) -> Image.Image:
    """Apply all distortions, in the order in which light reaches a camera.

    ``strength``: of each, 0…1.
    """
    for distort in (random_background, random_perspective, random_crop, random_light, random_blur):
        image = distort(image, rng, strength)
    return image


# The distortions by name, with their strengths.
DISTORTIONS: dict[str, tuple[Distort, float]] = {
    "perspective": (random_perspective, 1),
    "light": (random_light, 1),
    "blur": (random_blur, 1),
    "crop": (random_crop, 1),
    "background": (random_background, 1),
    "all at half strength": (all_at_once, 0.5),
    "all at full strength": (all_at_once, 1),
}


def distorted(image: Image.Image, name: str) -> Image.Image:
    """Apply the distortion ``name`` of :data:`DISTORTIONS`, the same for a photo in every run."""
    rng = np.random.default_rng([zlib.crc32(image.tobytes()), zlib.crc32(name.encode())])
    distort, strength = DISTORTIONS[name]
    return distort(image, rng, strength)
