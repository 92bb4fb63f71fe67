"""Measure a model package as a classifier, through the encoder that serves it.

    python -m ml_models.lab.evaluate --model DIR --data FOLDER [--json]

``FOLDER`` holds a folder of photos per class, named as the model's labels.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.photos import ACCEPTED_SUFFIXES, open_photo

from .evaluate_plots import plot
from .instances import GALLERY, instances
from .reliability import calibration_error, reliability
from .resources import resources
from .retrieval import retrieval
from .robustness import robustness


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder with model.json")
    parser.add_argument("--data", type=Path, required=True, help="photos, a folder per class")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N photos per class")
    parser.add_argument("--robustness", action="store_true", help="measure distorted photos too")
    parser.add_argument(
        "--catalog", type=Path, metavar="CSV", help="photos to find: image,sku[,style]"
    )
    parser.add_argument(
        "--queries", type=Path, metavar="CSV", help="photos to search with: image,sku[,style]"
    )
    parser.add_argument(
        "--instances", type=Path, action="append", default=[], metavar="FOLDER",
        help="find distorted photos among these too, a folder per class; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--gallery", type=int, default=GALLERY, metavar="N", help="photos that --instances searches"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="write report.json, and plots with matplotlib"
    )
    args = parser.parse_args(argv)
    if bool(args.catalog) != bool(args.queries):
        parser.error("--catalog and --queries go together")
    if args.limit is not None and args.limit < 1:
        parser.error("--limit must be at least 1")
    return args


def list_photos(
    folder: Path, labels: Sequence[str], limit: int | None = None
) -> list[tuple[Path, int]]:
    """Photos and their class numbers, sorted by name; the first ``limit`` of each class.

    Raises ValueError for a folder that is no label of the model.
    """
    photos = []
    for entry in sorted(path for path in folder.iterdir() if path.is_dir()):
        if entry.name not in labels:
            raise ValueError(f"{entry} is none of the model's labels: {', '.join(labels)}")
        paths = [path for path in sorted(entry.iterdir()) if is_photo(path)]
        photos += [(path, labels.index(entry.name)) for path in paths[:limit]]
    return photos


def is_photo(path: Path) -> bool:
    """By its name, as the lab's other verbs decide."""
    return path.suffix.lower() in ACCEPTED_SUFFIXES


def classify(encoder: OnnxEncoder, photos: Sequence[tuple[Path, int]]) -> NDArray[np.float32]:
    """Probabilities (N, labels), one photo a call as in serving."""
    probabilities = np.zeros((len(photos), len(encoder.labels)), np.float32)
    for row, (path, _) in enumerate(photos):
        image = open_photo(path.read_bytes()).image
        probabilities[row] = encoder.encode([image]).probabilities[0]
    return probabilities


