"""From which similarity on is the best hit the same kind of thing?"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

PRECISION = 0.9


def match_calibration(
    embeddings: NDArray[np.float32], labels: NDArray[np.int64], precision: float = PRECISION
) -> dict[str, Any]:
    """The lowest similarity at which a nearest neighbour is of the same class often enough.

    ``embeddings`` (N, d), L2-normalised, and ``labels`` (N,), of photos that were not trained on.
    Each photo is searched for among the others as if the shop sold them, once all of them and
    once only those of other classes: so half of the searches can only be answered wrongly. The
    threshold is the lowest at which ``precision`` of the answers above it are right; ``coverage``
    is the share of the answerable searches above it.
    """
    similarity = embeddings @ embeddings.T
    np.fill_diagonal(similarity, -1)
    same = labels[:, None] == labels[None, :]
    nearest = similarity.argmax(1)
    scores = np.concatenate([similarity.max(1), np.where(same, -1, similarity).max(1)])
    right = np.concatenate([labels[nearest] == labels, np.zeros(len(labels), bool)])
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
        "how": "nearest neighbour among validation photos, with and without the own class",
    }
