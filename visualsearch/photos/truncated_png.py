"""Tell how many rows of a PNG are there if its end is missing."""

from __future__ import annotations

import struct
import zlib

from PIL import Image

from .file_structure import png_chunks

END = b"IEND\xaeB`\x82"
# Bits of a pixel's channel are in byte 24 of a PNG; channels by its colour type, in byte 25.
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Of each pass of a PNG: first column and row, and the steps to the next ones.
WHOLE = ((0, 0, 1, 1),)
PASSES = (
    (0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2),
    (0, 1, 1, 2),
)  # fmt: skip
# Bytes to decompress at a time.
PIECE = 1 << 20


def png_share(data: bytes) -> float:
    """Return the share of a PNG's rows that its compressed bytes contain.

    An interlaced one counts as complete without its last pass, which has every other row. 0 if the
    end of the file is there, so that the damage is elsewhere.
    """
    if data.endswith(END) or data[25] not in CHANNELS:
        return 0.0
    there, rows = rows_of_last_pass(data)
    if is_interlaced(data):
        return float(there >= 0)
    return max(0, there) / rows


def is_interlaced(data: bytes) -> bool:
    """Return whether a PNG has seven passes (Adam7)."""
    return data[28] != 0


def rows_of_last_pass(data: bytes) -> tuple[int, int]:
    """Return how many rows of a PNG's last pass are there, below 0 if an earlier row is missing.

    And how many it should have. A PNG that is not interlaced has one pass.
    """
    width, height, depth, colour = struct.unpack_from(">IIBB", data, 16)
    bits, left, count, size = depth * CHANNELS[colour], decompressed_size(data), 0, 1
    for x, y, across, down in PASSES if is_interlaced(data) else WHOLE:
        left -= count * size
        columns, count = -(-(width - x) // across), -(-(height - y) // down)
        size = 1 + -(-columns * bits // 8)
    return min(count, left // size), count


def decompressed_size(data: bytes) -> int:
    """Return how many bytes a PNG's pixels have, up to where the file ends or is damaged."""
    stream, size = zlib.decompressobj(), 0
    for kind, first, last in png_chunks(data):
        if kind != b"IDAT":
            continue
        waiting = data[first:last]
        try:
            while waiting:
                size += len(stream.decompress(waiting, PIECE))
                waiting = stream.unconsumed_tail
        except zlib.error:
            break
    return size


def fill_last_pass(image: Image.Image, data: bytes) -> None:
    """Fill the rows that the last pass of an interlaced PNG lacks with the rows above them."""
    if not is_interlaced(data):
        return
    there, _ = rows_of_last_pass(data)
    for row in range(2 * there + 1, image.height, 2):
        image.paste(image.crop((0, row - 1, image.width, row)), (0, row))
