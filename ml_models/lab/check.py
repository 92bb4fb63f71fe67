"""Check photos before training: damaged files, duplicates, class balance, sizes.

    python -m ml_models.lab.check --data TRAIN [--validation VALIDATION] [--out FOLDER] [--json]

Exits with 1 if a photo cannot be read, or if the same picture is in two splits or two classes.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from tqdm import tqdm

from .photos.inspection import SERVED_SIDE, Sample, Unreadable, list_files, make_report, read

SHOWN = 20


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; exit with an error for a folder without photos."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="training photos: a subfolder per class"
    )
    parser.add_argument("--validation", type=Path, help="held-out photos: a subfolder per class")
    parser.add_argument("--out", type=Path, help="folder for report.json and the plots")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    for folder in filter(None, (args.data, args.validation)):
        if not list_files("", folder):
            parser.error(f"{folder} holds no photos: one folder per class is expected")
    return args


def balance_lines(splits: dict[str, Any]) -> Iterable[str]:
    """Yield lines of a table with a row per class: photos and share in each split.

    ``splits``: the report's ``splits``.
    """
    labels = list(next(iter(splits.values()))["classes"])
    wide = max(len(label) for label in [*labels, "largest/smallest"])
    yield " " * wide + "".join(f"{split:>20}" for split in splits)
    for label in labels:
        rows = [figures["classes"][label] for figures in splits.values()]
        yield f"{label:<{wide}}" + "".join(f"{r['photos']:>12}{r['share']:>8.1%}" for r in rows)
    totals = "".join(f"{figures['photos']:>12}{'':8}" for figures in splits.values())
    yield f"{'all':<{wide}}{totals}".rstrip()
    ratios = (figures["largest_to_smallest"] or "a class is empty" for figures in splits.values())
    yield f"{'largest/smallest':<{wide}}" + "".join(f"{ratio:>20}" for ratio in ratios)


def size_lines(splits: dict[str, Any]) -> Iterable[str]:
    """Yield lines with minimum, median and maximum of widths, heights and aspect ratios.

    ``splits``: the report's ``splits``.
    """
    for split, figures in splits.items():
        if not figures["sizes"]:
            continue
        yield f"{split}: least, median, greatest"
        for what in ("width", "height", "short_side", "aspect"):
            values = "".join(f"{value:>10g}" for value in figures["sizes"][what].values())
            yield f"  {what.replace('_', ' '):<12}{values}"
        yield f"  below {SERVED_SIDE} pixels: {figures['sizes']['share_below_224']:.1%}"


def finding_lines(report: dict[str, Any]) -> Iterable[str]:
    """Yield lines with the damaged photos and the groups of duplicates.

    ``report``: the inspection report, with ``unreadable`` and ``duplicates``.
    """
    yield f"Unreadable photos: {len(report['unreadable'])}"
    for photo in report["unreadable"]:
        yield f"  {photo['photo']}: {photo['code']}: {photo['reason']}"
    groups = report["duplicates"]
    counts = ", ".join(
        f"{sum(group[where] for group in groups)} {where.replace('_', ' ')}"
        for where in ("across_splits", "across_classes")
    )
    yield f"Pictures that are there more than once: {len(groups)} ({counts})"
    for group in groups[:SHOWN]:
        yield f"  {group['kind']}, similarity {group['similarity']:g}"
        yield from (f"    {photo}" for photo in group["photos"])
    if len(groups) > SHOWN:
        yield f"  … and {len(groups) - SHOWN} more: --json or --out tells them all"


def main(argv: list[str] | None = None) -> int:
    """Inspect the photos and print the report; return the exit status.

    The status is 1 if a photo is damaged, or if duplicates lie in two splits or classes.
    """
    args = parse_args(argv)
    sources = list_files("train", args.data)
    if args.validation:
        sources += list_files("validation", args.validation)
    with ThreadPoolExecutor() as pool:
        results = list(tqdm(pool.map(read, sources), total=len(sources), desc="read"))
    samples = [result for result in results if isinstance(result, Sample)]
    report = make_report(samples, [result for result in results if isinstance(result, Unreadable)])
    if args.out:
        # Imported here, because Matplotlib is needed for plots only.
        from .reports.inspection_plots import write_plots

        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "report.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
        write_plots(args.out, report, samples, SERVED_SIDE)
    if args.json:
        print(json.dumps(report))
    else:
        splits = report["splits"]
        for lines in (balance_lines(splits), size_lines(splits), finding_lines(report)):
            print("\n".join(lines), end="\n\n")
        print("Nothing stands against training." if report["ok"] else "Mend these before training.")
    return 0 if report["ok"] else 1


if __name__ == "__main__":
    sys.exit(main())
