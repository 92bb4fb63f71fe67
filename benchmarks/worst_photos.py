"""Measure what the most expensive photos within the limits cost to decode.

    python -m benchmarks.worst_photos [--name jpeg]

For each kind of photo it prints the file's MB, CPU seconds, their ratio to a plain 12-megapixel
photo decoded in full, and the growth of the process's memory. Then it prints the CPU seconds until
small files that would need excessive work are rejected.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.helpers.worst_photo import cost
from tests.helpers.worst_photos import CROPS, MUCH_WORK, WORST
from visualsearch.exceptions import ImageCorrupt
from visualsearch.photos.decode import open_photo
from visualsearch.photos.format_limits import with_heic


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.worst_photos",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--name", choices=sorted(WORST), action="append", help="only these kinds")
    return parser.parse_args()


def measure_photos(names: list[str]) -> None:
    """Print a table of decoding costs, a row for each of these kinds of photo."""
    print("| photo | MB | seconds | × a plain photo | memory, MB |\n|---|---|---|---|---|")
    with TemporaryDirectory() as folder:
        for name in names:
            data = WORST[name]()
            found = cost(data, CROPS.get(name), Path(folder))
            print(
                f"| {name} | {len(data) / 1e6:.1f} | {found['seconds']:.2f} | {found['times']:.1f}"
                f" | {found['megabytes']:.0f} |",
                flush=True,
            )


def measure_refusals() -> None:
    """Print a table of the CPU seconds until each small but costly file is rejected."""
    print("\n| file | MB | seconds until it is refused |\n|---|---|---|")
    for make in MUCH_WORK:
        data, costs = make(), []
        for _ in range(3):
            start = time.process_time()
            try:
                open_photo(data)
            except ImageCorrupt:
                costs.append(time.process_time() - start)
        print(f"| {make.__name__} | {len(data) / 1e6:.1f} | {min(costs):.3f} |")


def main() -> None:
    """Print both tables; with ``--name`` only the first."""
    args = parse_args()
    with_heic()
    measure_photos(args.name or list(WORST))
    if not args.name:
        measure_refusals()


if __name__ == "__main__":
    main()
