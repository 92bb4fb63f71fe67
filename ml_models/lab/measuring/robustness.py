"""Measure accuracy and similarity on distorted photos, by distortion and level."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.photos.decode import open_photo

from ..photos.distortions import CURVES, Curve

BATCH = 32


def robustness(
    encoder: OnnxEncoder,
    photos: Sequence[tuple[Path, int]],
    curves: dict[str, Curve] = CURVES,
) -> dict[str, list[dict[str, float]]]:
    """Return ``accuracy`` and ``similarity`` for each level of each distortion.

    ``photos``: (path, class index). ``curves``: distortions by name. ``similarity``: mean cosine
    between the embeddings of a distorted photo and the photo itself, -1…1. Raises ValueError
    without photos.
    """
    if not photos:
        raise ValueError("robustness needs photos, and there are none")
    right = {(name, level): 0 for name, curve in curves.items() for level in curve.levels}
    cosines = dict.fromkeys(right, 0.0)
    for paths, true in photos_in_batches(photos):
        images = [open_photo(path.read_bytes()).image for path in paths]
        reference = encoder.encode(images).embeddings
        for name, level in right:
            distorted = encoder.encode([curves[name].distort(image, level) for image in images])
            right[name, level] += int((distorted.probabilities.argmax(1) == true).sum())
            cosines[name, level] += float((distorted.embeddings * reference).sum())
    return {
        name: [
            {
                "level": level,
                "accuracy": round(right[name, level] / len(photos), 4),
                "similarity": round(cosines[name, level] / len(photos), 4),
            }
            for level in curve.levels
        ]
        for name, curve in curves.items()
    }


def photos_in_batches(
    photos: Sequence[tuple[Path, int]],
) -> Iterator[tuple[list[Path], np.ndarray]]:
    """Yield (paths, class indices) in batches of 32, to bound memory; show progress.

    ``photos``: (path, class index).
    """
    for start in tqdm(range(0, len(photos), BATCH), desc="distort", unit="batch", disable=None):
        rows = photos[start : start + BATCH]
        yield [path for path, _ in rows], np.array([label for _, label in rows])
