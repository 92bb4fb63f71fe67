"""Check the structure of an image file before any decoder opens it.

Some small files keep a decoder busy for minutes: a JPEG with a thousand progressive scans, a PNG
with a million chunks. No camera writes them. This module counts such parts by walking from header
to header, without reading their content.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from ..exceptions import ImageCorrupt

# Most segments or chunks; encoders write up to 1,500 chunks of 8 kB.
MAX_PARTS = 20_000
# Most blocks of a GIF, each of up to 255 bytes.
MAX_BLOCKS = 100_000
# A progressive JPEG is decoded once per scan, usually 10 times. Most scans × megapixels, and a
# number of scans that is always allowed.
MAX_SCANNED, SCANS = 600, 16
# Most bytes of a run-length encoded BMP, which Pillow decodes run by run.
MAX_RUNS = 400_000

# Most stray bytes between a JPEG's segments before its first scan: Pillow reads them one by one.
MAX_BETWEEN = 100_000

START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# Within a scan, 0xFF is followed by 0 or by a restart marker.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# Markers without a length; markers of frames; those of progressive frames.
ALONE = {0x01, 0xD8}
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}


def check_structure(data: bytes) -> None:
    """Raise ImageCorrupt for a file that costs far more to decode than its size suggests.

    JPEG, PNG, GIF and BMP are checked. Decoders of other formats are not written in Python and read
    each pixel once.
    """
    if data.startswith(b"\xff\xd8\xff"):
        check_scans(data)
    elif data.startswith(b"\x89PNG\r\n\x1a\n"):
        count(png_chunks(data), MAX_PARTS)
    elif data.startswith(b"GIF8"):
        count(gif_blocks(data), MAX_BLOCKS)
    elif data.startswith(b"BM"):
        refuse(len(data) > MAX_RUNS and bmp_compression(data) in (1, 2))


def is_single_scan(data: bytes) -> bool:
    """Return whether a JPEG has a single, non-progressive scan, so decoding can downscale it."""
    frame = Frame()
    for marker, place in jpeg_segments(data):
        if marker in FRAMES:
            frame = Frame(data[place : place + 8], progressive=marker in PROGRESSIVE)
        elif marker == START_OF_SCAN:
            return not frame.progressive and data[place + 2 : place + 3] == frame.components
    return False


def check_scans(data: bytes) -> None:
    """Raise ImageCorrupt for a JPEG with too many scans for its size.

    The check ends early at a non-progressive scan of all components, because no other scan follows
    it.
    """
    scans, frame = 0, Frame()
    for marker, place in jpeg_segments(data):
        if marker in FRAMES:
            frame = Frame(data[place : place + 8], progressive=marker in PROGRESSIVE)
        elif marker == START_OF_SCAN:
            scans += 1
            refuse(scans > max(SCANS, MAX_SCANNED / max(frame.megapixels, 0.1)))
            if not frame.progressive and data[place + 2 : place + 3] == frame.components:
                return


def refuse(condition: bool) -> None:
    """Raise ImageCorrupt if the condition holds."""
    if condition:
        raise ImageCorrupt


def count(parts: Iterator[object], most: int) -> None:
    """Raise ImageCorrupt if ``parts`` yields more than ``most`` parts."""
    refuse(any(number >= most for number, _ in enumerate(parts)))


class Frame:
    """The fields of a JPEG's frame header (size, components, progressive).

    A truncated header is padded with zeros.
    """

    def __init__(self, header: bytes = b"", *, progressive: bool = True):
        header = header.ljust(8, b"\0")
        height, width = struct.unpack_from(">HH", header, 3)
        self.megapixels = width * height / 1e6
        self.components = header[7:8]
        self.progressive = progressive


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield marker and content offset of each segment, up to the end of the first picture.

    Raises ImageCorrupt for too many segments, or too many bytes between segments.
    """
    place, between, scan = 2, 0, False
    for _ in range(MAX_PARTS):
        found = MARKER.search(data, place)
        between += 0 if scan else (found.start() if found else len(data)) - place
        refuse(between > MAX_BETWEEN)
        if found is None:
            return
        marker, place = data[found.end() - 1], found.end()
        scan = scan or marker == START_OF_SCAN
        yield marker, place
        if marker == END_OF_IMAGE:
            return
        if marker not in ALONE:
            place += int.from_bytes(data[place : place + 2], "big")
    raise ImageCorrupt


def png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield the type of each chunk of a PNG, and the offsets of its content's start and end."""
    place = 8
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        yield kind, place + 8, place + 8 + length
        place += 12 + length


def gif_blocks(data: bytes) -> Iterator[int]:
    """Yield the offset of each block and sub-block of a GIF, up to its second picture's end."""
    place, pictures = 13 + colours(data[10:11]), 0
    while place < len(data) and pictures < 2:
        yield place
        kind = data[place : place + 1]
        if kind == b",":
            pictures += 1
            place += 10 + colours(data[place + 9 : place + 10]) + 1
        elif kind == b"!":
            place += 2
        else:
            return
        while place < len(data) and (length := data[place]):
            yield place
            place += 1 + length
        place += 1


def colours(flags: bytes) -> int:
    """Return the size in bytes of the colour table that a GIF's flags declare; 0 without one."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def bmp_compression(data: bytes) -> int:
    """Return a BMP's compression: 0 none, 1 and 2 run-length encoding of 8 and 4 bits.

    Headers of 12 bytes have no such field and count as 0.
    """
    if len(data) < 34 or int.from_bytes(data[14:18], "little") < 40:
        return 0
    return int.from_bytes(data[30:34], "little")
