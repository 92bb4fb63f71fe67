"""Read the frame sizes inside an AVIF, its colours and its crop from its boxes.

A decoder reports the picture size that the container declares, but decodes the frames before it
compares the two. An AVIF of 2 kB that declared 640 × 480, with a frame of 12,000 × 12,000 inside,
used 524 MB.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator

from ..exceptions import ImageCorrupt
from .av1 import SequenceHeader, sequence_headers

# (offset, length) of each extent.
Extents = list[tuple[int, int]]

# Boxes that contain the boxes on the path to the first sample of a track.
INSIDE = (b"trak", b"mdia", b"minf", b"stbl")
# Limits. A camera's picture is a grid of about 60 items with a few parts each.
MAX_ITEMS, MAX_EXTENTS = 2_000, 16


def largest_frame(data: bytes) -> int:
    """Return the pixels (width × height) of the largest frame in an AVIF file.

    Raises ImageCorrupt if no frame size can be read.
    """
    try:
        return max(header.pixels for header in headers(data))
    except (IndexError, ValueError) as error:
        raise ImageCorrupt from error


def headers(data: bytes) -> Iterator[SequenceHeader]:
    """Yield the sequence headers of all pictures in an AVIF file.

    Raises ValueError or IndexError for a malformed file.
    """
    for kind, start, end in top_boxes(data):
        if kind == b"meta":
            for item in items(data, start + 4, end):
                yield from sequence_headers(item)
        elif kind == b"moov":
            for sample in first_samples(data, start, end):
                yield from sequence_headers(sample)


def colour_codes(data: bytes) -> tuple[int, int] | None:
    """Return the codes (ITU-T H.273) of primaries and transfer of an AVIF; None without any.

    They are those of the first property ``colr`` with the type ``nclx``, or else those in the first
    sequence header that has some.
    """
    for name, first, last in properties(data):
        if name == b"colr" and data[first : first + 4] == b"nclx" and last - first > 7:
            return number(data, first + 4, 2), number(data, first + 6, 2)
    try:
        return next((header.codes for header in headers(data) if header.codes), None)
    except (IndexError, ValueError):
        return None


def clean_aperture(data: bytes, size: tuple[int, int]) -> tuple[int, int, int, int] | None:
    """Return the part of an AVIF to show: left, top, right, bottom in pixels, before it is turned.

    ``size``: of the decoded image. None without a property ``clap``, or if that names no part of
    the image (ISO 14496-12, 12.1.4).
    """
    for name, first, last in properties(data):
        if name != b"clap" or last - first < 32:
            continue
        box = []
        for place, whole in enumerate(size):
            side, offset = (signed_fraction(data, first + start + 8 * place) for start in (0, 16))
            low = (whole - side) / 2 + offset
            if not (0 < side <= whole and -0.5 <= low <= whole - side + 0.5):
                return None
            box.append((round(max(0.0, low)), round(min(whole, low + side))))
        (left, right), (top, bottom) = box
        return left, top, right, bottom
    return None


def signed_fraction(data: bytes, place: int) -> float:
    """Return numerator divided by denominator, each of four bytes; NaN for a denominator of 0."""
    above, below = struct.unpack_from(">ii", data, place)
    return above / below if below else math.nan


def properties(data: bytes) -> list[tuple[bytes, int, int]]:
    """Return the boxes of the properties of a file's primary picture, [] if they cannot be read."""
    try:
        for kind, start, end in top_boxes(data):
            if kind != b"meta":
                continue
            inner = {name: (first, last) for name, first, last in boxes(data, start + 4, end)}
            place = inner[b"pitm"][0]
            primary = number(data, place + 4, 2 if data[place] == 0 else 4)
            held = {name: (first, last) for name, first, last in boxes(data, *inner[b"iprp"])}
            listed = list(boxes(data, *held[b"ipco"]))
            return [
                listed[index - 1]
                for item, indices in associations(data, *held[b"ipma"])
                for index in indices
                if item == primary and 0 < index <= len(listed)
            ]
    except (IndexError, KeyError, ValueError):
        pass
    return []


def associations(data: bytes, start: int, end: int) -> Iterator[tuple[int, list[int]]]:
    """Yield the id of each item in an ``ipma`` box, and the numbers of its properties, from 1.

    Raises ValueError for too many items.
    """
    version, wide = data[start], 2 if data[start + 3] & 1 else 1
    count, place = number(data, start + 4, 4), start + 8
    if count > MAX_ITEMS:
        raise ValueError(count)
    for _ in range(count):
        size = 2 if version == 0 else 4
        item, place = number(data, place, size), place + size
        length, place = data[place], place + 1
        found = [number(data, place + wide * n, wide) for n in range(length)]
        yield item, [each & ((1 << (8 * wide - 1)) - 1) for each in found]
        place += wide * length