def confusion_matrix(
    true: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Counts (classes, classes): rows are true classes, columns predicted ones."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (true, predicted), 1)
    return counts


def per_class(counts: NDArray[np.int64], labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Photos, recall and precision of each class; None where there is nothing to divide by."""
    true, predicted, right = counts.sum(1), counts.sum(0), counts.diagonal()
    return {
        label: {
            "photos": int(true[k]),
            "recall": round(float(right[k] / true[k]), 4) if true[k] else None,
            "precision": round(float(right[k] / predicted[k]), 4) if predicted[k] else None,
        }
        for k, label in enumerate(labels)
    }


def evaluate(
    model: Path,
    folder: Path,
    *,
    limit: int | None = None,
    distort: bool = False,
    catalog: Path | None = None,
    queries: Path | None = None,
    others: Sequence[Path] = (),
    gallery: int = GALLERY,
) -> dict[str, Any]:
    """Accuracy, recall and precision per class, confusion, calibration and cost of a package.

    ``limit``: photos per class at most. ``distort`` adds ``robustness``; ``catalog`` and
    ``queries``, two CSV files, add ``retrieval``; ``others``, folders of photos to find this one
    among, add ``instances``. Raises ValueError for unusable photos or rows.
    """
    encoder = OnnxEncoder(model)
    photos = list_photos(folder, encoder.labels, limit)
    true = np.array([label for _, label in photos], np.int64)
    probabilities = classify(encoder, photos)
    counts = confusion_matrix(true, probabilities.argmax(1), len(encoder.labels))
    bins = reliability(probabilities, true)
    cost = resources(encoder, model)
    report = {
        "model": encoder.id,
        "photos": len(photos),
        "accuracy": round(float(counts.trace() / max(1, len(photos))), 4),
        "per_class": per_class(counts, encoder.labels),
        "confusion": {"labels": encoder.labels, "counts": counts.tolist()},
        "ece": calibration_error(bins),
        "reliability": bins,
        "latency_ms": cost["latency_ms"]["1"],
        "size_bytes": encoder.package.model.path.stat().st_size,
        "resources": cost,
    }
    if distort:
        report["robustness"] = robustness(encoder, photos)
    if catalog and queries:
        report["retrieval"] = retrieval(encoder, catalog, queries)
    if others:
        report["instances"] = instances(encoder, photos, others, gallery)
    return report


def table(report: dict[str, Any]) -> str:
    """The measurements for people."""
    lines = [f"{report['model']}: accuracy {report['accuracy']:.3f} on {report['photos']} photos"]
    for label, row in report["per_class"].items():
        lines.append(f"  {label:<12} recall {row['recall']}  precision {row['precision']}")
    if report["ece"] is not None:
        lines.append(f"calibration error {report['ece']:.3f}")
    cost = report["resources"]
    for batch, took in cost["latency_ms"].items():
        lines.append(f"latency p50 {took['p50']} ms, p95 {took['p95']} ms an image, {batch} a call")
    lines.append(f"load {cost['load_ms']} ms, peak memory {cost['peak_memory_mb']} MB")
    lines.append(f"size {report['size_bytes'] / 1e6:.2f} MB")
    for name, rows in report.get("robustness", {}).items():
        lines.append(name)
        for title, key in (("level", "level"), ("accuracy", "accuracy"), ("cosine", "similarity")):
            lines.append(f"  {title:<9}" + "".join(f"{row[key]:>8.4g}" for row in rows))
    if found := report.get("retrieval"):
        lines.append(f"{found['queries']} queries against {found['items']} products")
        for kind in ("sku", "style"):
            if found[kind]:
                figures = "  ".join(f"{name} {value:.3f}" for name, value in found[kind].items())
                lines.append(f"  {kind:<6} {figures}")
    if found := report.get("instances"):
        lines += instances_table(found)
    return "\n".join(lines)


def instances_table(found: dict[str, Any]) -> list[str]:
    """Lines on the same photo, distorted and in clutter."""
    lines = [f"{found['queries']} photos, distorted, among {found['gallery']}"]
    for name, metrics in found["distortions"].items():
        figures = "  ".join(f"{key} {value:.3f}" for key, value in metrics.items())
        lines.append(f"  {name:<20} {figures}")
    for row in found["clutter_with_subject"]:
        lines.append(f"clutter, {row['share']:.0%} of the area")
        for title, key in (("whole photo", "whole"), ("its subject", "subject")):
            if row[key]:
                figures = "  ".join(f"{name} {value:.3f}" for name, value in row[key].items())
                lines.append(f"  {title:<20} {figures}")
    return lines


def main(argv: list[str] | None = None) -> None:
    """Print the measurements, and keep them where ``--out`` says."""
    args = parse_args(argv)
    report = evaluate(
        args.model,
        args.data,
        limit=args.limit,
        distort=args.robustness,
        catalog=args.catalog,
        queries=args.queries,
        others=args.instances,
        gallery=args.gallery,
    )
    print(json.dumps(report) if args.json else table(report))
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        # Not among the output, which may be JSON that a program reads.
        print(plot(report, args.out), file=sys.stderr)


if __name__ == "__main__":
    main()
