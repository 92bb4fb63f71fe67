"""Build the tables of a comparison of model packages, as values for templates.

A report is the result of :func:`.evaluation.evaluate` on a package, with its ``catalogs``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np

from ..measuring.confusion import confused_pairs

Report = dict[str, Any]
Commands = dict[str, str]
# The share of clutter that the summary quotes.
SHARE = 0.4
NOTHING = "–"
# Sections of the notes by key; ``intro`` comes first.
SECTIONS = (("How it was made", "made"), ("Where it fails", "fails"), ("Licences", "licences"))


@dataclass(frozen=True, kw_only=True)
class Line:
    """A table row for one metric: formatted ``cells``, one per package, and the change.

    ``verdict``: ``better``, ``worse`` or empty, for the second package against the first.
    ``command``: key of the command that measures it.
    """

    title: str
    cells: list[str]
    change: str
    verdict: str
    command: str


@dataclass(frozen=True, kw_only=True)
class Figure:
    """A metric to compare between reports.

    ``read``: getter of its value in a report. ``command``: key of the command that measures it.
    ``digits``: number of decimals.
    """

    title: str
    read: Callable[[Report], float | None]
    command: str
    digits: int = 3
    lower_is_better: bool = False

    def line(self, reports: Sequence[Report]) -> Line:
        """Return the metric's row for these reports; a dash stands for a missing value."""
        values = [self.read(report) for report in reports]
        before, after = values[:2]
        change, verdict = "", ""
        if before is not None and after is not None:
            # Compare rounded values: figures that are printed alike count as equal.
            difference = round(after, self.digits) - round(before, self.digits)
            change = f"{difference:+.{self.digits}f}".replace("-", "−")
            if round(difference, self.digits):
                verdict = "better" if (difference < 0) == self.lower_is_better else "worse"
            else:
                change = "="
        return Line(
            title=self.title,
            cells=[number(value, self.digits) for value in values],
            change=change,
            verdict=verdict,
            command=self.command,
        )


def number(value: float | None, digits: int = 3) -> str:
    """Format a number: ``.918`` for shares, ``13.8`` for others, a dash for None."""
    if value is None:
        return NOTHING
    text = f"{value:.{digits}f}"
    return text[1:] if digits == 3 and text.startswith("0.") else text


def path(*keys: Any) -> Callable[[Report], Any]:
    """Return a getter of ``report[a][b]…``; it returns None if a key is missing."""

    def read(report: Report) -> Any:
        found: Any = report
        for key in keys:
            found = found.get(key) if isinstance(found, dict) else None
        return found

    return read


def clutter_getter(kind: str, key: str, share: float = SHARE) -> Callable[[Report], float | None]:
    """Return a getter of a metric in a report, for photos that cover ``share`` of a scene.

    ``kind``: ``whole`` or ``subject``. ``key``: ``accuracy`` or ``recall@1``.
    """

    def read(report: Report) -> float | None:
        rows = report["instances"]["clutter_with_subject"]
        found = next(row[kind] for row in rows if row["share"] == share)
        return found[key] if found else None

    return read


def megabytes(report: Report) -> float:
    """Return the size of the model's file in MB (10^6 bytes), from an evaluation report."""
    size: int = report["size_bytes"]
    return size / 1e6


def summary_rows(catalogs: Sequence[str]) -> list[Figure]:
    """Return the metrics of the summary table: accuracy, cost, retrieval, distortion, clutter.

    ``catalogs``: names of the catalogs whose retrieval was measured.
    """
    evaluated = partial(Figure, command="evaluate")
    cost = partial(evaluated, digits=1, lower_is_better=True)
    figures = [
        evaluated(title="accuracy", read=path("accuracy")),
        evaluated(title="calibration error", read=path("ece"), lower_is_better=True),
        cost(title="size, MB", read=megabytes),
        cost(title="one image on one thread, ms", read=path("latency_ms", "p50")),
        cost(title="load, ms", read=path("resources", "load_ms")),
        cost(title="peak memory, MB", read=path("resources", "peak_memory_mb")),
    ]
    for name in catalogs:
        for kind, key in (("sku", "recall@1"), ("sku", "recall@10"), ("style", "recall@1")):
            title = f"{name}, {key}" + (" by style" if kind == "style" else "")
            read = path("catalogs", name, kind, key)
            figures.append(Figure(title=title, read=read, command=name))
    read = path("instances", "distortions", "mean", "recall@1")
    figures.append(Figure(title="same photo, distorted, recall@1", read=read, command="instances"))
    for key in ("accuracy", "recall@1"):
        for kind, words in (("whole", "whole photo"), ("subject", "its subject")):
            title = f"clutter, photo on {SHARE:.0%}, {key}, {words}"
            figures.append(Figure(title=title, read=clutter_getter(kind, key), command="instances"))
    return figures


