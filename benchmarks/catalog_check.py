"""Measure what the catalog check relies on, on the demo's pictures.

``python -m benchmarks.catalog_check`` prints how often a colour has the shop's word, and the
cosines of copies of a picture and of the most similar pictures of two products.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from itertools import combinations
from pathlib import Path

import numpy as np
from PIL import Image

from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.photos.colour_names import are_near, name_colour, names_in

DEMO = Path(__file__).resolve().parent.parent / "shop/demo_catalog"
# Every so many pictures is copied.
EVERY = 4


def with_quality(image: Image.Image, quality: int) -> Image.Image:
    """Return an image as it is after storing it as JPEG."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=quality)
    return Image.open(buffer).convert("RGB")


def cropped(image: Image.Image, share: float) -> Image.Image:
    """Return an image without ``share`` of its width and of its height."""
    w, h = image.size
    x, y = round(share / 2 * w), round(share / 2 * h)
    return image.crop((x, y, w - x, h - y))


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "JPEG quality 60": lambda image: with_quality(image, 60),
    "half the size": lambda image: with_quality(image.reduce(2), 85),
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "cropped by 5 %": lambda image: cropped(image, 0.05),
    "cropped by 15 %": lambda image: cropped(image, 0.15),
}


def main() -> None:
    """Print the figures."""
    with (DEMO / "catalog.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    images = [Image.open(DEMO / row["image"]).convert("RGB") for row in rows]
    measure_colours(rows, images)
    measure_copies(images)


def measure_colours(rows: list[dict[str, str]], images: list[Image.Image]) -> None:
    """Print how often the colour of a picture has the word of the shop, or a neighbouring one."""
    same = near = 0
    for row, image in zip(rows, images, strict=True):
        found, _share = name_colour(image)
        names = names_in(row["color"])
        same += found in names
        near += any(are_near(found, name) for name in names)
    count = len(rows)
    print(
        f"colours of {count} pictures: the very word {same / count:.0%}, or near {near / count:.0%}"
    )


def measure_copies(images: list[Image.Image]) -> None:
    """Print the least cosine of each kind of copies, and the greatest of two products."""
    encoder = OnnxEncoder(package=SHIPPED_MODEL)
    vectors = np.concatenate([encoder.encode([image]).embeddings for image in images])
    for name, change in COPIES.items():
        cosines = [
            float(encoder.encode([change(images[place])]).embeddings[0] @ vectors[place])
            for place in range(0, len(images), EVERY)
        ]
        print(f"{name}: least cosine {min(cosines):.3f}, median {np.median(cosines):.3f}")
    others = sorted(float(vectors[a] @ vectors[b]) for a, b in combinations(range(len(images)), 2))
    print(f"two products: greatest cosines {others[-1]:.3f}, {others[-2]:.3f}, {others[-3]:.3f}")


if __name__ == "__main__":
    main()
