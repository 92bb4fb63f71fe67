"""What a picture's file says of its own structure, looked at before a decoder is.

Some files of few bytes keep a decoder busy for minutes: a JPEG that is refined a thousand times, a
PNG of a million chunks. No camera writes them. They are counted here, by walking from part to part
without looking into any.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator

from .exceptions import ImageCorrupt

# Parts that are read one by one; encoders write up to 1,500 chunks of 8 kB.
MAX_PARTS = 20_000
# Of GIF they have 255 bytes each.
MAX_BLOCKS = 100_000
# A progressive JPEG is decoded once for each of its scans, usually 10. What they may cost in all:
# scans times megapixels; but so many are never too many.
MAX_SCANNED, SCANS = 600, 16
# Bytes of a run-length encoded BMP, which Pillow decodes run by run.
MAX_RUNS = 400_000

# Bytes between a JPEG's segments before its first scan, where none belong: Pillow takes them one by
# one.
MAX_BETWEEN = 100_000

START_OF_SCAN, END_OF_IMAGE = 0xDA, 0xD9
# Within a scan, 0xFF is followed by 0, or by the number of a restart.
MARKER = re.compile(rb"\xff[^\x00\xd0-\xd7\xff]")
# Markers without a length, and those of frames; four of those are progressive.
ALONE = {0x01, 0xD8}
FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}


def check_structure(data: bytes) -> None:
    """Raise ImageCorrupt for a file that would be much more work than its size says.

    Formats whose decoders are not written in Python and see each pixel once need no look.
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
    """Whether a JPEG is decoded from top to bottom, so that it can be scaled on the way."""
    frame = Frame()
    for marker, place in jpeg_segments(data):
        if marker in FRAMES:
            frame = Frame(data[place : place + 8], progressive=marker in PROGRESSIVE)
        elif marker == START_OF_SCAN:
            return not frame.progressive and data[place + 2 : place + 3] == frame.components
    return False


def check_scans(data: bytes) -> None:
    """Of a JPEG. One that is not progressive is mostly a single scan, and looked at no further."""
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
    """Raise ImageCorrupt where the condition holds."""
    if condition:
        raise ImageCorrupt


def count(parts: Iterator[object], most: int) -> None:
    """Raise ImageCorrupt where there are more parts than that."""
    refuse(any(number >= most for number, _ in enumerate(parts)))


class Frame:
    """What a JPEG's frame header says of the picture; of one that is cut off, nothing."""

    def __init__(self, header: bytes = b"", *, progressive: bool = True):
        header = header.ljust(8, b"\0")
        height, width = struct.unpack_from(">HH", header, 3)
        self.megapixels = width * height / 1e6
        self.components = header[7:8]
        self.progressive = progressive


def jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Marker and place of each segment up to the end of the first picture.

    Raises ImageCorrupt for too many of them, or too much between them.
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


def png_chunks(data: bytes) -> Iterator[bytes]:
    """The types of its chunks."""
    place = 8
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        yield kind
        place += 12 + length


def gif_blocks(data: bytes) -> Iterator[int]:
    """The places of its blocks and of the parts of each, up to the end of the second picture."""
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
    """Bytes of the colour table that a picture's or a GIF's flags announce."""
    return 3 << ((flags[0] & 7) + 1) if flags and flags[0] & 0x80 else 0


def bmp_compression(data: bytes) -> int:
    """0 for none, 1 and 2 for runs of 8 and 4 bits; headers of 12 bytes have no such field."""
    if len(data) < 34 or int.from_bytes(data[14:18], "little") < 40:
        return 0
    return int.from_bytes(data[30:34], "little")
