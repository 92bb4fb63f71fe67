"""Estimate, from the header of a photo, what its decoding costs.

The figures are measured by benchmarks/worst_photos.py, on photos of noise, which cost most.
"""

from __future__ import annotations

from PIL import Image

from .file_structure import is_single_scan
from .png import has_transparent_colour

# Bytes of memory per pixel, by Pillow's name of the format. JPEG is scaled while it is decoded.
PER_PIXEL = {"PNG": 4.3, "WEBP": 16.5, "GIF": 1.1, "BMP": 4.3, "AVIF": 11.0, "TIFF": 8.5}
OTHERS = 8.5
# More for a PNG that is decoded twice.
TWICE = 5.2
# A scaled pixel of a JPEG, and a coefficient of a progressive one, which are kept for all pixels.
SCALED, COEFFICIENTS = 4.0, 2.0
# Copies of the bytes of a JPEG whose end is missing.
COPIES = 2
# What each photo takes besides its pixels.
LEAST = 8_000_000
# Of a HEIC, by "more than 8 bits" and chroma: bytes of memory per pixel, and processor time per
# megapixel in units in which a plain HEIC of 12 megapixels takes 1. Each MB of the file takes
# HEIC_PER_MB more.
HEIC = {
    (False, 420): (7.8, 0.030),
    (False, 422): (9.0, 0.042),
    (False, 444): (10.2, 0.048),
    (True, 420): (9.8, 0.088),
    (True, 422): (14.0, 0.115),
    (True, 444): (16.0, 0.165),
}
HEIC_PER_MB, HEIC_TIME = 0.15, 1.5


def memory_of(source: Image.Image, data: bytes, side: int) -> int:
    """Return the most bytes of memory that decoding an opened photo takes.

    ``data``: the bytes of the file; ``side``: pixels to which its shorter side may be shrunk.
    """
    pixels = source.width * source.height
    if source.format in ("JPEG", "MPO"):
        scale = next((n for n in (8, 4, 2) if min(source.size) // side >= n), 1)
        channels = len(source.getbands())
        kept = 0.0 if is_single_scan(data) else COEFFICIENTS * channels
        return LEAST + COPIES * len(data) + round(pixels * (SCALED / scale**2 + kept))
    if source.format == "HEIF":
        return LEAST + round(pixels * heic(source)[0])
    more = TWICE if has_transparent_colour(source, data) else 0.0
    return LEAST + round(pixels * (PER_PIXEL.get(source.format or "", OTHERS) + more))


def heic(source: Image.Image) -> tuple[float, float]:
    """Return the memory and the time of a HEIC, as in :data:`HEIC`; other kinds count as worst."""
    deep = source.info.get("bit_depth", 8) > 8
    return HEIC.get((deep, source.info.get("chroma", 444)), HEIC[deep, 444])


def most_megapixels_of_heic(source: Image.Image, size: int) -> float:
    """Return the most megapixels that a HEIC may have, so that it takes a bounded time.

    ``size``: bytes of the file.
    """
    left = HEIC_TIME - HEIC_PER_MB * size / 1e6
    return max(1.0, round(left / heic(source)[1], 1))
