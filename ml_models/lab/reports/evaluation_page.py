"""Write an HTML page with each photo of an evaluation: its classes, or a query's hits."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from visualsearch.metrics.photo_page import FIRST, Book, Case, Shown, Table, Thumbnails, write
from visualsearch.photos.decode import open_photo

from ..measuring.classification import Measured
from ..measuring.retrieval import Found


def write_page(folder: Path, measured: Measured, report: dict[str, Any]) -> Path:
    """Write ``index.html`` and thumbnails into a folder; return the page's path.

    ``measured``: a package's results; ``report``: its evaluation report. The page shows the queries
    if there are any, else the classified photos. The thumbnails are copies of the photos, so treat
    the page as confidentially as them.
    """
    thumbnails = Thumbnails(folder)
    book = Book(
        title=f"{report['model']} on labelled photos",
        words=[
            "In brackets: 95 % bootstrap interval over the photos. One without a width only says"
            " that all photos of its group went alike, which few photos often do."
        ],
        tables=[classes_table(report)],
        cases=class_cases(measured, thumbnails),
    )
    if measured.found:
        book.tables = [classes_table(report), retrieval_table(report["retrieval"])]
        book.cases = query_cases(measured.found, thumbnails)
    return write(folder, book)


def class_cases(measured: Measured, thumbnails: Thumbnails) -> list[Case]:
    """Return each photo with its most probable classes, misclassified photos first.

    Thumbnails are added to ``thumbnails``.
    """
    labels = measured.encoder.labels
    cases = []
    for (path, true), row in zip(measured.photos, measured.probabilities, strict=True):
        order = np.argsort(-row, kind="stable").tolist()
        cases.append(
            Case(
                photo=Shown(picture=copy(path, thumbnails), name=path.name),
                answer=Shown(picture=None, name=labels[true]),
                rank=order.index(true) + 1,
                hits=[
                    Shown(picture=None, name=labels[k], note=f"{row[k]:.3f}", right=k == true)
                    for k in order[:FIRST]
                ],
                category=labels[true],
            )
        )
    return sorted(cases, key=lambda case: case.rank == 1)


def query_cases(found: Found, thumbnails: Thumbnails) -> list[Case]:
    """Return each query with its first hits; thumbnails are added to ``thumbnails``."""
    sold: dict[Path, str] = {}

    def picture(path: Path) -> str:
        return sold.get(path) or sold.setdefault(path, copy(path, thumbnails))

    answers = {row.sku: row.image for hits in found.hits for row, _ in hits}
    return [
        Case(
            photo=Shown(picture=copy(row.image, thumbnails), name=row.image.name),
            answer=Shown(
                picture=picture(answers[row.sku]) if row.sku in answers else None, name=row.sku
            ),
            rank=rank,
            hits=[
                Shown(
                    picture=picture(hit.image), name=hit.sku, note=f"{score:.3f}",
                    right=hit.sku == row.sku,
                )
                for hit, score in hits
            ],
            view=row.view,
        )
        for row, rank, hits in zip(found.asked, found.ranks, found.hits, strict=True)
    ]  # fmt: skip


def copy(path: Path, thumbnails: Thumbnails) -> str:
    """Add a thumbnail of a photo to ``thumbnails``; return its name on the page."""
    return thumbnails.add(open_photo(path.read_bytes()).image)


def classes_table(report: dict[str, Any]) -> Table:
    """Return a table of accuracy, and of each class's recall and precision, with intervals.

    ``report``: an evaluation report.
    """
    ends = report["intervals"]
    rows = [
        [
            "all",
            str(report["photos"]),
            figure_with_interval(report["accuracy"], ends.get("accuracy")),
            "",
        ],
        *(
            [
                label,
                str(row["photos"]),
                figure_with_interval(row["recall"], ends["per_class"][label].get("recall")),
                figure_with_interval(row["precision"], ends["per_class"][label].get("precision")),
            ]
            for label, row in report["per_class"].items()
        ),
    ]
    columns = ["", "photos", "accuracy, recall", "precision"]
    return Table(title="By class", columns=columns, rows=rows)


def retrieval_table(found: dict[str, Any]) -> Table:
    """Return a table of the queries' recall@k and MRR with intervals: by sku, style and view.

    ``found``: ``retrieval`` of an evaluation report.
    """
    rows = [
        (kind, found["queries"], found[kind], found["intervals"][kind]) for kind in ("sku", "style")
    ]
    rows += [
        (view, row["queries"], row, row["intervals"]) for view, row in found["by"]["view"].items()
    ]
    return Table(
        title=f"Queries against {found['items']} products",
        columns=["", "queries", *found["sku"]],
        rows=[
            [name, str(count), *(figure_with_interval(row[key], ends[key]) for key in ends)]
            for name, count, row, ends in rows
            if ends
        ],
    )


def figure_with_interval(value: float | None, ends: list[float] | None) -> str:
    """Return a value with its interval ``ends`` as text, such as “0.912 [0.880, 0.940]”.

    A missing one gives a dash.
    """
    if value is None or ends is None:
        return "–"
    return f"{value:.3f} [{ends[0]:.3f}, {ends[1]:.3f}]"
