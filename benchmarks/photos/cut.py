"""Search with JPEGs that were cut at random places past 80 % of their bytes."""

from __future__ import annotations

import argparse
import random
from pathlib import Path

from PIL import Image, ImageOps

from benchmarks.photos.catalog import Products, main_pictures
from benchmarks.search.report import table as markdown
from shop.demo_catalog import rows
from tests.helpers.pictures import encoded
from visualsearch.exceptions import PhotoError
from visualsearch.photos.decode import open_photo

# Shares of a file that are kept, and of the sides of a part.
LEAST, SIDE = 0.8, 0.85
WARNING = "image_truncated"


def queries(args: argparse.Namespace) -> list[tuple[str, bytes]]:
    """Return the SKU and a JPEG of each photo; without --queries, parts of the products' pictures.

    Two of three are baseline, the others progressive.
    """
    rng = random.Random(args.seed)
    if args.queries:
        listed = [(row["sku"], args.queries.parent / row["image"]) for row in rows(args.queries)]
    else:
        listed = list(main_pictures(args.catalog).items())
    photos = []
    for number, (sku, path) in enumerate(listed):
        image = opened(path)
        if not args.queries:
            image = part(image, rng)
        photos.append((sku, encoded(image, quality=88, progressive=number % 3 == 2)))
    return photos


def opened(path: Path) -> Image.Image:
    """Return an upright RGB image of a file."""
    with Image.open(path) as image:
        return ImageOps.exif_transpose(image).convert("RGB")


def part(image: Image.Image, rng: random.Random) -> Image.Image:
    """Return a random part of an image."""
    width, height = (round(side * SIDE) for side in image.size)
    left, top = rng.randint(0, image.width - width), rng.randint(0, image.height - height)
    return image.crop((left, top, left + width, top + height))


def table(args: argparse.Namespace) -> int:
    """Print how many cut photos are searched, and how many find their product as if uncut."""
    rng, products = random.Random(args.seed), Products(main_pictures(args.catalog))
    photos = queries(args)
    right = [products.first(open_photo(data).image) == sku for sku, data in photos]
    searched = warned = among = still = 0
    for number in range(args.cuts):
        place = number % len(photos)
        sku, data = photos[place]
        among += right[place]
        try:
            photo = open_photo(data[: rng.randrange(int(LEAST * len(data)), len(data))])
        except PhotoError:
            continue
        searched += 1
        warned += WARNING in photo.warnings
        still += right[place] and products.first(photo.image) == sku
    print(f"{len(products.skus)} products, {len(photos)} photos of {args.catalog.parent.name}\n")
    lines = [
        ["cut files", args.cuts],
        ["searched", searched],
        [f"of these with the warning `{WARNING}`", warned],
        ["files whose product is first if they are not cut", among],
        ["of these, product still first", f"{still} ({still / max(1, among):.3f}; goal .95)"],
    ]
    print(markdown(["", ""], lines))
    return 0