def lines(figures: Sequence[Figure], reports: Sequence[Report]) -> list[Line]:
    """Return the rows of these metrics, without those that all evaluation reports lack."""
    found = [figure.line(reports) for figure in figures]
    return [line for line in found if set(line.cells) != {NOTHING}]


def class_rows(reports: Sequence[Report]) -> list[tuple[Line, Line]]:
    """Return a row for recall and one for precision of every class.

    ``reports``: evaluation reports, one per package.
    """

    def line(label: str, key: str) -> Line:
        return Figure(title=label, read=path("per_class", label, key), command="evaluate").line(
            reports
        )

    labels = reports[1]["confusion"]["labels"]
    return [(line(label, "recall"), line(label, "precision")) for label in labels]


def distortion_rows(reports: Sequence[Report]) -> list[Line]:
    """Return rows for recall@1, recall@5 and MRR after each distortion.

    ``reports``: evaluation reports, one per package.
    """
    figures = [
        Figure(
            title=f"{name}, {'MRR' if key == 'mrr' else key}",
            read=path("instances", "distortions", name, key),
            command="instances",
        )
        for name in reports[1]["instances"]["distortions"]
        for key in ("recall@1", "recall@5", "mrr")
    ]
    return lines(figures, reports)


def clutter_rows(reports: Sequence[Report]) -> list[Line]:
    """Return rows for accuracy and recall@1 at each share of a scene, whole photo and subject.

    ``reports``: evaluation reports, one per package.
    """
    figures = [
        Figure(
            title=f"{row['share']:.0%}, {key}, {words}",
            read=clutter_getter(kind, key, row["share"]),
            command="instances",
        )
        for row in reports[1]["instances"]["clutter_with_subject"]
        for key in ("accuracy", "recall@1")
        for kind, words in (("whole", "whole photo"), ("subject", "its subject"))
    ]
    return lines(figures, reports)


def confusion_table(report: Report) -> dict[str, Any]:
    """Return a report's confusion matrix as ``rows`` of (count, percent), with ``labels``.

    ``pairs``: the most frequent confusions.
    """
    labels, counts = report["confusion"]["labels"], np.array(report["confusion"]["counts"])
    shares = (100 * counts / np.maximum(1, counts.sum(1, keepdims=True))).round().astype(int)
    rows = [
        (label, list(zip(*each, strict=True)))
        for label, *each in zip(labels, counts.tolist(), shares.tolist(), strict=True)
    ]
    return {"labels": labels, "rows": rows, "pairs": confused_pairs(counts, labels)}


def tried(rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return the table of experiments in the notes: ``columns``, and ``rows`` with dashes for gaps.

    ``rows``: dicts with ``what`` was tried, whether it was ``kept``, and results by name.
    """
    named = {key: None for row in rows for key in row if key not in ("what", "kept")}
    return {
        "columns": list(named),
        "rows": [
            {
                "what": row["what"],
                "kept": row.get("kept", False),
                "cells": [str(row.get(key, NOTHING)) for key in named],
            }
            for row in rows
        ],
    }


def view(reports: Sequence[Report], commands: Commands, notes: dict[str, Any]) -> dict[str, Any]:
    """Return the template context of the page and the model card.

    ``reports``: before, after, and any others. ``commands``: command line by key. ``notes``:
    contents of the notes file.
    """
    roles = ["before", "after", *(["also"] * (len(reports) - 2))]
    at_a_glance = lines(summary_rows(list(reports[1]["catalogs"])), reports)
    return {
        "columns": [
            (role, each["package"]["name"]) for role, each in zip(roles, reports, strict=True)
        ],
        "reports": reports,
        "after": reports[1],
        "summary": at_a_glance,
        "complete": all(NOTHING not in line.cells for line in at_a_glance),
        "by_class": class_rows(reports),
        "distortions": distortion_rows(reports),
        "ways": len(reports[1]["instances"]["distortions"]) - 1,
        "clutter": clutter_rows(reports),
        "confusion": [
            ("before", confusion_table(reports[0])),
            ("after", confusion_table(reports[1])),
        ],
        "commands": commands,
        "problems": notes.get("problem", []),
        "tried": tried(notes.get("tried", [])),
        "text": dict.fromkeys(("intro", *dict(SECTIONS).values()), "") | notes.get("text", {}),
        "sections": SECTIONS,
    }
