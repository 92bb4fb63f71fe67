"""Count how often classes are confused with each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

# Number of the most frequent confusions that a report lists.
PAIRS = 5


def confusion_matrix(
    true: NDArray[np.int64], predicted: NDArray[np.int64], classes: int
) -> NDArray[np.int64]:
    """Count photos by true class (rows) and predicted class (columns).

    ``true`` and ``predicted``: class indices (N,).
    """
    counts = np.zeros((classes, classes), np.int64)
    np.add.at(counts, (true, predicted), 1)
    return counts


def per_class(counts: NDArray[np.int64], labels: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Return ``photos``, ``recall`` and ``precision`` of each class; None instead of 0 / 0.

    ``counts``: confusion matrix, rows are true classes.
    """
    true, predicted, right = counts.sum(1), counts.sum(0), counts.diagonal()
    return {
        label: {
            "photos": int(true[k]),
            "recall": round(float(right[k] / true[k]), 4) if true[k] else None,
            "precision": round(float(right[k] / predicted[k]), 4) if predicted[k] else None,
        }
        for k, label in enumerate(labels)
    }


def confused_pairs(counts: NDArray[np.int64], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the five most frequent confusions: ``true`` and ``predicted`` class, ``photos``.

    ``counts``: confusion matrix, rows are true classes.
    """
    errors = counts * (1 - np.eye(len(labels), dtype=np.int64))
    order = np.argsort(-errors, axis=None, kind="stable")[:PAIRS]
    pairs = [np.unravel_index(place, errors.shape) for place in order]
    return [
        {"true": labels[row], "predicted": labels[column], "photos": int(errors[row, column])}
        for row, column in pairs
        if errors[row, column]
    ]
