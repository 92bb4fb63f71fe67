"""Group classes that a model often confuses."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

# Classes are alike if they are confused this many times as often as classes are on average. A
# relative bound suits good networks with few errors and bad ones with many.
LIFT = 2.0


def mutual_confusion(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Return how often each two classes are confused, (classes, classes), 0…1.

    ``counts``: confusion matrix, rows are true classes, columns predicted ones. The result is the
    mean of both directions, each as a share of its true class; symmetric, with 0 on the diagonal.
    """
    share = counts / np.maximum(1, counts.sum(1, keepdims=True))
    share = (share + share.T) / 2
    np.fill_diagonal(share, 0)
    return share


def alike_classes(counts: NDArray[np.int64], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Return groups of classes that a model often confuses, the most confused group first.

    ``counts``: confusion matrix, rows are true classes, columns predicted ones; ``labels``: class
    names. Each group has ``classes`` and ``share``, the share of its photos that are taken for
    another class of the group. Method: average linkage, cut at twice the mean mutual confusion of
    two classes.
    """
    mutual, count = mutual_confusion(counts), len(labels)
    if count < 3 or not mutual.any():
        return []
    bar = LIFT * mutual.sum() / (count * (count - 1))
    distances = squareform(1 - mutual - np.eye(count), checks=False)
    numbers = fcluster(linkage(distances, "average"), 1 - bar, "distance")
    groups = []
    for number in sorted(set(numbers.tolist())):
        (members,) = np.nonzero(numbers == number)
        if len(members) > 1:
            inner = mutual[np.ix_(members, members)]
            share = inner.sum() / len(members)
            names = [labels[member] for member in members.tolist()]
            groups.append({"classes": names, "share": round(float(share), 4)})
    return sorted(groups, key=lambda group: -group["share"])
