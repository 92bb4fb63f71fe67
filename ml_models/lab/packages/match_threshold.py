"""Calibrate the similarity above which the best hit of a search counts as a match."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]

# If half of the searches are for items not sold (a hard case); if one in five are, 0.8 is 0.94.
PRECISION = 0.8


def match_calibration(
    photos: Float32, views: Float32, labels: NDArray[np.int64], precision: float = PRECISION
) -> dict[str, Any]:
    """Return the ``match`` section of ``model.json``: threshold, precision, coverage, method.

    ``photos`` (N, d): embeddings of photos that were not trained on. ``views`` (N, d): of a
    distorted view of each. ``labels`` (N,): their classes. Each view is a query in two galleries:
    all photos, and only those of other classes. A best hit is right if it has the query's class, so
    in the second gallery none is. ``threshold``: the lowest similarity at which a share of
    ``precision`` of the best hits above it are right, over both galleries. ``coverage``: share of
    queries in the first gallery above it. Raises ValueError if no similarity reaches the precision.
    """
    similarity = views @ photos.T
    same = labels[:, None] == labels[None, :]
    best = similarity.argmax(1)
    scores = np.concatenate([similarity.max(1), np.where(same, -1, similarity).max(1)])
    right = np.concatenate([labels[best] == labels, np.zeros(len(labels), bool)])
    order = np.argsort(-scores, kind="stable")
    reached = np.cumsum(right[order]) / np.arange(1, len(order) + 1)
    good = np.flatnonzero(reached >= precision)
    if not len(good):
        raise ValueError(f"no similarity reaches a precision of {precision}")
    threshold = float(scores[order[good[-1]]])
    return {
        "threshold": round(threshold, 4),
        "precision": precision,
        "coverage": round(float((scores[: len(labels)] >= threshold).mean()), 4),
        "how": "best hit of a distorted view among validation photos, with and without its class",
    }
