"""Decodes the photo in a file, and says what that cost: `python -m tests.worst_photo FILE [CROP]`.

Prints seconds of processor time and megabytes by which the process grew.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

from visualsearch.formats import with_heic
from visualsearch.photos import Limits, open_photo


def memory(name: str) -> float:
    """A figure of this process, in MB, as Linux gives it."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1]) / 1e3


def main() -> None:
    """Decode it."""
    data = Path(sys.argv[1]).read_bytes()
    crop = tuple(float(part) for part in sys.argv[2].split(",")) if sys.argv[2:] else None
    limits = Limits(formats=with_heic())
    Path("/proc/self/clear_refs").write_text("5", "ascii")  # the peak begins anew
    before, start = memory("VmRSS"), time.process_time()
    open_photo(data, limits=limits, crop=crop)  # type: ignore[arg-type]
    print(time.process_time() - start, memory("VmHWM") - before)


if __name__ == "__main__":
    main()
