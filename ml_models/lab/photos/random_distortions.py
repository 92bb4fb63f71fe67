"""Random but repeatable distortions, from a shop's photo to one from a shopper's phone."""

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
    """Move each corner by up to ``CORNER × strength`` of the sides; mirror beyond the edges."""
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
    """Return Pillow's 8 coefficients of the projection of points (4, 2) ``here`` to ``there``.

    It is (ax + by + c) / (gx + hy + 1), (dx + ey + f) / (gx + hy + 1).
    """
    rows = []
    for (x, y), (u, v) in zip(here, there, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -x * u, -y * u], [0, 0, 0, x, y, 1, -x * v, -y * v]]
    return np.linalg.solve(np.array(rows, float), np.asarray(there, float).ravel())


def random_light(image: Image.Image, rng: np.random.Generator, strength: float) -> Image.Image:
    """Change brightness and contrast by up to ``LIGHT``, each channel by up to ``CAST``."""
    # Powers, so that halving is as likely as doubling.
    brighter, harder, *cast = rng.uniform(-strength, strength, 5)
    image = distortions.contrast(distortions.brightness(image, LIGHT**brighter), LIGHT**harder)
    pixels = np.asarray(image, np.float32) * CAST ** np.array(cast, np.float32)
    return Image.fromarray(pixels.round().clip(0, 255).astype(np.uint8))


def random_blur(image: Image.Image, rng: np.random.Generator, strength: float) -> Image.Image:
    """Blur with a sigma of ``BLUR × strength`` pixels at a shorter side of 256."""
    return distortions.blur(image, strength * rng.uniform(*BLUR))


def random_crop(image: Image.Image, rng: np.random.Generator, strength: float) -> Image.Image:
    """Crop to ``KEPT`` of the area, anywhere; at half strength half as much is lost."""
    width, height = distortions.scaled(image.size, 1 - strength * (1 - rng.uniform(*KEPT)))
    free = np.array([image.width - width, image.height - height])
    left, top = (free * rng.random(2)).round().astype(int).tolist()
    return image.crop((left, top, left + width, top + height))


def random_background(image: Image.Image, rng: np.random.Generator, strength: float) -> Image.Image:
    """Paste the photo at ``SUBJECT`` of the area into a busy scene."""
    return distortions.clutter(image, 1 - strength * (1 - SUBJECT))


def all_at_once(image: Image.Image, rng: np.random.Generator, strength: float) -> Image.Image:
    """Apply all distortions, in the order in which light reaches a camera."""
    for distort in (random_background, random_perspective, random_crop, random_light, random_blur):
        image = distort(image, rng, strength)
    return image


# How to distort, and how much.
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
    """Apply one of :data:`DISTORTIONS`, seeded by the photo and the name."""
    rng = np.random.default_rng([zlib.crc32(image.tobytes()), zlib.crc32(name.encode())])
    distort, strength = DISTORTIONS[name]
    return distort(image, rng, strength)
