"""Write the demo catalog: product pictures, catalog.csv, customer photos and queries.csv."""

import csv
import hashlib
import json
import os
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import asdict
from multiprocessing import get_context
from pathlib import Path

import numpy
import PIL

from .photos import SAMPLE, photo_file, photos
from .products import Product, products
from .studio import jpeg, product_photo

VERSION = 1  # increase it when the drawing code changes pictures
MARKER = "demo-catalog.json"
COLUMNS = ["sku", "style", "name", "category", "gender", "color", "price", "material"]
COLUMNS += ["pattern", "stock", "image", "images"]

Progress = Callable[[int, int], object]  # called with (pictures done, total)
Task = tuple[str, int]  # "product" or "photo", and its number


def image_paths(product: Product) -> list[str]:
    """Return the paths of a product's pictures relative to the catalog, main picture first."""
    return [f"images/{product.sku.lower()}-{view}.jpg" for view in product.views]


def product_files(product: Product) -> dict[str, bytes]:
    """Return a product's pictures as JPEG bytes by path."""
    pictures = (jpeg(product_photo(product, view)) for view in product.views)
    return dict(zip(image_paths(product), pictures, strict=True))


def fingerprint() -> str:
    """Return a hash of all that determines the catalog's content."""
    described = {
        "version": VERSION,
        "libraries": [numpy.__version__, PIL.__version__],
        "products": [{**asdict(one), "details": sorted(one.details)} for one in products()],
        "photos": [asdict(one) for one in photos()],
    }
    return hashlib.sha256(json.dumps(described, sort_keys=True).encode()).hexdigest()


def draw_catalog(folder: Path, *, progress: Progress | None = None) -> Path:
    """Draw the catalog into a folder unless it is up to date; return the path of catalog.csv."""
    folder = Path(folder)
    catalog, marker = folder / "catalog.csv", folder / MARKER
    if _complete(folder, marker):
        return catalog
    marker.unlink(missing_ok=True)
    for name in ("images", "queries"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    written = _draw_all(folder, progress)
    _write_rows(catalog, COLUMNS, map(_row, products()))
    rows = (
        {"image": f"queries/{p.name}", "sku": p.sku, "style": p.product.style} for p in photos()
    )
    _write_rows(folder / "queries.csv", ["image", "sku", "style"], rows)
    # The marker is written last, so that an incomplete catalog is drawn again.
    unfinished = marker.with_suffix(".tmp")
    unfinished.write_text(json.dumps({"fingerprint": fingerprint(), "files": sorted(written)}))
    unfinished.replace(marker)
    return catalog


def sample_query(folder: Path) -> Path:
    """Return the path of the customer photo suggested for a first search."""
    return Path(folder) / "queries" / SAMPLE.name


def _complete(folder: Path, marker: Path) -> bool:
    if not marker.is_file():
        return False
    stored = json.loads(marker.read_text())
    if stored["fingerprint"] != fingerprint():
        return False
    needed = [*stored["files"], "catalog.csv", "queries.csv"]
    return all((folder / name).is_file() for name in needed)


def _draw_all(folder: Path, progress: Progress | None) -> list[str]:
    tasks: list[Task] = [("photo", number) for number in range(len(photos()))]
    tasks += [("product", number) for number in range(len(products()))]
    written: list[str] = []
    # Spawn instead of fork: the caller may be a server with threads and a model in memory.
    workers = min(8, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        for names in pool.map(_draw, [str(folder)] * len(tasks), tasks, chunksize=4):
            written += names
            if progress:
                progress(len(written), _picture_count())
    return written


def _picture_count() -> int:
    return sum(len(product.views) for product in products()) + len(photos())


def _draw(folder: str, task: Task) -> list[str]:
    """Draw and write the pictures of one product, or one photo; return their paths."""
    what, number = task
    if what == "product":
        files = product_files(products()[number])
    else:
        photo = photos()[number]
        files = {f"queries/{photo.name}": photo_file(photo)}
    for name, data in files.items():
        (Path(folder) / name).write_bytes(data)
    return list(files)


def _row(product: Product) -> dict[str, str | int]:
    paths = image_paths(product)
    return {
        "sku": product.sku,
        "style": product.style,
        "name": product.name,
        "category": product.category,
        "gender": product.gender,
        "color": product.colour,
        "price": product.price,
        "material": product.material,
        "pattern": product.pattern,
        "stock": product.stock,
        "image": paths[0],
        "images": "|".join(paths),
    }


def _write_rows(path: Path, columns: list[str], rows: Iterable[Mapping[str, str | int]]) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
