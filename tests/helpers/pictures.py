"""Small pictures in memory for tests."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
from PIL import Image

COLOURS = {"red": (200, 30, 30), "green": (30, 180, 40), "blue": (30, 60, 200)}


def picture(seed: int = 0, size: tuple[int, int] = (96, 128)) -> Image.Image:
    """Return a smooth random picture (width, height) whose detail survives JPEG."""
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, (6, 5, 3), dtype=np.uint8)
    return Image.fromarray(coarse).resize(size, Image.Resampling.BICUBIC)


def plain(colour: str, size: tuple[int, int] = (64, 64)) -> Image.Image:
    """Return a picture of one colour, named as in :data:`COLOURS` or Pillow."""
    return Image.new("RGB", size, COLOURS.get(colour, colour))


def encoded(image: Image.Image, kind: str = "JPEG", **options: object) -> bytes:
    """Encode an image as the bytes of a file."""
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    """Return a PNG chunk with its checksum."""
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png_header_only(width: int, height: int) -> bytes:
    """Return a small black 1-bit PNG with large dimensions."""
    header = struct.pack(">IIBBBBB", width, height, 1, 0, 0, 0, 0)
    rows = zlib.compress(b"\0" * ((width + 7) // 8 + 1) * height, 9)
    return (
        b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")
    )


def difference(a: Image.Image, b: Image.Image) -> float:
    """Return the mean absolute difference of two images of one size, 0 to 255."""
    return float(np.abs(np.asarray(a, np.float32) - np.asarray(b, np.float32)).mean())
