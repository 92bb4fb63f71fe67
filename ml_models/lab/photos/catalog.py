"""Read lists of labelled photos, and catalog CSV files with several photos per product."""

from __future__ import annotations

import csv
import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ..exceptions import Refused

REQUIRED = ("sku", "category", "image")
SEPARATOR = "|"


@dataclass(frozen=True, kw_only=True)
class Listing:
    """N photos on disk with their classes and products.

    ``labels``: N indices into ``classes``. ``groups``: N product names; photos of one product must
    stay on the same side of a split.
    """

    paths: list[Path]
    labels: list[int]
    groups: list[str]
    classes: list[str]

    def select(self, places: Iterable[int]) -> Listing:
        """Return a listing of the photos at the indices ``places``; ``classes`` stays complete."""
        chosen = list(places)
        return Listing(
            paths=[self.paths[k] for k in chosen],
            labels=[self.labels[k] for k in chosen],
            groups=[self.groups[k] for k in chosen],
            classes=self.classes,
        )

    def groups_per_class(self) -> dict[str, int]:
        """Count the products of each class, classes without any (0) included."""
        pairs = set(zip(self.labels, self.groups, strict=True))
        return {name: sum(label == k for label, _ in pairs) for k, name in enumerate(self.classes)}


@dataclass(frozen=True, kw_only=True)
class Product:
    """A line of a catalog; ``where`` is “file, line n” for error messages."""

    where: str
    sku: str
    category: str
    images: list[Path]


def read_catalog(path: Path) -> Listing:
    """Read the photos of a catalog CSV with the columns sku, category, image and optionally images.

    Products that share a photo form one group, so that a split does not separate them. Raises
    Refused for an invalid file, a missing photo, or a photo listed in two categories.
    """
    group_of: dict[Path, str] = {}
    category_of: dict[Path, str] = {}
    for product in read_products(path):
        for image in product.images:
            if category_of.setdefault(image, product.category) != product.category:
                raise Refused(
                    f"{product.where}: {image.name} is also a picture of"
                    f" “{category_of[image]}”: leave it in one category"
                )
        joined = {group_of[image] for image in product.images if image in group_of}
        if joined:
            group_of = {k: product.sku if g in joined else g for k, g in group_of.items()}
        group_of |= dict.fromkeys(product.images, product.sku)
    if not group_of:
        raise Refused(f"{path} holds no products: write one line for each below the first line")
    classes = sorted(set(category_of.values()))
    return Listing(
        paths=list(group_of),
        labels=[classes.index(category_of[image]) for image in group_of],
        groups=list(group_of.values()),
        classes=classes,
    )


def read_products(path: Path) -> list[Product]:
    """Read the products of a catalog CSV.

    Raises Refused for a file that is not CSV in UTF-8, missing columns or values, a missing photo
    or a repeated sku.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            reader = csv.DictReader(file, strict=True)
            header = [name.strip().lower() for name in reader.fieldnames or ()]
            reader.fieldnames = header
            rows = [(reader.line_num, row) for row in reader if any(row.values())]
    except (UnicodeDecodeError, csv.Error) as error:
        raise Refused(f"{path} is no CSV in UTF-8 ({error}): save it as “CSV UTF-8”") from error
    missing = [name for name in REQUIRED if name not in header]
    if missing:
        raise Refused(
            f"{path}: the first line lacks {', '.join(missing)}; it must name the columns"
            f" {', '.join(REQUIRED)}, separated by commas, and may name images"
        )
    products = [read_product(path, line, row) for line, row in rows]
    lines: dict[str, str] = {}
    for product in products:
        if lines.setdefault(product.sku, product.where) != product.where:
            raise Refused(
                f"{product.where}: {product.sku} is already on {lines[product.sku]}; put further"
                f" pictures into the column images, separated by {SEPARATOR}"
            )
    return products


def read_product(path: Path, line: int, row: dict[str, Any]) -> Product:
    """Convert a row of :class:`csv.DictReader` to a product; image paths start at the CSV's folder.

    ``path`` and ``line`` are for error messages. Raises Refused for an invalid row or a missing
    photo.
    """
    where = f"{path}, line {line}"
    if any(row.get(None, ())):  # type: ignore[call-overload]
        raise Refused(f"{where} has more fields than the first: quote a value that has a comma")
    fields = {name: (row[name] or "").strip() for name in REQUIRED}
    empty = [name for name, value in fields.items() if not value]
    if empty:
        raise Refused(f"{where}: {' and '.join(empty)} must be filled")
    further = [part.strip() for part in (row.get("images") or "").split(SEPARATOR)]
    names = [fields["image"], *filter(None, further)]
    # Normalise the path, so that pictures shared by two products are recognised.
    images = [(path.parent / name).resolve() for name in names]
    for name, image in zip(names, images, strict=True):
        if not image.is_file():
            raise Refused(f"{where}: there is no {name}; paths start at the folder of the CSV")
    return Product(where=where, sku=fields["sku"], category=fields["category"], images=images)


def write_catalog(listing: Listing, path: Path) -> None:
    """Write a listing as a catalog CSV, one row per product, that :func:`read_catalog` can read."""
    images: dict[str, list[str]] = {}
    for photo, group in zip(listing.paths, listing.groups, strict=True):
        images.setdefault(group, []).append(os.path.relpath(photo.resolve(), path.parent.resolve()))
    category = dict(
        zip(listing.groups, (listing.classes[label] for label in listing.labels), strict=True)
    )
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)
        writer.writerow(("sku", "category", "image", "images"))
        for group, (first, *further) in images.items():
            writer.writerow((group, category[group], first, SEPARATOR.join(further)))
