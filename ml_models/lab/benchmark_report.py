"""What the benchmark found, in words and tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform

# Classes are alike when they are taken for each other this many times as often as classes are
# on average: a bar that a good network's few errors can reach, and a bad one's many do not all.
LIFT = 2.0
PAIRS = 5
COLUMNS = {
    "name": "architecture",
    "accuracy": "accuracy",
    "training_seconds": "training, s",
    "training_cpu_seconds": "training, CPU s",
    "latency_ms": "inference, ms",
    "size_mb": "file, MB",
    "parameters": "parameters",
    "peak_memory_mb": "peak memory, MB",
}
STARTS = {"scratch": "From scratch", "pretrained": "From pretrained weights"}


def shares(counts: NDArray[np.int64]) -> NDArray[np.float64]:
    """Mutual confusion (classes, classes) in [0, 1], symmetric, its diagonal 0.

    The mean of both directions, each as a share of its true class: a big class is not more like
    the others than a small one. ``counts``: rows are true classes, columns predicted ones.
    """
    share = counts / np.maximum(1, counts.sum(1, keepdims=True))
    share = (share + share.T) / 2
    np.fill_diagonal(share, 0)
    return share


def confused_pairs(counts: NDArray[np.int64], labels: Sequence[str]) -> list[dict[str, Any]]:
    """The true and predicted classes with most photos, and how many, most first."""
    errors = counts * (1 - np.eye(len(labels), dtype=np.int64))
    order = np.argsort(-errors, axis=None, kind="stable")[:PAIRS]
    pairs = [np.unravel_index(place, errors.shape) for place in order]
    return [
        {"true": labels[row], "predicted": labels[column], "photos": int(errors[row, column])}
        for row, column in pairs
        if errors[row, column]
    ]


def alike(counts: NDArray[np.int64], labels: Sequence[str]) -> list[dict[str, Any]]:
    """Groups of classes that look alike, by average linkage on their mutual confusion.

    ``classes``, and ``share``: of a class's photos, those taken for another class of the group.
    The tree is cut at ``LIFT`` times the mutual confusion that is usual between two classes here.
    """
    mutual, count = shares(counts), len(labels)
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


def summary(results: list[dict[str, Any]], training_photos: int) -> dict[str, Any]:
    """All results, and the groups of classes that all networks together find alike."""
    labels = results[0]["confusion"]["labels"]
    counts = np.sum([result["confusion"]["counts"] for result in results], axis=0)
    return {
        "training_photos": training_photos,
        "validation_photos": results[0]["photos"],
        "architectures": results,
        "alike": alike(counts, labels),
    }


def markdown(report: dict[str, Any]) -> str:
    """The report for people."""
    settings = report["architectures"][0]["settings"]
    lines = [
        "# Architectures, measured\n",
        f"{report['training_photos']} training photos, {report['validation_photos']} validation"
        f" photos, {settings['epochs']} epochs at {settings['side']} pixels with one recipe"
        f" (`result.json` of each). Inference: one image on one thread of ONNX Runtime, float32,"
        " preprocessing included, median.\n",
    ]
    for start, title in STARTS.items():
        if rows := [row for row in report["architectures"] if row["start"] == start]:
            lines += [f"## {title}\n", *table(rows), ""]
    if len({row["start"] for row in report["architectures"]}) > 1:
        lines.append(
            "**A row of one table and a row of the other do not compare architectures**, but"
            " where the training started: from weights that had seen a million other photos, or"
            " from nothing.\n"
        )
    lines += ["## Most confused\n", *map(pairs_in_words, report["architectures"]), ""]
    lines += ["## Classes that look alike\n", *groups_in_words(report["alike"]), ""]
    return "\n".join(lines)


def table(rows: list[dict[str, Any]]) -> list[str]:
    """A Markdown table, the most accurate row first."""
    lines = [f"| {' | '.join(COLUMNS.values())} |", "|---|" + "---:|" * (len(COLUMNS) - 1)]
    for row in sorted(rows, key=lambda row: -row["accuracy"]):
        cells = row | {
            "accuracy": f"{row['accuracy']:.3f}",
            "parameters": f"{row['parameters'] / 1e6:.2f} M",
        }
        lines.append(f"| {' | '.join(str(cells[name]) for name in COLUMNS)} |")
    return lines


def pairs_in_words(result: dict[str, Any]) -> str:
    """One line for one network."""
    pairs = [f"{p['photos']} {p['true']} as {p['predicted']}" for p in result["confused"]]
    return f"- {result['name']}: {', '.join(pairs) or 'none'}"


def groups_in_words(groups: list[dict[str, Any]]) -> list[str]:
    """One line for each group."""
    if not groups:
        return ["No classes are taken for each other more than others are."]
    return [
        f"- {', '.join(group['classes'][:-1])} and {group['classes'][-1]}: of the photos of one,"
        f" {group['share']:.1%} are taken for another of them."
        for group in groups
    ]
