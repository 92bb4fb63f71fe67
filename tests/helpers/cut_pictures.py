"""Files that lack their end, as after an interrupted upload, and are used none the less."""

from __future__ import annotations

import struct
import zlib

import numpy as np

from tests.helpers.odd_pictures import shirt
from tests.helpers.pictures import chunk, encoded
from visualsearch.photos.truncated_png import PASSES


def interlaced(pixels: np.ndarray, depth: int, colour: int) -> bytes:
    """Return a PNG in the seven passes of Adam7; ``pixels``: (height, width, bytes of a pixel)."""
    rows = [
        b"\0" + row.tobytes() for x, y, across, down in PASSES for row in pixels[y::down, x::across]
    ]
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", *pixels.shape[1::-1], depth, colour, 0, 0, 1))
    body = chunk(b"IDAT", zlib.compress(b"".join(rows)))
    return b"\x89PNG\r\n\x1a\n" + head + body + chunk(b"IEND", b"")


def cut_pictures() -> dict[str, bytes]:
    """Return files of :func:`shirt` by name; most of it can be decoded from each."""
    jpeg, png = encoded(shirt(), quality=90), encoded(shirt(), "PNG")
    slow = encoded(shirt(), quality=90, progressive=True)
    passes = interlaced(np.asarray(shirt()), 8, 2)
    return {
        "JPEG without its end marker": jpeg[:-2],
        "JPEG, cut": part(jpeg, 0.95),
        "JPEG, cut and given an end marker": part(jpeg, 0.95) + b"\xff\xd9",
        "progressive JPEG, cut": part(slow, 0.95),
        "PNG, cut": part(png, 0.95),
        "interlaced PNG, cut": part(passes, 0.85),
    }


def part(data: bytes, share: float) -> bytes:
    """Return the first part of a file."""
    return data[: int(len(data) * share)]
