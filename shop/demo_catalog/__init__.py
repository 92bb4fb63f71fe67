"""The demo shop's catalog: product photos, catalog.csv, customers' photos, queries.csv."""

import csv
from pathlib import Path

CATALOG = Path(__file__).resolve().with_name("catalog.csv")
QUERIES = CATALOG.with_name("queries.csv")


def rows(path: Path = CATALOG) -> list[dict[str, str]]:
    """Read the rows of `catalog.csv` or `queries.csv`, by column name."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pictures() -> list[Path]:
    """Return the paths of the products' main pictures."""
    return [CATALOG.parent / row["image"] for row in rows()]
