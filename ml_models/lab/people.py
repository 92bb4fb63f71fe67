"""Measure a model package on garments that people wear, each cropped from its photo by a box.

    python -m ml_models.lab.people --model DIR --boxes BOXES.csv [--json]

``BOXES.csv`` has the columns ``image,label,tag,x,y,w,h,area``. ``x,y`` is the upper left corner;
all numbers are fractions of the upright photo. Image paths start at the folder of the file.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.metrics.bootstrap import interval, interval_of

from .measuring.parent_classes import ParentEncoder
from .measuring.reliability import calibration_error, reliability
from .photos.boxes import crops, read_boxes

SURE = 0.9


def people(model: Path, path: Path, hold_out: int = 0) -> dict[str, Any]:
    """Return accuracy, confident mistakes and calibration on garments on people, with intervals.

    ``path``: CSV of boxes. ``hold_out`` n: only photos whose number is divisible by n; 0: all.
    Finer classes count as their coarser class. Raises ValueError for unusable boxes.
    """
    encoder: OnnxEncoder = ParentEncoder(str(model))
    boxes = read_boxes(path, encoder.labels, encoder.package.parents, hold_out)
    true = np.array([encoder.labels.index(box.label) for box in boxes], np.int64)
    probabilities = np.concatenate([encoder.encode([part]).probabilities for part in crops(boxes)])
    return {"model": encoder.id, **garment_figures(probabilities, true, encoder.labels)}


def garment_figures(
    probabilities: NDArray[np.float32], true: NDArray[np.int64], labels: Sequence[str]
) -> dict[str, Any]:
    """Return accuracy, its mean over classes, confident mistakes and calibration error.

    ``probabilities`` (N, labels), ``true`` (N,) class indices. ``wrong_and_90_sure``: share that is
    wrong with a probability of at least 0.9. Each has a 95 % interval; ``per_class`` has the
    results of :func:`of_class`.
    """
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
    """Return ``garments``, ``accuracy``, its ``interval``, and ``said`` for one true class.

    ``right`` (n,): whether each garment of the class is classified correctly. ``said`` (n,): its
    predicted class index; in the result, the count of the two most predicted classes by name.
    """
    counts = np.bincount(said, minlength=len(labels))
    most = [k for k in np.argsort(-counts, kind="stable")[:2].tolist() if counts[k]]
    return {
        "garments": len(right),
        "accuracy": round(float(right.mean()), 4),
        "interval": [round(end, 4) for end in interval(right)],
        "said": {labels[k]: int(counts[k]) for k in most},
    }


def table(report: dict[str, Any]) -> str:
    """Format the result of :func:`people` as text."""
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
    """Print a package's accuracy and calibration on garments on people."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder with model.json")
    parser.add_argument(
        "--boxes", type=Path, required=True, metavar="CSV", help="boxes of the garments"
    )
    parser.add_argument(
        "--hold-out", type=int, default=0, metavar="N",
        help="use only the photos that fine_tune --hold-out N held out; 0: all",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    report = people(args.model, args.boxes, args.hold_out)
    print(json.dumps(report) if args.json else table(report))


if __name__ == "__main__":
    main()
