"""Measure what decoding a photo costs a new process: `python -m tests.helpers.worst_photo FILE`.

`--crop x,y,w,h` decodes a part. Prints CPU time and memory as JSON, as :func:`cost` returns them.
"""

from __future__ import annotations

import argparse
import io
import json
import subprocess
import sys
import time
from pathlib import Path

from PIL import Image

from tests.helpers.worst_photos import yardstick
from visualsearch.photos.decode import Limits, open_photo
from visualsearch.photos.format_limits import with_heic

ROOT = Path(__file__).resolve().parents[2]


def cost(data: bytes, crop: str | None, folder: Path) -> dict[str, float]:
    """Measure what a photo costs, in a new process.

    Return ``seconds`` of processor time; ``times`` that of decoding a plain photo of 12 megapixels
    in full in the same process; ``megabytes`` by which the process grew at most.
    """
    path = folder / "photo"
    path.write_bytes(data)
    command = [sys.executable, "-m", "tests.helpers.worst_photo", str(path)]
    command += ["--crop", crop] if crop else []
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    found: dict[str, float] = json.loads(run.stdout)
    return found


def decode_in_full(data: bytes) -> None:
    """Decode every pixel at full size."""
    Image.open(io.BytesIO(data)).load()


def memory(name: str) -> float:
    """Return a figure of ``/proc/self/status`` in MB."""
    status = Path("/proc/self/status").read_text("ascii")
    return int(next(line for line in status.splitlines() if line.startswith(name)).split()[1]) / 1e3


def main() -> None:
    """Decode the photo and the plain one three times in turns; print the fastest of each."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.helpers.worst_photo", description=__doc__
    )
    parser.add_argument("file", type=Path)
    parser.add_argument("--crop", help="x,y,w,h in fractions of the photo")
    args = parser.parse_args()
    data, plain = args.file.read_bytes(), yardstick()
    crop = tuple(float(part) for part in args.crop.split(",")) if args.crop else None
    limits = Limits(formats=with_heic())
    photo_seconds, plain_seconds, megabytes = [], [], 0.0
    for turn in range(3):
        Path("/proc/self/clear_refs").write_text("5", "ascii")  # resets the peak
        before, start = memory("VmRSS"), time.process_time()
        open_photo(data, limits=limits, crop=crop)  # type: ignore[arg-type]
        photo_seconds.append(time.process_time() - start)
        if turn == 0:  # later turns reuse freed memory
            megabytes = memory("VmHWM") - before
        start = time.process_time()
        decode_in_full(plain)
        plain_seconds.append(time.process_time() - start)
    seconds, yard = min(photo_seconds), min(plain_seconds)
    print(json.dumps({"seconds": seconds, "times": seconds / yard, "megabytes": megabytes}))


if __name__ == "__main__":
    main()
