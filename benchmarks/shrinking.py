"""Measure how much accuracy is lost when the storefront shrinks photos before upload.

    python -m benchmarks.shrinking QUERIES.csv [--side 640] [--quality 85]

Evaluates the shop of the environment on its labelled photos, once unchanged and once shrunk as the
storefront does: upright, shorter side at most ``--side`` pixels, JPEG.
"""

from __future__ import annotations

import argparse
import csv
import json
import subprocess
import sys
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from PIL import Image, ImageOps

from benchmarks.search.places import ROOT

FIGURES = ("recall@1", "recall@5", "recall@10", "mrr")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.shrinking",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("queries", type=Path, help="CSV with the columns image,sku[,style]")
    parser.add_argument("--side", type=int, default=640, help="pixels of the shorter side")
    parser.add_argument("--quality", type=int, default=85, help="of the JPEG")
    return parser.parse_args()


def shrink(source: Path, target: Path, side: int, quality: int) -> None:
    """Write a copy of a photo as the storefront would upload it.

    The shorter side has at most ``side`` pixels; ``quality``: of the JPEG, 1…100.
    """
    image = ImageOps.exif_transpose(Image.open(source)).convert("RGB")
    scale = side / min(image.size)
    if scale < 1:
        size = round(image.width * scale), round(image.height * scale)
        image = image.resize(size, Image.Resampling.BILINEAR, reducing_gap=2.0)
    image.save(target, "JPEG", quality=quality)


def shrunk(queries: Path, folder: Path, side: int, quality: int) -> tuple[Path, list[int]]:
    """Shrink the photos of the CSV ``queries`` into ``folder``, as the storefront does.

    ``side``: pixels of the shorter side at most; ``quality``: of the JPEG, 1…100. Return a CSV of
    the copies, and their sizes in bytes.
    """
    with queries.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    for number, row in enumerate(rows):
        target = folder / f"{number}.jpg"
        shrink(queries.parent / row["image"], target, side, quality)
        row["image"] = target.name
    path = folder / "queries.csv"
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    return path, [(folder / row["image"]).stat().st_size for row in rows]


def evaluated(queries: Path) -> dict[str, Any]:
    """Return recall@k and MRR by SKU from ``visualsearch_evaluate``, for a CSV of photos."""
    command = [sys.executable, "manage.py", "visualsearch_evaluate", str(queries.resolve())]
    done = subprocess.run([*command, "--json"], cwd=ROOT, check=True, stdout=subprocess.PIPE)
    found: dict[str, Any] = json.loads(done.stdout)["sku"]
    return found


def main(args: argparse.Namespace) -> None:
    """Print recall and MRR of the original and of the shrunk photos."""
    with TemporaryDirectory() as folder:
        copies, sizes = shrunk(args.queries, Path(folder), args.side, args.quality)
        rows = {"as they are": evaluated(args.queries), f"{args.side} pixels": evaluated(copies)}
    print(f"{len(sizes)} photos; kB shrunk: {median(sizes) / 1000:.0f}, at most", end=" ")
    print(round(max(sizes) / 1000))
    for name, found in rows.items():
        print(f"{name:<12}", *(f"{key} {found[key]:.3f}" for key in FIGURES), sep="  ")


if __name__ == "__main__":
    main(parse_args())
