"""Find the things in a photo of several: a jacket, trousers, shoes, a bag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..photos.crops import Crop
from .base import Detections, Encoder, Float32
from .cells import Cells

MOST = 8
# Least objectness of a thing.
LEAST = 0.3
# A box is dropped if its intersection over union with a surer one is larger.
SAME = 0.45
# Only the surest boxes are compared.
COMPARED = 64
# Least side of a box, as a share of the photo's.
SMALLEST = 0.03


@dataclass(frozen=True, kw_only=True)
class Object:
    """A thing in a photo.

    ``box``: x, y, w, h in fractions of the upright photo. ``label``: its most likely class, of
    ``probability`` 0…1. ``score``, 0…1: how much it stands out.
    """

    box: Crop
    label: str
    probability: float
    score: float


def find_objects(encoder: Encoder, cells: Cells) -> list[Object]:
    """Return the things in a photo whose cells the encoder has computed, most salient first.

    Empty if there is only one thing, or if the encoder cannot tell things apart. Raises
    ModelUnavailable if the model cannot be loaded.
    """
    found = encoder.detect(cells)
    if found is None:
        return []
    kept = suppress(found)
    if len(kept) < 2:
        return []
    labels = found.probabilities[kept].argmax(1)
    return [
        Object(
            box=rounded(found.boxes[k]),
            label=encoder.labels[label],
            probability=round(float(found.probabilities[k, label]), 4),
            score=round(float(found.objectness[k]), 4),
        )
        for k, label in zip(kept, labels.tolist(), strict=True)
    ]


def suppress(found: Detections) -> list[int]:
    """Return the indices of the boxes that hold a thing each, surest first, at most :data:`MOST`.

    Of boxes that overlap, the surest one is kept (greedy non-maximum suppression).
    """
    order = np.argsort(-found.objectness, kind="stable")[:COMPARED]
    order = order[found.objectness[order] >= LEAST]
    order = order[found.boxes[order, 2:].min(1, initial=1) >= SMALLEST]
    alike = overlaps(found.boxes[order]) > SAME
    kept: list[int] = []
    free = np.ones(len(order), bool)
    for k in range(len(order)):
        if free[k] and len(kept) < MOST:
            kept.append(int(order[k]))
            free &= ~alike[k]
    return kept


def overlaps(boxes: Float32) -> NDArray[np.float32]:
    """Return the intersection over union of each two boxes (n, 4): (n, n)."""
    low, size = boxes[:, :2], boxes[:, 2:]
    high = low + size
    shared = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    inner = np.maximum(shared, 0).prod(2)
    areas = size.prod(1)
    result: NDArray[np.float32] = inner / np.maximum(areas[:, None] + areas - inner, 1e-9)
    return result


def rounded(box: Float32) -> Crop:
    """Return a box within the photo, its sides rounded to four decimals."""
    x, y, w, h = (round(float(side), 4) for side in box)
    x, y = max(0.0, x), max(0.0, y)
    return x, y, round(min(w, 1 - x), 4), round(min(h, 1 - y), 4)
