"""Measure a model package: accuracy, calibration, cost, robustness and retrieval."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from .classification import Measured, class_intervals, compare
from .confusion import confusion_matrix, per_class
from .cost import measure_cost
from .instances import GALLERY, instances
from .reliability import calibration_error, reliability
from .retrieval import retrieval_figures
from .robustness import robustness


def evaluate(
    model: Path,
    measured: Measured,
    *,
    distort: bool = False,
    others: Sequence[Path] = (),
    gallery: int = GALLERY,
    against: Measured | None = None,
) -> dict[str, Any]:
    """Return the report on a package: accuracy, recall and precision, confusion, calibration, cost.

    ``model``: the package's folder; ``measured``: its results. ``distort`` adds ``robustness``.
    ``others``, folders of further photos, add ``instances`` in a gallery of ``gallery`` photos.
    ``against``, another package on the same photos and queries, adds a paired test. Raises
    ValueError for unusable photos.
    """
    encoder, photos = measured.encoder, measured.photos
    probabilities, true = measured.probabilities, measured.true
    counts = confusion_matrix(true, probabilities.argmax(1), len(encoder.labels))
    bins = reliability(probabilities, true)
    cost = measure_cost(encoder, model)
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
        report["retrieval"] = retrieval_figures(measured.found)
    if others:
        report["instances"] = instances(encoder, photos, others, gallery)
    if against:
        report["against"] = compare(measured, against)
    return report
