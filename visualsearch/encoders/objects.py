"""Find the things in a photo of several: a jacket, trousers, shoes, a bag."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..photos.crops import Crop
from .base import Encoder, Float32
from .cells import Cells

MOST = 8
# Least objectness of a thing, alone and as a share of that of the surest one.
LEAST, LEAST_SHARE = 0.22, 0.35
# A box is dropped if its intersection over union with a surer one is larger, or if they share more
# than this of the smaller one, such as a sleeve of a coat.
SAME, INSIDE = 0.45, 0.5
# Where people wear things, a box in another one is dropped only if it is of its class: a bag hangs
# before a coat. ``Cells.worn`` from which this holds.
WORN = 0.5
# Boxes vote on the place of a kept one if their intersection over union is larger.
VOTERS = 0.6
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
    order = np.argsort(-found.objectness, kind="stable")[:COMPARED]
    boxes, objectness = found.boxes[order], found.objectness[order]
    likely = found.probabilities[order].argmax(1)
    alike, inside = overlaps(boxes)
    part = (inside > INSIDE) & ((likely[:, None] == likely) | (cells.worn < WORN))
    kept = suppress(boxes, objectness, (alike > SAME) | part)
    if len(kept) < 2:
        return []
    votes = votes_of(alike[kept], objectness)
    return [
        Object(
            box=rounded(box),
            label=encoder.labels[int(each.argmax())],
            probability=round(float(each.max()), 4),
            score=round(float(score), 4),
        )
        for box, each, score in zip(
            mean_boxes(votes, boxes),
            votes @ found.probabilities[order],
            objectness[kept],
            strict=True,
        )
    ]


def suppress(boxes: Float32, objectness: Float32, same: NDArray[np.bool_]) -> list[int]:
    """Return the indices of the boxes (n, 4) that hold a thing each, at most :data:`MOST`.

    Of boxes of the ``same`` (n, n) thing, the surest one is kept (greedy non-maximum suppression).
    ``objectness`` (n,): falling.
    """
    if not len(objectness):
        return []
    least = max(LEAST, LEAST_SHARE * float(objectness[0]))
    free = (objectness >= least) & (boxes[:, 2:].min(1) >= SMALLEST)
    kept: list[int] = []
    while free.any() and len(kept) < MOST:
        kept.append(int(free.argmax()))
        free &= ~same[kept[-1]]
        free[kept[-1]] = False
    return kept


def votes_of(alike: Float32, objectness: Float32) -> Float32:
    """Return how much each of n boxes counts for place and class of k kept ones: rows sum to 1.

    ``alike`` (k, n): intersection over union of the kept boxes with all; ``objectness`` (n,).
    Source: Gidaris and Komodakis, "Object detection via a multi-region & semantic
    segmentation-aware CNN model" (2015).
    """
    votes: Float32 = (alike > VOTERS) * alike**2 * objectness
    return votes / votes.sum(1, keepdims=True)


def mean_boxes(votes: Float32, boxes: Float32) -> Float32:
    """Return the means (k, 4) of boxes (n, 4), weighted by ``votes`` (k, n)."""
    low, high = votes @ boxes[:, :2], votes @ (boxes[:, :2] + boxes[:, 2:])
    return np.hstack([low, high - low])


def overlaps(boxes: Float32) -> tuple[Float32, Float32]:
    """Return the intersection over union of each two boxes (n, 4), and over the smaller: (n, n)."""
    low, size = boxes[:, :2], boxes[:, 2:]
    high = low + size
    shared = np.minimum(high[:, None], high) - np.maximum(low[:, None], low)
    inner = np.maximum(shared, 0).prod(2)
    areas = np.maximum(size.prod(1), 1e-9)
    union = areas[:, None] + areas - inner
    return inner / union, inner / np.minimum(areas[:, None], areas)


def rounded(box: Float32) -> Crop:
    """Return a box within the photo, its sides rounded to four decimals."""
    x, y, w, h = (float(side) for side in box)
    x, y = round(max(0.0, x), 4), round(max(0.0, y), 4)
    return x, y, round(min(w, 1 - x), 4), round(min(h, 1 - y), 4)