def top_boxes(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the boxes of a file as :func:`boxes` does; bytes after them that are no box end it."""
    try:
        yield from boxes(data, 0, len(data))
    except ValueError:
        return


def boxes(data: bytes, start: int, end: int) -> Iterator[tuple[bytes, int, int]]:
    """Yield type, start and end of each box's content between two offsets.

    A box is a part of the container with a length and a type. Raises ValueError for an invalid
    length.
    """
    while start + 8 <= end:
        size, kind, head = number(data, start, 4), data[start + 4 : start + 8], 8
        if size == 1:
            size, head = number(data, start + 8, 8), 16
        stop = start + size if size else end
        if stop > end or stop < start + head:
            raise ValueError(kind)
        yield kind, start + head, stop
        start = stop


def number(data: bytes, place: int, size: int) -> int:
    """Return the big-endian integer of ``size`` bytes at the offset ``place``.

    Raises IndexError past the end of the data.
    """
    if place + size > len(data):
        raise IndexError(place)
    return int.from_bytes(data[place : place + size], "big")


def items(data: bytes, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of each AV1 picture that a ``meta`` box (``start`` to ``end``) describes.

    Raises ValueError for a file that refers to far more bytes than it has.
    """
    inner = {kind: (first, last) for kind, first, last in boxes(data, start, end)}
    pictures = set(av1_items(data, *inner.get(b"iinf", (0, 0))))
    store, seen = inner.get(b"idat", (0, 0)), 0
    known: set[tuple[int, tuple[tuple[int, int], ...]]] = set()
    for item, method, extents in locations(data, *inner.get(b"iloc", (0, 0))):
        if item not in pictures:
            continue
        if method > 1:
            raise ValueError("a picture inside of pictures")
        if (method, tuple(extents)) in known:  # cells of a grid may share their bytes
            continue
        known.add((method, tuple(extents)))
        base, limit = store if method else (0, len(data))
        parts = [
            data[base + offset : min(limit, base + offset + length) if length else limit]
            for offset, length in extents
        ]
        seen += sum(map(len, parts))
        if seen > 2 * len(data):
            raise ValueError("the same bytes again and again")
        yield b"".join(parts)


def av1_items(data: bytes, start: int, end: int) -> Iterator[int]:
    """Yield the ids of the AV1 pictures that an ``iinf`` box (``start`` to ``end``) lists."""
    if start == end:
        return
    for kind, first, _ in boxes(data, start + (6 if data[start] == 0 else 8), end):
        if kind == b"infe":
            wide = 2 if data[first] < 3 else 4
            if data[first + 6 + wide : first + 10 + wide] == b"av01":
                yield number(data, first + 4, wide)


def locations(
    data: bytes, start: int, end: int
) -> Iterator[tuple[int, int, list[tuple[int, int]]]]:
    """Yield id, construction method and extents of each item in an ``iloc`` box.

    An extent is an (offset, length) of bytes; a length of 0 extends to the end. Raises ValueError
    for too many items or extents.
    """
    if start == end:
        return
    version, sizes = data[start], number(data, start + 4, 2)
    offset_size, length_size, base_size = sizes >> 12, sizes >> 8 & 15, sizes >> 4 & 15
    index_size = sizes & 15 if version else 0
    wide = 4 if version > 1 else 2
    count, place = number(data, start + 6, wide), start + 6 + wide
    if count > MAX_ITEMS:
        raise ValueError(count)
    for _ in range(count):
        item, place = number(data, place, wide), place + wide
        method = number(data, place, 2) & 15 if version else 0
        place += 4 if version else 2
        base, place = number(data, place, base_size), place + base_size
        extents, place = number(data, place, 2), place + 2
        if extents > MAX_EXTENTS:
            raise ValueError(extents)
        found = []
        for _ in range(extents):
            place += index_size
            offset = base + number(data, place, offset_size)
            found.append((offset, number(data, place + offset_size, length_size)))
            place += offset_size + length_size
        yield item, method, found


def first_samples(data: bytes, start: int, end: int) -> Iterator[bytes]:
    """Yield the bytes of the first frame of each track in a ``moov`` box (``start`` to ``end``)."""
    table: dict[bytes, int] = {}
    for kind, first, last in boxes(data, start, end):
        if kind in INSIDE:
            yield from first_samples(data, first, last)
        table[kind] = first
    if b"stsz" in table and (b"stco" in table or b"co64" in table):
        wide = 4 if b"stco" in table else 8
        place = number(data, table[b"stco" if wide == 4 else b"co64"] + 8, wide)
        # One size for all samples, or 0 followed by a table of sizes.
        sizes = table[b"stsz"] + 4
        size = number(data, sizes, 4) or number(data, sizes + 8, 4)
        yield data[place : place + size]
