"""Read and write a run's ``log.csv``, with one row per epoch, and choose the best epoch."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

Row = dict[str, float]


def read_log(folder: Path) -> list[Row]:
    """Return the rows of ``log.csv`` in a run's folder; empty without the file."""
    path = folder / "log.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def append_log(folder: Path, epoch: int, row: Row) -> None:
    """Append the row of ``epoch``, counted from 1, and drop older rows of it and later ones."""
    rows = [*read_log(folder)[: epoch - 1], {"epoch": epoch, **row}]
    part = folder / "log.part"
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[-1]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    part.replace(folder / "log.csv")


def best_epoch(rows: Sequence[Row]) -> int:
    """Return the epoch, counted from 1, with the highest validation accuracy; 0 without rows.

    ``rows``: of ``log.csv``. The lower validation loss decides between equals.
    """
    if not rows:
        return 0
    best = max(rows, key=lambda row: (row["accuracy"], -row.get("validation_loss", 0.0)))
    return rows.index(best) + 1


def out_of_patience(rows: Sequence[Row], patience: int) -> bool:
    """Return whether the last ``patience`` epochs did not improve on the best; 0: never."""
    return 0 < patience <= len(rows) - best_epoch(rows)
