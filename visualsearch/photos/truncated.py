"""Use files whose end is missing, such as interrupted uploads, if most of the picture is there."""

from __future__ import annotations

import io
from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np
from PIL import Image

from ..exceptions import ImageCorrupt
from .file_structure import (
    ALONE,
    END_OF_IMAGE,
    FRAMES,
    PROGRESSIVE,
    START_OF_SCAN,
    is_single_scan,
    jpeg_segments,
)
from .truncated_png import fill_last_pass, png_share

# Least share of rows that must be there. Photos cut past 80 % of their bytes have at least 60 % of
# their rows, because their lower part often has less detail.
LEAST_SHARE = 0.55
END = b"\xff\xd9"
# Frequencies of brightness that a progressive JPEG must have for all rows, and at least for some.
LOWEST, ALL = frozenset(range(3)), frozenset(range(64))
# What takes the place of missing bytes: noise with all restart markers, for files that have them.
NOISE = np.random.default_rng(0).integers(0, 255, (8, 512), np.uint8)  # 0xFF starts a marker
FILLER = b"".join(bytes([*row, 0xFF, 0xD0 + n]) for n, row in enumerate(NOISE))
# What libjpeg gives to a channel that is missing; an inverted one differs by 1.
GREY = (127, 128)


def truncated(source: Image.Image, data: bytes, side: int) -> Image.Image:
    """Return the image of a file whose end is missing; what is missing has any colour.

    ``source``: the opened file, whose ``load()`` has failed; ``data``: its bytes; ``side``: as for
    ``draft()``. Raises ImageCorrupt for another damage, or if too many rows are missing.
    """
    if source.format in ("JPEG", "MPO"):
        source.im = None  # type: ignore[assignment]  # free its memory
        return truncated_jpeg(data, side)
    if source.format == "PNG" and png_share(data) >= LEAST_SHARE and source.im is not None:
        source.tile = []  # type: ignore[attr-defined]  # keep the rows that are decoded
        fill_last_pass(source, data)
        return source
    raise ImageCorrupt


def truncated_jpeg(data: bytes, side: int) -> Image.Image:
    """Return the image of a JPEG whose end is missing.

    A progressive JPEG has all rows, but a part of their detail, early in the file. Raises
    ImageCorrupt as :func:`truncated` does.
    """
    rest = without_open_segment(data.rstrip(b"\xff"))
    scans = progressive_scans(rest)
    if scans and not has_frequencies(scans, ALL):
        raise ImageCorrupt
    all_rows = bool(scans) and has_frequencies(scans[:-1], LOWEST)
    if all_rows or share_of_rows(rest) >= LEAST_SHARE:
        return opened_jpeg(rest + END, side)
    raise ImageCorrupt


def share_of_rows(rest: bytes) -> float:
    """Return the share of a JPEG's rows that are in a file without end marker.

    It is decoded twice, at an eighth of its size, with different bytes in place of the end. The
    rows that are the same were in the file. Raises ImageCorrupt.
    """
    image, other = (np.asarray(opened_jpeg(rest + more + END, 1)) for more in (b"", FILLER))
    same = (image == other).reshape(len(image), -1).all(axis=1)
    return 1.0 if same.all() else float(same.argmin()) / len(image)


def is_closed_early(source: Image.Image, data: bytes) -> bool:
    """Return whether a decoded JPEG was cut and then given an end marker.

    The decoder fills missing rows with grey. So only a photo whose last pixel has this grey is
    decoded again. ``data``: the bytes of the file. Raises ImageCorrupt if too many rows are
    missing.
    """
    last = np.asarray(source.crop((source.width - 1, source.height - 1, *source.size)))
    if not np.isin(last, GREY).all() or not is_single_scan(data):
        return False
    ends = [place for marker, place in jpeg_segments(data) if marker == END_OF_IMAGE]
    share = share_of_rows(data[: ends[0] - 2].rstrip(b"\xff")) if ends else 1.0
    if share < LEAST_SHARE:
        raise ImageCorrupt
    return share < 1


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
