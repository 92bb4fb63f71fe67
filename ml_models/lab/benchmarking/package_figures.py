"""Measure a trained network for the benchmark, through the encoder that serves."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from statistics import median
from typing import Any

from torch import nn

from visualsearch.encoders.onnx import OnnxEncoder

from ..measuring.confusion import confused_pairs, confusion_matrix, per_class
from ..measuring.cost import in_fresh_process, latency_ms
from ..measuring.parent_classes import coarse
from ..networks.onnx_files import check_against_torch, run_onnx, write_onnx
from ..photos.photo_sets import PhotoSet

# Fifty images a round; the median of rounds ignores bursts of other work on the machine.
ROUNDS = 5


def write_plain_package(
    served: nn.Module,
    name: str,
    side: int,
    photos: PhotoSet,
    folder: Path,
    parents: dict[str, str] | None = None,
) -> None:
    """Write a model package to ``folder`` and check it against PyTorch; calibrate no threshold.

    ``served``: maps uint8 (N, side, side, 3) to embedding and probabilities. ``name``: the
    package's id. ``photos``: of this side, with the classes. ``parents``: the coarser class of each
    finer one.
    """
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "model.onnx"
    write_onnx(served.eval(), side, path)
    check_against_torch(served, path, photos.pixels[:16])
    embeddings, *_ = run_onnx(path, photos.pixels[:1])
    described = {
        "id": name,
        "version": "lab",
        "file": path.name,
        "sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "input": {"name": "image", "size": side, "layout": "NHWC", "dtype": "uint8"},
        "outputs": {"embedding": "embedding", "probabilities": "probabilities"},
        "labels": photos.classes,
        "parents": parents or {},
        "embedding_dim": embeddings.shape[1],
        "match": {"threshold": 1.0, "note": "not calibrated"},
    }
    (folder / "model.json").write_text(json.dumps(described, indent=2) + "\n")


def measure_photos(folder: Path, photos: PhotoSet) -> dict[str, Any]:
    """Return ``accuracy``, recall and precision ``per_class``, and ``confusion`` on photos.

    ``folder``: the model package. Finer classes count as their coarser class.
    """
    package = OnnxEncoder(folder).package
    labels, numbers = coarse(package.labels, package.parents)
    _, probabilities, *_ = run_onnx(package.model.path, photos.pixels)
    true, said = numbers[photos.labels.numpy()], numbers[probabilities.argmax(1)]
    counts = confusion_matrix(true, said, len(labels))
    return {
        "photos": len(photos.labels),
        "accuracy": round(float(counts.trace() / len(photos.labels)), 4),
        "per_class": per_class(counts, labels),
        "confusion": {"labels": labels, "counts": counts.tolist()},
        "confused": confused_pairs(counts, labels),
    }


def measure_package(folder: Path, photos: PhotoSet) -> dict[str, Any]:
    """Return accuracy, confusion, latency, size and peak memory of the package in ``folder``.

    Latency is on one thread of ONNX Runtime.
    """
    encoder = OnnxEncoder(folder)
    return {
        **measure_photos(folder, photos),
        "latency_ms": round(median(latency_ms(encoder)["p50"] for _ in range(ROUNDS)), 2),
        "size_mb": round(encoder.package.model.path.stat().st_size / 1e6, 2),
        "peak_memory_mb": in_fresh_process(folder)["peak_memory_mb"],
    }
