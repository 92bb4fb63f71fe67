"""Measure a model package as a classifier, through the encoder that serves it.

    python -m ml_models.lab.evaluate --model DIR --data FOLDER [--against DIR] [--json]

``FOLDER`` holds a folder of photos per class, named as the model's labels or as their parents.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.metrics.bootstrap import intervals, paired
from visualsearch.metrics.retrieval import query_scores
from visualsearch.photos.decode import ACCEPTED_SUFFIXES, open_photo

from .evaluate_page import write_page
from .evaluate_plots import plot
from .instances import GALLERY, instances
from .parents import ParentEncoder, coarse
from .reliability import calibration_error, reliability
from .resources import resources
from .retrieval import Found, figures, search
from .robustness import robustness


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
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
        "--queries",
        type=Path,
        metavar="CSV",
        help="photos to search with: image,sku[,style][,view]",
    )
    parser.add_argument(
        "--against",
        type=Path,
        metavar="DIR",
        help="test against another package on the same photos",
    )
    parser.add_argument(
        "--page", type=Path, metavar="FOLDER", help="write a page that shows each photo"
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
    folder: Path,
    labels: Sequence[str],
    limit: int | None = None,
    parents: Mapping[str, str] | None = None,
) -> list[tuple[Path, int]]:
    """Return photos and their class numbers, sorted by name; the first ``limit`` of each class.

    Raises ValueError for a folder that is neither a label of the model nor has a parent that is.
    """
    photos = []
    for entry in sorted(path for path in folder.iterdir() if path.is_dir()):
        label = entry.name
        if label not in labels:
            label = (parents or {}).get(label, label)
        if label not in labels:
            raise ValueError(f"{entry} is none of the model's labels: {', '.join(labels)}")
        paths = [path for path in sorted(entry.iterdir()) if is_photo(path)]
        photos += [(path, labels.index(label)) for path in paths[:limit]]
    return photos


def encoder_for(model: Path, folder: Path) -> OnnxEncoder:
    """Load a package; if no folder is a finer class, finer classes count for their parents."""
    encoder = OnnxEncoder(model)
    finer = set(encoder.package.parents) & set(encoder.labels)
    names = {path.name for path in folder.iterdir() if path.is_dir()}
    return ParentEncoder(str(model)) if finer and not names & finer else encoder


def is_photo(path: Path) -> bool:
    """Return whether a file's suffix is that of a photo."""
    return path.suffix.lower() in ACCEPTED_SUFFIXES


def classify(encoder: OnnxEncoder, photos: Sequence[tuple[Path, int]]) -> NDArray[np.float32]:
    """Return probabilities (N, labels), one photo a call as in serving."""
    probabilities = np.zeros((len(photos), len(encoder.labels)), np.float32)
    for row, (path, _) in enumerate(photos):
        image = open_photo(path.read_bytes()).image
        probabilities[row] = encoder.encode([image]).probabilities[0]
    return probabilities


