"""The products that the benchmark searches, in memory."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shop.demo_catalog import rows
from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.photos.decode import Limits, open_photo
from visualsearch.photos.format_limits import with_heic


@cache
def encoder() -> OnnxEncoder:
    """Return the shipped model on one thread."""
    return OnnxEncoder(SHIPPED_MODEL, threads=1)


@cache
def limits() -> Limits:
    """Return the usual limits with HEIC."""
    return Limits(formats=with_heic())


def embedding(image: Image.Image) -> NDArray[np.float32]:
    """Return the normalised embedding of an sRGB image."""
    return encoder().encode([image]).embeddings[0]


def embedding_of(data: bytes) -> NDArray[np.float32]:
    """Return the normalised embedding of a file; raises a PhotoError."""
    return embedding(open_photo(data, limits=limits()).image)


def main_pictures(catalog: Path) -> dict[str, Path]:
    """Return the path of each product's main picture by SKU; ``catalog``: as load_catalog reads."""
    return {row["sku"]: catalog.parent / row["image"] for row in rows(catalog)}


class Products:
    """A catalog to search; ``pictures``: a path by SKU."""

    def __init__(self, pictures: dict[str, Path]):
        self.skus = list(pictures)
        self.embeddings = np.stack([embedding_of(path.read_bytes()) for path in pictures.values()])

    def first(self, image: Image.Image) -> str:
        """Return the SKU of the product that is most similar to an sRGB image."""
        return self.skus[int((self.embeddings @ embedding(image)).argmax())]
