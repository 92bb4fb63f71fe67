"""Group classes that look alike, by how often they are confused."""

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
    """Return the mutual confusion (classes, classes) in [0, 1]: symmetric, 0 on the diagonal.

    The mean of both directions, each as a share of its true class, so that the size of a class does
    not matter. ``counts``: rows are true classes, columns predicted ones.
    """
    share = counts / np.maximum(1, counts.sum(1, keepdims=True))
    share = (share + share.T) / 2
    np.fill_diagonal(share, 0)
    return share


def alike_classes(counts: NDArray[np.int64], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Group classes that look alike, by average linkage on their mutual confusion.

    Returns ``classes`` and ``share``, the share of photos taken for another class of the group. The
    tree is cut at ``LIFT`` times the average mutual confusion of two classes.
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
