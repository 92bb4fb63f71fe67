"""The kinds of picture that are read, and how large one of each may be.

A baseline JPEG is scaled while it is decoded, so one of 50 megapixels is little work. The others
are decoded in full, and some decoders keep several copies: their ceilings are where the worst file
still takes less than a second of one core and less than 300 MB (benchmarks/worst_photos.py).
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache

from PIL import Image, features

# Pillow loads most decoders at the first file that needs them, but not those named in `formats`.
Image.init()


@dataclass(frozen=True, kw_only=True)
class Format:
    """``name``: as people say; at most so many ``megapixels`` and ``bytes``, whatever else is
    allowed; ``suffixes`` of its files.
    """

    name: str
    suffixes: tuple[str, ...]
    megapixels: float = math.inf
    bytes: float = math.inf


# By the names that Pillow has for them. A phone's JPEG with several pictures inside is opened as
# JPEG too, though Pillow calls it MPO.
FORMATS = {
    "JPEG": Format(name="JPEG", suffixes=(".jpg", ".jpeg")),
    "PNG": Format(name="PNG", suffixes=(".png",), megapixels=30),
    "WEBP": Format(name="WebP", suffixes=(".webp",), megapixels=16),
    "GIF": Format(name="GIF", suffixes=(".gif",)),
    "BMP": Format(name="BMP", suffixes=(".bmp",)),
    "AVIF": Format(name="AVIF", suffixes=(".avif",), megapixels=16),
    "HEIF": Format(name="HEIC", suffixes=(".heic", ".heif"), megapixels=25, bytes=8_000_000),
}
# Of JPEG, those that are decoded in full: progressive ones.
FULL_JPEG = 30
# Of HEIC, those that keep the colour of every pixel, which no camera does.
FULL_HEIC = 16

# What is read unless HEIC is switched on.
USUAL = tuple(
    name for name in FORMATS if name != "HEIF" and (name != "AVIF" or features.check("avif"))
)


def names(formats: Iterable[str]) -> str:
    """Formats as people read them."""
    return ", ".join(FORMATS[each].name for each in formats)


@cache
def with_heic() -> tuple[str, ...]:
    """What is read where HEIC is switched on; ImportError without the package pillow-heif."""
    import pillow_heif

    # What is searched for is what is seen: a thumbnail inside may show anything. A web process
    # answers several customers at once, each on one core.
    pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)
    return (*USUAL, "HEIF")
