"""Pictures that tests make: small, in memory, different by their number."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

COLOURS = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (30, 60, 200)}


def picture(seed: int = 0, size: tuple[int, int] = (96, 128)) -> Image.Image:
    """A smooth random picture with detail that survives JPEG: (width, height)."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def plain(colour: str, size: tuple[int, int] = (64, 64)) -> Image.Image:
    """One colour of :data:`COLOURS`, or of Pillow."""
    return Image.new("RGB", size, COLOURS.get(colour, colour))


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """The file's bytes."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """A chunk of a PNG, with the checksum it must have."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header_only(width: int, height: int) -> bytes:
    """A PNG of few bytes that claims a large size: one row's worth of zeros, compressed."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((width + 7) // 8 + 1) * height, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def difference(a: Image.Image, b: Image.Image) -> float:
    """Mean absolute difference of two images of one size, in levels of 255."""
    return float(np.abs(np.asarray(a, np.float32) - np.asarray(b, np.float32)).mean())
