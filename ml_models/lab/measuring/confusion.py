"""Count confusions between classes."""

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


def confused_pairs(counts: NDArray[np.int64], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return the most frequent confusions: true class, predicted class and number of photos."""
    errors = counts * (1 - np.eye(len(labels), dtype=np.int64))
    order = np.argsort(-errors, axis=None, kind="stable")[:PAIRS]
    pairs = [np.unravel_index(place, errors.shape) for place in order]
    return [
        {"true": labels[row], "predicted": labels[column], "photos": int(errors[row, column])}
        for row, column in pairs
        if errors[row, column]
    ]
