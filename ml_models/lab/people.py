"""Measure a model package on garments that people wear, each cut out of its photo by a box.

    python -m ml_models.lab.people --model DIR --boxes BOXES.csv [--json]

``BOXES.csv`` has the columns ``image,label,tag,x,y,w,h,area``: fractions of the upright photo, and
images relative to the file.
"""

from __future__ import annotations

import argparse
import csv
import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.metrics.bootstrap import interval, interval_of
from visualsearch.photos.decode import open_photo

from .parents import ParentEncoder
from .reliability import calibration_error, reliability

# Smaller boxes, as shares of the photo, are distant details that are not searched for.
LEAST_AREA = 0.01
MARGIN = 0.08
SURE = 0.9


@dataclass(frozen=True, kw_only=True)
class Box:
    """A garment on a person: photo, class, and place x, y, w, h in fractions."""

    image: Path
    label: str
    place: tuple[float, float, float, float]


def read_boxes(
    path: Path, labels: Sequence[str], parents: dict[str, str], hold_out: int = 0
) -> list[Box]:
    """Read the boxes whose class or parent class is one of the labels.

    ``hold_out``: only those of photos that ``fine_tune --hold-out`` holds out with this number; 0:
    all. Raises ValueError that names an invalid row.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    boxes = []
    for line, row in enumerate(rows, 2):
        try:
            x, y, w, h = (float(row[key]) for key in "xywh")
            area, label = float(row["area"]), parents.get(row["label"], row["label"])
            image = path.parent / row["image"]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}, line {line}: image,label,x,y,w,h,area must be filled ({error})"
            ) from error
        if hold_out and number_of(image) % hold_out:
            continue
        if label in labels and area >= LEAST_AREA:
            boxes.append(Box(image=image, label=label, place=(x, y, w, h)))
    if not boxes:
        raise ValueError(f"{path} has no boxes of the model's classes: {', '.join(labels)}")
    return boxes


def number_of(image: Path) -> int:
    """Return the number that a file's name starts with. Raises ValueError without one."""
    found = re.match(r"\d+", image.name)
    if not found:
        raise ValueError(f"{image.name} starts with no number to hold out by: give --hold-out 0")
    return int(found[0])


def cut(image: Image.Image, place: tuple[float, float, float, float]) -> Image.Image:
    """Crop a photo to a box with a margin."""
    x, y, w, h = place
    left, top = max(0, x - MARGIN * w), max(0, y - MARGIN * h)
    right, bottom = min(1, x + (1 + MARGIN) * w), min(1, y + (1 + MARGIN) * h)
    ends = zip((left, top, right, bottom), image.size * 2, strict=True)
    first, second, third, fourth = (round(share * side) for share, side in ends)
    return image.crop((first, second, third, fourth))


def parts(boxes: Sequence[Box]) -> Iterator[Image.Image]:
    """Yield the crop of each box; a photo is opened once for consecutive boxes."""
    opened: tuple[Path, Image.Image] | None = None
    for box in tqdm(boxes, desc="Garments", unit=" boxes", disable=None):
        if opened is None or opened[0] != box.image:
            opened = box.image, open_photo(box.image.read_bytes()).image
        yield cut(opened[1], box.place)


def people(model: Path, path: Path, hold_out: int = 0) -> dict[str, Any]:
    """Return accuracy, its mean over classes, confident mistakes and calibration, with intervals.

    Finer classes of the package count for their parents. Raises ValueError for unusable boxes.
    """
    encoder: OnnxEncoder = ParentEncoder(str(model))
    boxes = read_boxes(path, encoder.labels, encoder.package.parents, hold_out)
    true = np.array([encoder.labels.index(box.label) for box in boxes], np.int64)
    probabilities = np.concatenate([encoder.encode([part]).probabilities for part in parts(boxes)])
    return {"model": encoder.id, **figures(probabilities, true, encoder.labels)}


def figures(
    probabilities: NDArray[np.float32], true: NDArray[np.int64], labels: Sequence[str]
) -> dict[str, Any]:
    """Return the figures of probabilities (N, labels) against the true classes (N,)."""
    said, top = probabilities.argmax(1), probabilities.max(1)
    right, count = said == true, len(true)
    sure = ~right & (top >= SURE)

    def mean_of_classes(rows: NDArray[np.int64]) -> float:
        photos = np.bincount(true[rows], minlength=len(labels))
        hits = np.bincount(true[rows], right[rows], len(labels))
        return float((hits[photos > 0] / photos[photos > 0]).mean())

    def error(rows: NDArray[np.int64]) -> float:
        found = calibration_error(reliability(probabilities[rows], true[rows]))
        assert found is not None  # None only without photos
        return found

    every = np.arange(count)
    ends = {
        "accuracy": interval(right),
        "mean_per_class": interval_of(mean_of_classes, count),
        "wrong_and_90_sure": interval(sure),
        "ece": interval_of(error, count),
    }
    return {
        "garments": count,
        "accuracy": round(float(right.mean()), 4),
        "mean_per_class": round(mean_of_classes(every), 4),
        "wrong_and_90_sure": round(float(sure.mean()), 4),
        "ece": error(every),
        "intervals": {name: [round(end, 4) for end in both] for name, both in ends.items()},
        "per_class": {
            labels[k]: of_class(right[true == k], said[true == k], labels)
            for k in np.unique(true).tolist()
        },
    }


def of_class(
    right: NDArray[np.bool_], said: NDArray[np.int64], labels: Sequence[str]
) -> dict[str, Any]:
    """Return the figures of a class, and the two classes it is most often confused with."""
    counts = np.bincount(said, minlength=len(labels))
    most = [k for k in np.argsort(-counts, kind="stable")[:2].tolist() if counts[k]]
    return {
        "garments": len(right),
        "accuracy": round(float(right.mean()), 4),
        "interval": [round(end, 4) for end in interval(right)],
        "said": {labels[k]: int(counts[k]) for k in most},
    }


def table(report: dict[str, Any]) -> str:
    """Return the figures as text."""
    lines = [f"{report['model']}: {report['garments']} garments on people, 95 % intervals"]
    for name, (low, high) in report["intervals"].items():
        lines.append(f"  {name:<18} {report[name]:.3f} [{low:.3f}, {high:.3f}]")
    for label, row in report["per_class"].items():
        low, high = row["interval"]
        said = ", ".join(f"{name} {count}" for name, count in row["said"].items())
        lines.append(
            f"  {label:<12} {row['accuracy']:.3f} [{low:.3f}, {high:.3f}]"
            f" of {row['garments']:>3}  said: {said}"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Print the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder with model.json")
    parser.add_argument("--boxes", type=Path, required=True, metavar="CSV", help="where they are")
    parser.add_argument(
        "--hold-out", type=int, default=0, metavar="N",
        help="only of photos that fine_tune --hold-out N held out",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    report = people(args.model, args.boxes, args.hold_out)
    print(json.dumps(report) if args.json else table(report))


if __name__ == "__main__":
    main()
