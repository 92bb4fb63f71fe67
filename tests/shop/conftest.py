import csv
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from PIL import Image

from shop.models import Category, Product


def png(color: str, size: tuple[int, int] = (24, 30), compress_level: int = 0) -> bytes:
    """Return a picture of one colour, uncompressed so that all colours give the same file size."""
    buffer = BytesIO()
    Image.new("RGB", size, color).save(buffer, "PNG", compress_level=compress_level)
    return buffer.getvalue()


@pytest.fixture(autouse=True)
def media(settings, tmp_path) -> Path:
    """The test's temporary media folder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    return settings.MEDIA_ROOT


@pytest.fixture
def stored(media) -> Callable[[], list[str]]:
    """A function that returns the names of the stored files."""
    return lambda: sorted(path.name for path in media.rglob("*") if path.is_file())


@pytest.fixture
def make_product(db) -> Callable[..., Product]:
    def make(sku="A1", *, category="Shoes", colors=("red",), **values) -> Product:
        values = {"name": f"Product {sku}", "price": "20.00", **values}
        group, _ = Category.objects.get_or_create(
            slug=category.lower(), defaults={"name": category}
        )
        product = Product.objects.create(sku=sku, category=group, **values)
        for position, color in enumerate(colors):
            content = ContentFile(png(color), f"{sku}-{position}.png")
            product.images.create(image=content, position=position)
        return product

    return make


@pytest.fixture
def folder(tmp_path) -> Path:
    """A catalog folder with four pictures."""
    pictures = tmp_path / "catalog" / "images"
    pictures.mkdir(parents=True)
    for color in ("red", "green", "blue", "white"):
        (pictures / f"{color}.png").write_bytes(png(color))
    return pictures.parent


@pytest.fixture
def write_catalog(folder) -> Callable[..., Path]:
    """A function that writes a catalog CSV; missing values get valid defaults."""

    def write(*rows: dict[str, str], without: tuple[str, ...] = (), encoding="utf-8") -> Path:
        defaults = {
            "name": "Shoe",
            "category": "Shoes",
            "price": "12.50",
            "image": "images/red.png",
        }
        full = [{"sku": f"S{n}", **defaults, **row} for n, row in enumerate(rows, start=1)]
        columns = list(dict.fromkeys(name for row in full for name in row))
        path = folder / "catalog.csv"
        with path.open("w", encoding=encoding, newline="") as file:
            writer = csv.DictWriter(
                file, [name for name in columns if name not in without], extrasaction="ignore"
            )
            writer.writeheader()
            writer.writerows(full)
        return path

    return write
