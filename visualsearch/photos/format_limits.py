"""Image formats that are read, and the size limits of each.

A baseline JPEG is downscaled while it is decoded, so one of 50 megapixels is little work. Other
formats are decoded in full, and some decoders hold several copies. Their limits are set so that
the worst file takes less than a second of one core and less than 300 MB
(benchmarks/worst_photos.py).
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
    """An image format with its own limits, besides those of the settings.

    ``name``: as shown to customers; ``suffixes``: endings of file names, with the dot;
    ``megapixels`` and ``bytes``: the most that is accepted, infinite if only the settings limit it.
    """

    name: str
    suffixes: tuple[str, ...]
    megapixels: float = math.inf
    bytes: float = math.inf


# By Pillow's names. A phone's JPEG with several pictures inside is opened as JPEG too, though
# Pillow then calls it MPO.
FORMATS = {
    "JPEG": Format(name="JPEG", suffixes=(".jpg", ".jpeg")),
    "PNG": Format(name="PNG", suffixes=(".png",), megapixels=30),
    "WEBP": Format(name="WebP", suffixes=(".webp",), megapixels=16),
    "GIF": Format(name="GIF", suffixes=(".gif",)),
    "BMP": Format(name="BMP", suffixes=(".bmp",)),
    "AVIF": Format(name="AVIF", suffixes=(".avif",), megapixels=14),
    # For catalogs only, by the setting CATALOG_FORMATS.
    "TIFF": Format(name="TIFF", suffixes=(".tif", ".tiff"), megapixels=50),
    "JPEG2000": Format(name="JPEG 2000", suffixes=(".jp2", ".j2k", ".jpx"), megapixels=30),
    "HEIF": Format(name="HEIC", suffixes=(".heic", ".heif"), megapixels=25, bytes=8_000_000),
}
# Most megapixels of a JPEG that must be decoded in full, such as a progressive one.
FULL_JPEG = 30
# Most megapixels of a PNG that must be decoded twice: 16-bit colours, one of them transparent.
TWICE_PNG = 15

# Formats that are read unless HEIC is switched on.
FOR_CATALOGS = ("TIFF", "JPEG2000")
USUAL = tuple(
    name
    for name in FORMATS
    if name not in ("HEIF", *FOR_CATALOGS) and (name != "AVIF" or features.check("avif"))
)


def names(formats: Iterable[str]) -> str:
    """Return the display names of formats (keys of :data:`FORMATS`), joined by commas."""
    return ", ".join(FORMATS[each].name for each in formats)


@cache
def with_heic() -> tuple[str, ...]:
    """Return the accepted formats including HEIC, and register its decoder.

    Raises ImportError without the package pillow-heif.
    """
    import pillow_heif

    # No thumbnails: an embedded one may show another picture. One thread, because a web process
    # already serves several requests at once.
    pillow_heif.register_heif_opener(thumbnails=False, decode_threads=1)
    return (*USUAL, "HEIF")
