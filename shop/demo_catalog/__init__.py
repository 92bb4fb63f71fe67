"""The sample shop's catalog: photos, catalog.csv, and customers' photos with queries.csv."""

import csv
from pathlib import Path

CATALOG = Path(__file__).resolve().with_name("catalog.csv")
QUERIES = CATALOG.with_name("queries.csv")


def rows(path: Path = CATALOG) -> list[dict[str, str]]:
    """Return the rows of a CSV file of this folder."""
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def pictures() -> list[Path]:
    """Return the products' main pictures."""
    return [CATALOG.parent / row["image"] for row in rows()]
