"""Measure what colour profiles add to the decoding of a photo of 12 megapixels."""

from __future__ import annotations

import argparse
import time
from statistics import median
from typing import Any
from unittest.mock import patch

from PIL import Image

from benchmarks.photos.colours import PROFILES
from benchmarks.search.photos import SIZES, demo_scene
from benchmarks.search.report import table as markdown
from tests.helpers.pictures import encoded
from tests.helpers.profiles import cmyk_profile
from visualsearch.photos import colour
from visualsearch.photos.decode import open_photo

TARGETS = {"no profile": 0.1, "Display P3": 1.0, "CMYK": 5.0}


def files() -> dict[str, bytes]:
    """Return a JPEG of 12 megapixels of each kind."""
    photo = demo_scene(1).resize(SIZES["12"], Image.Resampling.LANCZOS)
    return {
        "no profile": encoded(photo, quality=88),
        "Display P3": encoded(photo, quality=88, icc_profile=PROFILES["Display P3"]),
        "CMYK": encoded(photo.convert("CMYK"), quality=88, icc_profile=cmyk_profile()),
    }


def milliseconds(data: bytes) -> float:
    """Decode a photo; return the processor time of this thread."""
    start = time.thread_time()
    open_photo(data)
    return (time.thread_time() - start) * 1000


def first_time(data: bytes) -> float:
    """Return the milliseconds of the first photo that has its profile."""
    colour.conversion.cache_clear()
    return milliseconds(data)


def compared(data: bytes, rounds: int) -> tuple[float, float, float]:
    """Decode a photo in turns with profiles and without.

    Return the median milliseconds without, the median of the differences, and what the first photo
    with this profile costs besides.
    """

    def ignored(*_: Any) -> None:
        return None

    without, more = [], []
    first = min(first_time(data) for _ in range(3))
    for _ in range(rounds):
        with patch("visualsearch.photos.decode.colours_of", ignored):
            without.append(milliseconds(data))
        more.append(milliseconds(data) - without[-1])
    return median(without), median(more), max(0.0, first - median(without) - median(more))


def table(args: argparse.Namespace) -> int:
    """Print what each kind of profile adds."""
    rows = []
    for name, data in files().items():
        without, more, once = compared(data, args.rounds)
        cells = [f"{without:.1f}", f"{more:.2f}", f"{TARGETS[name]:g}", f"{once:.1f}"]
        rows.append([name, *cells])
    head = ["12 megapixels", "ms without profiles", "added ms", "goal", "ms once for each profile"]
    print(f"Processor time, median of {args.rounds} alternating pairs\n")
    print(markdown(head, rows))
    return 0
