"""Measure a model package as a classifier, through the encoder that serves it.

    python -m ml_models.lab.evaluate --model DIR --data FOLDER [--json]

``FOLDER`` holds a folder of photos per class, named as the model's labels.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.photos import ACCEPTED_SUFFIXES, open_photo

WARM_UP = 5
REPEATS = 50


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder with model.json")
    parser.add_argument("--data", type=Path, required=True, help="photos, a folder per class")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def confusion_matrix(encoder: OnnxEncoder, folder: Path) -> np.ndarray:
    """Counts (labels, labels): rows are true classes, columns predicted ones.

    Raises ValueError for a folder that is no label of the model.
    """
    counts = np.zeros((len(encoder.labels), len(encoder.labels)), int)
    for entry in sorted(path for path in folder.iterdir() if path.is_dir()):
        if entry.name not in encoder.labels:
            raise ValueError(f"{entry} is none of the model's labels: {', '.join(encoder.labels)}")
        for path in sorted(entry.iterdir()):
            if path.suffix.lower() in ACCEPTED_SUFFIXES:
                image = open_photo(path.read_bytes()).image
                predicted = encoder.encode([image]).probabilities[0].argmax()
                counts[encoder.labels.index(entry.name), predicted] += 1
    return counts


def latency_ms(encoder: OnnxEncoder) -> dict[str, float]:
    """Milliseconds of one image on one thread, preprocessing included: p50 and p95."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    took = []
    for _ in range(WARM_UP + REPEATS):
        start = time.perf_counter()
        encoder.encode([image])
        took.append((time.perf_counter() - start) * 1000)
    p50, p95 = np.percentile(took[WARM_UP:], [50, 95])
    return {"p50": round(float(p50), 2), "p95": round(float(p95), 2)}


def evaluate(model: Path, folder: Path) -> dict[str, Any]:
    """Accuracy, recall and precision per class, confusion, latency and size of a package."""
    encoder = OnnxEncoder(model)
    counts = confusion_matrix(encoder, folder)
    true, predicted, right = counts.sum(1), counts.sum(0), counts.diagonal()
    per_class = {
        label: {
            "photos": int(true[k]),
            "recall": round(float(right[k] / true[k]), 4) if true[k] else None,
            "precision": round(float(right[k] / predicted[k]), 4) if predicted[k] else None,
        }
        for k, label in enumerate(encoder.labels)
    }
    return {
        "model": encoder.id,
        "photos": int(counts.sum()),
        "accuracy": round(float(right.sum() / max(1, counts.sum())), 4),
        "per_class": per_class,
        "confusion": {"labels": encoder.labels, "counts": counts.tolist()},
        "latency_ms": latency_ms(encoder),
        "size_bytes": encoder.package.file.stat().st_size,
    }


def main(argv: list[str] | None = None) -> None:
    """Print the measurements."""
    args = parse_args(argv)
    report = evaluate(args.model, args.data)
    if args.json:
        print(json.dumps(report))
        return
    print(f"{report['model']}: accuracy {report['accuracy']:.3f} on {report['photos']} photos")
    for label, figures in report["per_class"].items():
        print(f"  {label:<12} recall {figures['recall']}  precision {figures['precision']}")
    took = report["latency_ms"]
    print(f"latency p50 {took['p50']} ms, p95 {took['p95']} ms, one thread")
    print(f"size {report['size_bytes'] / 1e6:.2f} MB")


if __name__ == "__main__":
    main()