def confusion_matrix(
    true: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Return counts (classes, classes): rows are true classes, columns predicted ones."""
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (true, predicted), 1)
    return counts


def per_class(counts: NDArray[np.int64], labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return photos, recall and precision of each class; None if the divisor is 0."""
    true, predicted, right = counts.sum(1), counts.sum(0), counts.diagonal()
    return {
        label: {
            "photos": int(true[k]),
            "recall": round(float(right[k] / true[k]), 4) if true[k] else None,
            "precision": round(float(right[k] / predicted[k]), 4) if predicted[k] else None,
        }
        for k, label in enumerate(labels)
    }


@dataclass(frozen=True, kw_only=True)
class Measured:
    """Outputs of a package: photos with class numbers, probabilities, and results of queries.

    ``probabilities`` (N, labels), ``true`` (N,) class numbers.
    """

    encoder: OnnxEncoder
    photos: Sequence[tuple[Path, int]]
    probabilities: NDArray[np.float32]
    true: NDArray[np.int64]
    found: Found | None

    @property
    def right(self) -> NDArray[np.bool_]:
        """Whether each photo (N,) is classified correctly."""
        return self.probabilities.argmax(1) == self.true

    @property
    def right_parents(self) -> NDArray[np.bool_]:
        """Whether each photo (N,) is classified correctly, finer classes as their parents."""
        encoder = self.encoder
        parents = {n: p for n, p in encoder.package.parents.items() if n in encoder.labels}
        _, numbers = coarse(encoder.labels, parents)
        same: NDArray[np.bool_] = numbers[self.probabilities.argmax(1)] == numbers[self.true]
        return same

    def scores(self) -> dict[str, NDArray[np.float64]]:
        """Return scores (N,) per photo or query, by their names in a comparison."""
        scores = {
            "accuracy": self.right.astype(np.float64),
            "parents_accuracy": self.right_parents.astype(np.float64),
        }
        if self.found:
            kinds = {"sku": self.found.ranks, "style": self.found.style_ranks}
            for kind, ranks in kinds.items():
                scores |= {f"{kind} {name}": one for name, one in query_scores(ranks).items()}
        return scores


def measure(
    model: Path,
    folder: Path,
    limit: int | None = None,
    catalog: Path | None = None,
    queries: Path | None = None,
    parents: Mapping[str, str] | None = None,
) -> Measured:
    """Classify the photos of a folder, and search by the queries if given.

    ``parents``: the coarser classes of classes that the package does not know.
    """
    encoder = encoder_for(model, folder)
    known = {**(parents or {}), **encoder.package.parents}
    photos = list_photos(folder, encoder.labels, limit, known)
    return Measured(
        encoder=encoder,
        photos=photos,
        probabilities=classify(encoder, photos),
        true=np.array([label for _, label in photos], np.int64),
        found=search(encoder, catalog, queries) if catalog and queries else None,
    )


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
    against: Path | None = None,
    page: Path | None = None,
) -> dict[str, Any]:
    """Return accuracy, recall and precision per class, confusion, calibration and cost.

    ``limit``: greatest number of photos per class. ``distort`` adds ``robustness``; ``catalog`` and
    ``queries`` (CSV files) add ``retrieval``; ``others`` (folders of gallery photos) add
    ``instances``; ``against`` (another package) adds a paired test; ``page`` is the folder of a
    page that shows each photo. Raises ValueError for unusable photos or rows.
    """
    measured = measure(model, folder, limit, catalog, queries)
    encoder, photos = measured.encoder, measured.photos
    probabilities, true = measured.probabilities, measured.true
    counts = confusion_matrix(true, probabilities.argmax(1), len(encoder.labels))
    bins = reliability(probabilities, true)
    cost = resources(encoder, model)
    report = {
        "model": encoder.id,
        "photos": len(photos),
        "accuracy": round(float(counts.trace() / max(1, len(photos))), 4),
        "parents_accuracy": round(float(measured.right_parents.sum() / max(1, len(photos))), 4),
        "intervals": class_intervals(measured),
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
    if measured.found:
        report["retrieval"] = figures(measured.found)
    if others:
        report["instances"] = instances(encoder, photos, others, gallery)
    if against:
        parents = encoder.package.parents
        other = measure(against, folder, limit, catalog, queries, parents)
        report["against"] = compare(measured, other)
    if page:
        write_page(page, measured, report)
    return report


def class_intervals(measured: Measured) -> dict[str, Any]:
    """Return 95 % intervals of accuracy, and of each class's recall and precision."""
    said, right = measured.probabilities.argmax(1), measured.right
    found: dict[str, Any] = intervals(
        {"accuracy": right, "parents_accuracy": measured.right_parents}
    )
    found["per_class"] = {
        label: intervals({"recall": right[measured.true == k], "precision": right[said == k]})
        for k, label in enumerate(measured.encoder.labels)
    }
    return found


def compare(measured: Measured, other: Measured) -> dict[str, Any]:
    """Return the difference of two packages on the same photos and queries.

    A ``difference`` above 0 means that ``measured`` is better. ``accuracy`` is left out if the
    packages have different classes; ``parents_accuracy`` remains.
    """
    ours, theirs = measured.scores(), other.scores()
    if measured.encoder.labels != other.encoder.labels:
        del ours["accuracy"]
    pairs = {name: paired(theirs[name], ours[name]) for name in ours if len(ours[name])}
    return {
        "model": other.encoder.id,
        "figures": {name: round(float(theirs[name].mean()), 4) for name in pairs},
        "difference": {name: round(pair.difference, 4) for name, pair in pairs.items()},
        "interval": {name: [round(e, 4) for e in pair.interval] for name, pair in pairs.items()},
        "p": {name: round(pair.p, 4) for name, pair in pairs.items()},
    }


def bracket(ends: Sequence[float] | None) -> str:
    """Return an interval as text, or an empty string."""
    return f"[{ends[0]:.3f}, {ends[1]:.3f}]" if ends else ""


def table(report: dict[str, Any]) -> str:
    """Return the measurements as text."""
    ends = report["intervals"]
    lines = [
        f"{report['model']}: accuracy {report['accuracy']:.3f} on {report['photos']} photos,"
        f" {bracket(ends.get('accuracy'))} (95 % intervals)"
    ]
    if report["parents_accuracy"] != report["accuracy"]:
        lines.append(
            f"finer classes as their parents: accuracy {report['parents_accuracy']:.3f}"
            f" {bracket(ends.get('parents_accuracy'))}"
        )
    for label, row in report["per_class"].items():
        both = ends["per_class"][label]
        lines.append(
            f"  {label:<12} recall {row['recall']} {bracket(both.get('recall'))}"
            f"  precision {row['precision']} {bracket(both.get('precision'))}"
        )
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
        lines += retrieval_table(found)
    if found := report.get("instances"):
        lines += instances_table(found)
    if found := report.get("against"):
        lines += against_table(found)
    return "\n".join(lines)


def retrieval_table(found: dict[str, Any]) -> list[str]:
    """Return lines on retrieval, each figure above its interval."""
    lines = [f"{found['queries']} queries against {found['items']} products"]
    rows = [(kind, found[kind], found["intervals"][kind]) for kind in ("sku", "style")]
    rows += [(view, row, row["intervals"]) for view, row in found["by"]["view"].items()]
    for name, row, ends in rows:
        if ends:
            figures = "  ".join(f"{key} {row[key]:<8.3f}" for key in ends)
            lines.append(f"  {name:<6} {figures}".rstrip())
            lines.append(" " * 9 + "  ".join(f"{bracket(both):<17}" for both in ends.values()))
    return [line.rstrip() for line in lines]


def against_table(found: dict[str, Any]) -> list[str]:
    """Return lines on the paired test against another package."""
    lines = [f"against {found['model']}: above 0, this one is better"]
    for name, value in found["difference"].items():
        lines.append(
            f"  {name:<17} there {found['figures'][name]:.3f}  {value:+.3f}"
            f" {bracket(found['interval'][name])}  p {found['p'][name]:.4f}"
        )
    return lines


def instances_table(found: dict[str, Any]) -> list[str]:
    """Return lines on distorted photos and photos in clutter."""
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
    """Print the measurements, and write them to ``--out``."""
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
        against=args.against,
        page=args.page,
    )
    print(json.dumps(report) if args.json else table(report))
    if args.page:
        print(f"{args.page / 'index.html'} shows each photo", file=sys.stderr)
    if args.out:
        args.out.mkdir(parents=True, exist_ok=True)
        (args.out / "report.json").write_text(json.dumps(report, indent=2) + "\n")
        # Use stderr: with --json, stdout must hold JSON alone.
        print(plot(report, args.out), file=sys.stderr)


if __name__ == "__main__":
    main()
