"""Read and write a run's ``log.csv``, one row per epoch, and choose the best epoch."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

Row = dict[str, float]


def read_log(folder: Path) -> list[Row]:
    """Return the rows of ``log.csv``."""
    path = folder / "log.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            {name: float(value) for name, value in row.items() if value}
            for row in csv.DictReader(file)
        ]


def append_log(folder: Path, epoch: int, row: Row) -> None:
    """Append the row of an epoch; drop rows of this and later epochs."""
    rows = [*read_log(folder)[: epoch - 1], {"epoch": epoch, **row}]
    part = folder / "log.part"
    with part.open("w", newline="") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[-1]), extrasaction="ignore")
        writer.writeheader()
        writer.writerows(rows)
    part.replace(folder / "log.csv")


def best_epoch(rows: Sequence[Row]) -> int:
    """Return the epoch of highest validation accuracy, ties by least loss; 0 without epochs.

    It depends on the log only, so that a resumed run finds the same one.
    """
    if not rows:
        return 0
    best = max(rows, key=lambda row: (row["accuracy"], -row.get("validation_loss", 0.0)))
    return rows.index(best) + 1


def out_of_patience(rows: Sequence[Row], patience: int) -> bool:
    """Return whether the last ``patience`` epochs brought no improvement; 0: never."""
    return 0 < patience <= len(rows) - best_epoch(rows)
