"""What Pillow lacks for reading PNGs: damaged comments, and one transparent grey or colour."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import numpy as np
from PIL import Image, ImageChops, PngImagePlugin

from .file_structure import png_chunks

SIGNATURE = b"\x89PNG\r\n\x1a\n"
# Texts, which may be longer than Pillow accepts.
TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# Bytes without which Pillow refuses the file.
LEAST_BYTES = {
    b"gAMA": 4,
    b"cHRM": 32,
    b"sRGB": 1,
    b"pHYs": 9,
    b"iCCP": 3,
    b"acTL": 8,
    b"fcTL": 26,
    b"fdAT": 4,
}
# Pixels to compare at a time.
STRIP = 1_000_000
# An ancillary chunk has a small first letter. Transparency changes how the picture looks.
ANCILLARY, NEEDED = 0x20, (b"tRNS",)


def without_comments(data: bytes) -> bytes:
    """Return a PNG without texts, huge profiles, and ancillary chunks that are short or damaged.

    The picture hardly depends on them, and Pillow would refuse the file. Returns other files
    unchanged.
    """
    if not data.startswith(SIGNATURE):
        return data
    kept, start = [], 0
    for kind, first, last in png_chunks(data):
        short = last - first < LEAST_BYTES.get(kind, 0)
        damaged = is_ancillary(kind) and (short or not is_intact(data, first, last))
        if kind in TEXTS or damaged or (kind == b"iCCP" and is_long(data[first:last])):
            kept.append(data[start : first - 8])
            start = last + 4
    return b"".join([*kept, data[start:]]) if kept else data


def is_long(profile: bytes) -> bool:
    """Return whether a compressed profile, after its name, has more bytes than Pillow accepts."""
    stream = zlib.decompressobj()
    try:
        stream.decompress(profile.partition(b"\0")[2][1:], PngImagePlugin.MAX_TEXT_CHUNK)
    except zlib.error:
        return True
    return bool(stream.unconsumed_tail)


def is_ancillary(kind: bytes) -> bool:
    """Return whether a picture can be decoded without a chunk of this type."""
    return bool(kind[0] & ANCILLARY) and kind not in NEEDED


def is_intact(data: bytes, first: int, last: int) -> bool:
    """Return whether the checksum of a chunk is right; ``first`` and ``last``: of its content."""
    checksum = int.from_bytes(data[last : last + 4], "big")
    return zlib.crc32(memoryview(data)[first - 4 : last]) == checksum


def scaled_transparency(data: bytes, mode: str, transparency: Any) -> Any:
    """Return the value of the transparent pixels in the range of a PNG's decoded pixels.

    Pillow scales grey pixels of 1, 2 and 4 bits to 8 bits, but not this value. ``mode``: of the
    decoded image.
    """
    depth = data[24]
    if mode == "L" and isinstance(transparency, int) and depth < 8:
        return transparency * 255 // (2**depth - 1)
    return transparency


def has_transparent_colour(image: Image.Image, data: bytes) -> bool:
    """Return whether an opened file is a PNG of 16-bit colours of which one is transparent."""
    deep = image.format == "PNG" and data[24:26] == bytes([16, 2])
    return deep and isinstance(image.info.get("transparency"), tuple)


def clear_colour(image: Image.Image, data: bytes) -> None:
    """Make the transparent colour of a decoded PNG transparent; see :func:`has_transparent_colour`.

    Pillow keeps the upper 8 of 16 bits, so the file is decoded again for the lower ones.
    """
    colour = image.info.pop("transparency")
    low = Image.open(io.BytesIO(data), formats=["PNG"])
    low.tile = [each._replace(args="RGB;16L") for each in low.tile]
    with suppress(OSError):  # a file whose end is missing
        low.load()
    low.tile = []
    alpha = Image.new("L", image.size, 255)
    rows = max(1, STRIP // image.width)
    for top in range(0, image.height, rows):
        box = (0, top, image.width, min(image.height, top + rows))
        upper = other_than([value >> 8 for value in colour], image.crop(box))
        alpha.paste(ImageChops.lighter(upper, other_than(colour, low.crop(box))), box)
    image.putalpha(alpha)


def other_than(colour: Iterable[int], image: Image.Image) -> Image.Image:
    """Return 255 where an RGB image differs from a colour, of which the lower 8 bits count, or 0.

    The result has the mode L.
    """
    table = [255 * (level != value & 255) for value in colour for level in range(256)]
    red, green, blue = image.point(table).split()
    return ImageChops.lighter(ImageChops.lighter(red, green), blue)


def with_transparent_grey(image: Image.Image, transparency: int) -> Image.Image:
    """Return a grey image of 16 bits as RGBA, with one value transparent."""
    values = np.asarray(image).astype(np.int64)
    grey = Image.fromarray((values >> 8).astype(np.uint8))
    alpha = Image.fromarray(np.where(values == transparency, 0, 255).astype(np.uint8))
    return Image.merge("RGBA", (grey, grey, grey, alpha))
