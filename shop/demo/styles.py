"""The demo collection: every style with its cut, material, details and colours."""

import csv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class Style:
    """A product line in all its colours, each "main" or "main/second"."""

    code: str
    kind: str
    cut: str
    name: str
    gender: str
    price: str
    material: str
    pattern: str
    details: tuple[str, ...]
    colours: tuple[str, ...]
    views: tuple[str, ...]


LISTS = {"details", "colours", "views"}


def _styles() -> Iterator[Style]:
    with Path(__file__).with_name("styles.csv").open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            lists = {name: tuple(filter(None, row.pop(name).split("|"))) for name in LISTS}
            yield Style(**row, **lists)  # type: ignore[arg-type]


STYLES: tuple[Style, ...] = tuple(_styles())
