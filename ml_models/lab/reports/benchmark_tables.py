"""Write the benchmark's report in Markdown.

A result or row is the contents of a network's ``result.json``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..measuring.class_groups import alike_classes

COLUMNS = {
    "name": "architecture",
    "accuracy": "accuracy",
    "on_people": "on people",
    "training_seconds": "training, s",
    "training_cpu_seconds": "training, CPU s",
    "latency_ms": "inference, ms",
    "size_mb": "file, MB",
    "parameters": "parameters",
    "peak_memory_mb": "peak memory, MB",
}
# A cheaper network with an accuracy this close to the best is preferred.
CLOSE = 0.02
STARTS = {"scratch": "From scratch", "pretrained": "From pretrained weights"}


def benchmark_summary(results: list[dict[str, Any]], training_photos: int) -> dict[str, Any]:
    """Return the contents of ``benchmark.json``: all results and the groups of similar classes.

    ``results``: contents of each network's ``result.json``. ``training_photos``: their number.
    """
    people = [result["people"] for result in results if "people" in result]
    return {
        "training_photos": training_photos,
        "validation_photos": results[0]["photos"],
        "people_photos": people[0]["photos"] if people else 0,
        "architectures": results,
        "alike": alike_of(results),
        "alike_on_people": alike_of(people) if people else [],
    }


def alike_of(results: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the groups of classes that networks, taken together, often confuse.

    ``results``: contents of each network's ``result.json``.
    """
    counts = np.sum([result["confusion"]["counts"] for result in results], axis=0)
    return alike_classes(counts, results[0]["confusion"]["labels"])


def report_markdown(report: dict[str, Any]) -> str:
    """Return ``benchmark.md``: tables, recommendations and confusions as Markdown.

    ``report``: result of :func:`benchmark_summary`.
    """
    rows = report["architectures"]
    people = report["people_photos"]
    judged = f"{report['validation_photos']} validation photos"
    if people:
        judged += f" and {people} garments on people"
    lines = [
        "# Architectures, measured\n",
        f"{report['training_photos']} training photos, {judged}, {rows[0]['settings']['side']}"
        f" pixels, one recipe (`result.json` of each): {lengths(rows)}. Inference: one image on one"
        " thread of ONNX Runtime, float32, preprocessing included, median.\n",
    ]
    for start, title in STARTS.items():
        if chosen := [row for row in rows if row["start"] == start]:
            lines += [f"## {title}\n", *table(chosen, bool(people)), "", *conclusion(chosen), ""]
    if len({row["start"] for row in rows}) > 1:
        lines += [
            "**A row of one table and a row of the other do not compare architectures**, but"
            " where the training started: from weights that had seen a million other photos, or"
            " from nothing.",
            *worth_of_starts(rows),
            "",
        ]
    lines += ["## Most confused\n", *map(pairs_in_words, rows), ""]
    if people:
        lines += ["On people:\n", *(pairs_in_words(row | row["people"]) for row in rows), ""]
    lines += ["## Classes that look alike\n", *groups_in_words(report["alike"]), ""]
    if people:
        lines += ["On people:\n", *groups_in_words(report["alike_on_people"]), ""]
    return "\n".join(lines)


def lengths(rows: Sequence[dict[str, Any]]) -> str:
    """Return a phrase with the number of epochs, from scratch and from pretrained weights.

    ``rows``: contents of each network's ``result.json``.
    """
    epochs = {row["start"]: row["settings"]["epochs"] for row in rows}
    return ", ".join(
        f"{count} epochs {STARTS[start][0].lower()}{STARTS[start][1:]}"
        for start, count in epochs.items()
    )


def table(rows: list[dict[str, Any]], people: bool) -> list[str]:
    """Return the lines of a Markdown table of networks, the most accurate first.

    ``rows``: contents of each network's ``result.json``. ``people``: whether to add the accuracy
    for garments on people.
    """
    columns = {name: title for name, title in COLUMNS.items() if people or name != "on_people"}
    lines = [f"| {' | '.join(columns.values())} |", "|---|" + "---:|" * (len(columns) - 1)]
    for row in sorted(rows, key=lambda row: -row["accuracy"]):
        cells = row | {
            "accuracy": f"{row['accuracy']:.3f}",
            "on_people": f"{row['people']['accuracy']:.3f}" if people else "",
            "parameters": f"{row['parameters'] / 1e6:.2f} M",
        }
        lines.append(f"| {' | '.join(str(cells[name]) for name in columns)} |")
    return lines


def conclusion(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Recommend the fastest of the networks whose accuracy is within 2 points of the best.

    ``rows``: contents of each network's ``result.json``. Return one sentence, or none for a single
    network.
    """
    best = max(rows, key=lambda row: row["accuracy"])
    close = [row for row in rows if row["accuracy"] >= best["accuracy"] - CLOSE]
    fast = min(close, key=lambda row: row["latency_ms"])
    if len(rows) < 2:
        return []
    if fast is best:
        return [f"{best['name']} is the most accurate; none within {CLOSE:.0%} of it is faster."]
    return [
        f"{best['name']} is the most accurate. {fast['name']} is right for"
        f" {best['accuracy'] - fast['accuracy']:.1%} fewer photos, in"
        f" {fast['latency_ms'] / best['latency_ms']:.2f} of the time."
    ]


def worth_of_starts(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Return a sentence on the gain by pretrained weights for each network trained both ways.

    ``rows``: contents of each network's ``result.json``.
    """
    found = {(row["architecture"], row["start"]): row["accuracy"] for row in rows}
    return [
        f"Pretrained weights are worth {100 * (found[name, 'pretrained'] - accuracy):.1f} points of"
        f" accuracy to {name}."
        for (name, start), accuracy in found.items()
        if start == "scratch" and (name, "pretrained") in found
    ]


def pairs_in_words(result: dict[str, Any]) -> str:
    """Return a Markdown list item with a network's most frequent confusions.

    ``result``: contents of its ``result.json``.
    """
    pairs = [f"{p['photos']} {p['true']} as {p['predicted']}" for p in result["confused"]]
    return f"- {result['name']}: {', '.join(pairs) or 'none'}"


def groups_in_words(groups: list[dict[str, Any]]) -> list[str]:
    """Return a Markdown list item for each group of classes that are often confused.

    ``groups``: result of :func:`.class_groups.alike_classes`.
    """
    if not groups:
        return ["No classes are taken for each other more than others are."]
    return [
        f"- {', '.join(group['classes'][:-1])} and {group['classes'][-1]}: of the photos of one,"
        f" {group['share']:.1%} are taken for another of them."
        for group in groups
    ]
