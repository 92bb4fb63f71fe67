"""Use files whose end is missing, such as interrupted uploads, if most of the picture is there."""

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..exceptions import ImageCorrupt
from .file_structure import (
    ALONE,
    FRAMES,
    PROGRESSIVE,
    START_OF_SCAN,
    jpeg_segments,
    png_chunks,
)

# Least share of rows that must be there. Photos cut past 80 % of their bytes have at least 60 % of
# their rows, because their lower part often has less detail.
LEAST_SHARE = 0.55
END, PNG_END = b"\xff\xd9", b"IEND\xaeB`\x82"
# Frequencies of brightness that a progressive JPEG must have for all rows, and at least for some.
LOWEST, ALL = frozenset(range(3)), frozenset(range(64))
# Bytes that take the place of what is missing. 0xFF would start a marker.
FILLER = np.random.default_rng(0).integers(0, 255, 4096, np.uint8).tobytes()
# Bits of a pixel's channel are in byte 24 of a PNG; channels by its colour type, in byte 25.
CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
# Bytes to decompress at a time.
PIECE = 1 << 20


def truncated(source: Image.Image, data: bytes, side: int) -> Image.Image:
    """Return the image of a file whose end is missing; what is missing has any colour.

    ``source``: the opened file, whose ``load()`` has failed; ``data``: its bytes; ``side``: as for
    ``draft()``. Raises ImageCorrupt for another damage, or if too many rows are missing.
    """
    if source.format in ("JPEG", "MPO"):
        return truncated_jpeg(data, side)
    if source.format == "PNG" and png_share(data) >= LEAST_SHARE and source.im is not None:
        source.tile = []  # type: ignore[attr-defined]  # keep the rows that are decoded
        return source
    raise ImageCorrupt


def truncated_jpeg(data: bytes, side: int) -> Image.Image:
    """Return the image of a JPEG whose end is missing.

    It is decoded twice, with different bytes in place of the end. The rows that are the same were
    in the file. A progressive JPEG has all rows, but a part of their detail, early in the file.
    Raises ImageCorrupt as :func:`truncated` does.
    """
    rest = without_open_segment(data.rstrip(b"\xff"))
    scans = progressive_scans(rest)
    if scans and not has_frequencies(scans, ALL):
        raise ImageCorrupt
    if scans and has_frequencies(scans[:-1], LOWEST):
        return opened_jpeg(rest + END, side)
    image, other = (opened_jpeg(rest + filler + END, side) for filler in (b"", FILLER))
    same = (np.asarray(image) == np.asarray(other)).reshape(image.height, -1).all(axis=1)
    if same.all() or same.argmin() >= LEAST_SHARE * image.height:
        return image
    raise ImageCorrupt


def without_open_segment(data: bytes) -> bytes:
    """Return a JPEG without its last segment if that is incomplete."""
    end = len(data)
    for marker, place in jpeg_segments(data):
        size = int.from_bytes(data[place : place + 2], "big")
        if marker not in ALONE and place + max(2, size) > end:
            return data[: place - 2]
    return data


@dataclass(frozen=True, kw_only=True)
class Scan:
    """The header of a scan of a progressive JPEG: components, and first and last frequency."""

    components: bytes
    first: int
    last: int


def progressive_scans(data: bytes) -> list[Scan]:
    """Return the scans of a progressive JPEG, [] for another JPEG."""
    scans, progressive = [], False
    for marker, place in jpeg_segments(data):
        if marker in FRAMES:
            progressive = marker in PROGRESSIVE
        elif marker == START_OF_SCAN and progressive:
            header = data[place + 2 : place + int.from_bytes(data[place : place + 2], "big")]
            if len(header) < 6:
                break
            ids = header[1 : 1 + 2 * header[0] : 2]
            scans.append(Scan(components=ids, first=header[-3], last=header[-2]))
    return scans


def has_frequencies(scans: Sequence[Scan], wanted: Set[int]) -> bool:
    """Return whether scans have some frequencies of brightness, 0 to 63, and colour.

    Brightness is the component of the first scan that comes first; colour is the lowest frequency
    of two others.
    """
    if not scans:
        return False
    brightness = scans[0].components[:1]
    known = {
        frequency
        for scan in scans
        if scan.components[:1] == brightness
        for frequency in range(scan.first, scan.last + 1)
    }
    colours = {each for scan in scans if scan.first == 0 for each in scan.components}
    return known >= wanted and len(colours) != 2


def opened_jpeg(data: bytes, side: int) -> Image.Image:
    """Return a decoded JPEG, scaled as :meth:`Image.draft` does; raise ImageCorrupt if it fails."""
    try:
        image = Image.open(io.BytesIO(data), formats=["JPEG"])
        image.draft(None, (side, side))
        image.load()
    except Exception as error:
        raise ImageCorrupt from error
    return image


def png_share(data: bytes) -> float:
    """Return the share of a PNG's rows that its compressed bytes contain.

    0 if it is interlaced, or if its end is there, so that the damage is elsewhere.
    """
    if data.endswith(PNG_END):
        return 0.0
    width, height, depth, colour, _, _, interlaced = struct.unpack_from(">IIBBBBB", data, 16)
    if interlaced or colour not in CHANNELS or not height:
        return 0.0
    row = 1 + -(-width * depth * CHANNELS[colour] // 8)
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
    return min(1.0, size // row / height)
