"""Measure how often the first product found is of the photo's class.

    python -m benchmarks.first_hit FOLDER [--catalog CSV] [--json]

FOLDER has one folder of photos per class of the model, such as ``dress`` or ``t-shirt``. A shop is
loaded and indexed in a temporary folder. Each photo is then searched through the API, without a
category. The class of a photo and the category of a product are matched by ``shop.visual``.
"""

from __future__ import annotations

import argparse
import json
import os
from collections import defaultdict
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.search.places import ROOT, shop

CATALOG = ROOT / "shop" / "demo_catalog" / "catalog.csv"
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.first_hit",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("folder", type=Path, help="a folder of photos per class")
    parser.add_argument("--catalog", type=Path, default=CATALOG, help="the shop's CSV (the demo's)")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args()


def open_shop(folder: Path, catalog: Path) -> None:
    """Set up Django in this process with a new shop in ``folder``, loaded and indexed.

    ``catalog``: CSV of its products.
    """
    os.environ.update(shop(folder, HTTPS="false", LOG_LEVEL="WARNING"))
    import django
    from django.core.management import call_command

    django.setup()
    with (folder / "log").open("w") as log:
        call_command("migrate", verbosity=0)
        call_command("load_catalog", str(catalog), "--no-index", stdout=log)
        call_command("visualsearch_index", all=True, stdout=log)


def photos(folder: Path) -> dict[str, list[Path]]:
    """List the photos of a folder with a subfolder per class, by class; exit if there are none."""
    found = {
        each.name: sorted(path for path in each.iterdir() if path.suffix.lower() in SUFFIXES)
        for each in sorted(folder.iterdir())
        if each.is_dir()
    }
    if not any(found.values()):
        raise SystemExit(f"no photo in the folders of {folder}")
    return found


def first_category(photo: Path) -> str:
    """Search a photo through the API; return the category of the first product, or "".

    Exits if the API returns an error.
    """
    from django.test import Client

    client = Client(headers={"host": "localhost"})
    with photo.open("rb") as file:
        answer = client.post("/api/visual-search/search/?limit=12", {"image": file})
    if answer.status_code != 200:
        raise SystemExit(f"{photo}: {answer.status_code} {answer.content!r}")
    results = answer.json()["results"]
    return str(results[0]["product"]["category"]) if results else ""


def measure(folder: Path) -> dict[str, list[str]]:
    """Return the category of the first product found for every photo, by the photo's class."""
    found: dict[str, list[str]] = defaultdict(list)
    for label, paths in photos(folder).items():
        for path in paths:
            found[label].append(first_category(path))
    return found


def is_right(label: str, category: str) -> bool:
    """Return whether products of a category belong to a class of the model."""
    from shop.visual import of_class

    return bool(of_class(label, [(1, category, category)]))


def report(found: dict[str, list[str]]) -> dict[str, dict[str, int]]:
    """Return, for each class and for ``all``, the number of ``photos`` and of ``right`` ones.

    A photo is right if the first product found is of its class. ``found``: result of
    :func:`measure`.
    """
    rows = {
        label: {"photos": len(names), "right": sum(is_right(label, name) for name in names)}
        for label, names in found.items()
    }
    total = {key: sum(row[key] for row in rows.values()) for key in ("photos", "right")}
    return {**rows, "all": total}


def main(args: argparse.Namespace) -> None:
    with TemporaryDirectory() as folder:
        open_shop(Path(folder), args.catalog.resolve())
        rows = report(measure(args.folder))
    if args.json:
        print(json.dumps(rows))
        return
    print("| class | photos | first hit of the class | share |\n|---|---|---|---|")
    for label, row in rows.items():
        share = row["right"] / max(1, row["photos"])
        print(f"| {label} | {row['photos']} | {row['right']} | {share:.2f} |")


if __name__ == "__main__":
    main(parse_args())
