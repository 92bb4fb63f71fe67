"""Check photos before training: damage, duplicates, balance, sizes.

    python -m ml_models.lab.check --data TRAIN [--validation VALIDATION] [--out FOLDER] [--json]

Exits with 1 if a photo cannot be read, or a picture is in two splits or two classes.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from tqdm import tqdm

from visualsearch.exceptions import PhotoError
from visualsearch.photos.decode import ACCEPTED_SUFFIXES, Limits, identify, open_photo

from .duplicates import SIDE, same_pictures, thumbnail

SERVED_SIDE = 224
SHOWN = 20


@dataclass(frozen=True, kw_only=True)
class Source:
    """The split, class and file of a photo."""

    split: str
    label: str
    path: Path

    @property
    def name(self) -> str:
        """Split, class and file name, as shown to the user."""
        return f"{self.split}/{self.label}/{self.path.name}"


@dataclass(frozen=True, kw_only=True)
class Sample(Source):
    """A photo that was read: upright size in pixels, hash of the bytes, grey levels (32, 32)."""

    width: int
    height: int
    sha256: str
    grey: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Unreadable(Source):
    """A photo that training and serving would refuse, and why."""

    code: str
    reason: str


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; a folder without photos is an error."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data", type=Path, required=True, help="training photos, a folder per class"
    )
    parser.add_argument("--validation", type=Path, help="photos held out, a folder per class")
    parser.add_argument("--out", type=Path, help="folder for report.json and the plots")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    for folder in filter(None, (args.data, args.validation)):
        if not list_sources("", folder):
            parser.error(f"{folder} holds no photos: one folder per class is expected")
    return args


def list_sources(split: str, folder: Path) -> list[Source]:
    """Return the photos of a folder per class, sorted: the files that training reads."""
    return [
        Source(split=split, label=path.parent.name, path=path)
        for path in sorted(folder.glob("*/*"))
        if path.suffix.lower() in ACCEPTED_SUFFIXES
    ]


def read(source: Source) -> Sample | Unreadable:
    """Decode a photo as training and serving do."""
    place = vars(source)
    try:
        data = source.path.read_bytes()
        image = open_photo(data).image
        width, height = identify(data, Limits()).size
    except PhotoError as error:
        return Unreadable(**place, code=error.code, reason=str(error))
    except OSError as error:
        return Unreadable(**place, code="file_error", reason=error.strerror or str(error))
    # The header has the size before the EXIF rotation.
    if (width > height) != (image.width > image.height):
        width, height = height, width
    return Sample(
        **place,
        width=width,
        height=height,
        sha256=hashlib.sha256(data).hexdigest(),
        grey=thumbnail(image),
    )


def spread(values: Iterable[float]) -> dict[str, float]:
    """Return minimum, median and maximum."""
    numbers = np.fromiter(values, float)
    least, median, greatest = np.percentile(numbers, [0, 50, 100]).round(3).tolist()
    return {"min": least, "median": median, "max": greatest}


def sizes(samples: list[Sample]) -> dict[str, Any]:
    """Summarise pixels, aspect ratios, and the share of photos smaller than the model's input."""
    if not samples:
        return {}
    short = np.array([min(sample.width, sample.height) for sample in samples])
    return {
        "width": spread(sample.width for sample in samples),
        "height": spread(sample.height for sample in samples),
        "short_side": spread(short),
        "aspect": spread(sample.width / sample.height for sample in samples),
        "share_below_224": round(float((short < SERVED_SIDE).mean()), 4),
    }


def balance(samples: list[Sample], labels: list[str]) -> dict[str, Any]:
    """Count photos per class; ``largest_to_smallest`` is None if a class is empty."""
    counts = {label: sum(sample.label == label for sample in samples) for label in labels}
    least = min(counts.values())
    return {
        "photos": len(samples),
        "classes": {
            label: {"photos": count, "share": round(count / max(1, len(samples)), 4)}
            for label, count in counts.items()
        },
        "largest_to_smallest": round(max(counts.values()) / least, 2) if least else None,
    }


def duplicates(samples: list[Sample]) -> list[dict[str, Any]]:
    """Return groups of photos of one picture; groups across splits or classes come first."""
    grey = np.array([sample.grey for sample in samples], np.float32).reshape(-1, SIDE, SIDE)
    groups = []
    for members, similarity in same_pictures([sample.sha256 for sample in samples], grey):
        photos = [samples[k] for k in members]
        groups.append(
            {
                "kind": "exact" if len({photo.sha256 for photo in photos}) == 1 else "near",
                "across_splits": len({photo.split for photo in photos}) > 1,
                "across_classes": len({photo.label for photo in photos}) > 1,
                "similarity": round(similarity, 3),
                "photos": [photo.name for photo in photos],
            }
        )
    return sorted(groups, key=lambda group: -group["across_splits"] - group["across_classes"])


def make_report(samples: list[Sample], unreadable: list[Unreadable]) -> dict[str, Any]:
    """Return all findings; ``ok`` decides the exit status."""
    everything: list[Source] = [*samples, *unreadable]
    labels = sorted({source.label for source in everything})
    groups = duplicates(samples)
    splits = {}
    for split in dict.fromkeys(source.split for source in everything):
        own = [sample for sample in samples if sample.split == split]
        splits[split] = balance(own, labels) | {"sizes": sizes(own)}
    harmful = any(group["across_splits"] or group["across_classes"] for group in groups)
    return {
        "ok": not unreadable and not harmful,
        "splits": splits,
        "unreadable": [
            {"photo": photo.name, "code": photo.code, "reason": photo.reason}
            for photo in unreadable
        ],
        "duplicates": groups,
    }


def balance_lines(splits: dict[str, Any]) -> Iterable[str]:
    """Format the balance as text: a row per class, two columns per split."""
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
    """Format the sizes as text, split by split."""
    for split, figures in splits.items():
        if not figures["sizes"]:
            continue
        yield f"{split}: least, median, greatest"
        for what in ("width", "height", "short_side", "aspect"):
            values = "".join(f"{value:>10g}" for value in figures["sizes"][what].values())
            yield f"  {what.replace('_', ' '):<12}{values}"
        yield f"  below {SERVED_SIDE} pixels: {figures['sizes']['share_below_224']:.1%}"


def finding_lines(report: dict[str, Any]) -> Iterable[str]:
    """Format the problems as text, a line per photo."""
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
    """Print the findings; return 1 if some would spoil training or its figures."""
    args = parse_args(argv)
    sources = list_sources("train", args.data)
    if args.validation:
        sources += list_sources("validation", args.validation)
    with ThreadPoolExecutor() as pool:
        results = list(tqdm(pool.map(read, sources), total=len(sources), desc="read"))
    samples = [result for result in results if isinstance(result, Sample)]
    report = make_report(samples, [result for result in results if isinstance(result, Unreadable)])
    if args.out:
        # Imported here, because Matplotlib is needed for plots only.
        from .check_plots import write_plots

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
