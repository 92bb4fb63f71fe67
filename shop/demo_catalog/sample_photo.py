"""Print the path of a photo to try a catalog with: `python -m … CATALOG.csv`."""

import csv
import sys
from pathlib import Path


def sample_photo(catalog: Path) -> Path:
    """Return the path of the first photo in the ``queries.csv`` beside a catalog.

    Without that file, return the catalog's first picture.
    """
    queries = catalog.with_name("queries.csv")
    source = queries if queries.is_file() else catalog
    with source.open(newline="", encoding="utf-8-sig") as file:
        return catalog.parent / next(csv.DictReader(file))["image"]


if __name__ == "__main__":
    print(sample_photo(Path(sys.argv[1])))
