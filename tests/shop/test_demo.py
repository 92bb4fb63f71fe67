"""The properties of the demo catalog on which the shop, the tests and the tour rely."""

import csv
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shop.demo import draw_catalog, sample_query
from shop.demo.catalog import COLUMNS, MARKER, product_files
from shop.demo.colours import rgb
from shop.demo.photos import ORIENTATION_TAG, photo_file, photos, placed_garment
from shop.demo.products import CATEGORIES, products
from shop.demo.studio import HEIGHT, WIDTH, product_photo


@pytest.fixture(scope="module")
def catalog(tmp_path_factory):
    return draw_catalog(tmp_path_factory.mktemp("demo"))


@pytest.fixture(scope="module")
def rows(catalog):
    return read(catalog)


@pytest.fixture(scope="module")
def queries(catalog):
    return read(catalog.with_name("queries.csv"))


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="", encoding="utf-8") as file:
        return list(csv.DictReader(file))


def middle(image: Image.Image) -> np.ndarray:
    """Return the mean colour of the picture's middle, where the cloth is, float (3,)."""
    width, height = image.size
    box = (width * 0.42, height * 0.5, width * 0.58, height * 0.62)
    return np.asarray(image.convert("RGB").crop(tuple(map(int, box)))).mean(axis=(0, 1))


def test_catalog__columns(rows):
    assert list(rows[0]) == COLUMNS


def test_catalog__size(rows):
    assert len(rows) >= 130
    assert len({row["sku"] for row in rows}) == len(rows)


def test_catalog__all_kinds(rows):
    kinds = [row["category"] for row in rows]
    assert set(kinds) == set(CATEGORIES.values())
    assert min(map(kinds.count, set(kinds))) >= 8


def test_catalog__values(rows):
    for row in rows:
        assert re.fullmatch(r"\d+\.\d\d", row["price"]), row["sku"]
        assert int(row["stock"]) >= 0
        assert all(row[column] for column in COLUMNS), row["sku"]


def test_catalog__names_tell_products_apart(rows):
    assert len({row["name"] for row in rows}) == len(rows)
    assert all(row["color"] in row["name"] for row in rows)


def test_catalog__images(catalog, rows):
    listed = [name for row in rows for name in row["images"].split("|")]
    assert len(set(listed)) == len(listed)
    for row in rows:
        assert row["image"] == row["images"].split("|")[0]
    for name in listed:
        with Image.open(catalog.parent / name) as image:
            image.load()
            assert (image.format, image.mode, image.size) == ("JPEG", "RGB", (WIDTH, HEIGHT))


def test_catalog__several_images_for_a_part(rows):
    several = [row for row in rows if "|" in row["images"]]
    assert 20 <= len(several) < len(rows)


def test_catalog__no_other_files(catalog, rows, queries):
    listed = {name for row in rows for name in row["images"].split("|")}
    listed |= {row["image"] for row in queries} | {"catalog.csv", "queries.csv", MARKER}
    there = {p.relative_to(catalog.parent).as_posix() for p in catalog.parent.rglob("*.*")}
    assert there == listed


def test_catalog__on_a_light_ground(catalog, rows):
    for row in rows:
        with Image.open(catalog.parent / row["image"]) as image:
            pixels = np.asarray(image.reduce(3))
        corners = pixels[[1, 1, -2, -2], [1, -2, 1, -2]]
        assert corners.min() > 215, row["sku"]
        covered = (np.abs(pixels.astype(int) - 243).max(axis=2) > 24).mean()
        assert 0.08 < covered < 0.8, row["sku"]


def test_styles__differ_in_colour(catalog, rows):
    by_style: dict[str, list[str]] = {}
    for row in rows:
        by_style.setdefault(row["style"], []).append(row["image"])
    pairs = [images[:2] for images in by_style.values() if len(images) > 1]
    assert len(pairs) >= 40
    for pair in pairs:
        one, other = (np.asarray(Image.open(catalog.parent / name), float) for name in pair)
        assert np.abs(one - other).mean() > 3, pair


def test_styles__share_all_but_colour(rows):
    for style in {row["style"] for row in rows}:
        these = [row for row in rows if row["style"] == style]
        for column in ("category", "price", "material", "pattern"):
            assert len({row[column] for row in these}) == 1


PRINTED = {"sun", "rings", "waves", "leaf"}
PLAIN_TOPS = [
    one
    for one in products()
    if one.kind == "t-shirt" and one.pattern == "solid" and not one.details & PRINTED
]


@pytest.mark.parametrize("one", PLAIN_TOPS, ids=lambda one: one.sku)
def test_product_photo__colour_is_the_named_one(catalog, one):
    with Image.open(catalog.parent / f"images/{one.sku.lower()}-front.jpg") as image:
        low = image.crop((240, 440, 360, 520))
        seen = np.asarray(low).mean(axis=(0, 1))
    assert np.abs(seen - rgb(one.colour)).max() < 45


def test_product_photo__navy_is_dark_and_blue(catalog, rows):
    navy = [r for r in rows if r["color"] == "navy" and r["pattern"] == "solid"]
    navy = [r for r in navy if r["category"] in {"T-shirts", "Outerwear", "Skirts"}]
    assert navy
    for row in navy:
        red, green, blue = middle(Image.open(catalog.parent / row["image"]))
        assert blue > red + 15, row["sku"]
        assert blue > green + 10, row["sku"]
        assert max(red, green, blue) < 150, row["sku"]


def test_product_photo__back_differs_from_front():
    one = next(p for p in products() if "back" in p.views and p.kind == "pants")
    front, back = (np.asarray(product_photo(one, view), float) for view in ("front", "back"))
    assert np.abs(front - back).mean() > 1


def test_product_files__same_bytes_as_in_the_catalog(catalog):
    for one in products()[::16]:
        for name, data in product_files(one).items():
            assert data == (catalog.parent / name).read_bytes(), name


def test_photo_file__same_bytes_as_in_the_catalog(catalog):
    for photo in photos()[::9]:
        stored = (catalog.parent / "queries" / photo.name).read_bytes()
        assert photo_file(photo) == stored, photo.name


def test_queries__of_products(rows, queries):
    styles = {row["sku"]: row["style"] for row in rows}
    assert len(queries) >= 36
    assert all(styles[query["sku"]] == query["style"] for query in queries)


def test_queries__all_kinds(rows, queries):
    kinds = {row["sku"]: row["category"] for row in rows}
    assert {kinds[query["sku"]] for query in queries} == set(CATEGORIES.values())


def test_queries__images(catalog, queries):
    sizes = set()
    for query in queries:
        with Image.open(catalog.parent / query["image"]) as image:
            image.load()
            assert (image.format, image.mode) == ("JPEG", "RGB")
            sizes.add(image.size)
    assert (1200, 1600) in sizes
    assert len(sizes) >= 5


def test_queries__some_need_turning(catalog):
    turned = [photo for photo in photos() if photo.orientation != 1]
    assert turned
    for photo in turned:
        with Image.open(catalog.parent / "queries" / photo.name) as image:
            assert image.getexif()[ORIENTATION_TAG] == photo.orientation
            assert image.size == photo.size[::-1]


def test_queries__not_the_catalog_picture(catalog, rows, queries):
    """Photos differ from catalog pictures: no corner shows studio paper."""
    for query in queries:
        with Image.open(catalog.parent / query["image"]) as image:
            pixels = np.asarray(image)
        corners = pixels[[3, 3, -4, -4], [3, -4, 3, -4]].astype(float)
        assert np.abs(corners - 243).max() > 12, query["image"]


def test_sample_query(catalog, queries):
    sample = sample_query(catalog.parent)
    assert sample.is_file()
    assert sample.relative_to(catalog.parent).as_posix() in {query["image"] for query in queries}


def test_draw_catalog__twice_draws_once(catalog):
    drawn: list[int] = []
    before = catalog.stat().st_mtime_ns
    assert draw_catalog(catalog.parent, progress=lambda done, total: drawn.append(done)) == catalog
    assert drawn == []
    assert catalog.stat().st_mtime_ns == before


def test_draw_catalog__repairs_what_is_missing(catalog, monkeypatch):
    calls: list[Path] = []
    monkeypatch.setattr(
        "shop.demo.catalog._draw_all", lambda folder, progress: calls.append(folder) or []
    )
    victim = sample_query(catalog.parent)
    data, marker = victim.read_bytes(), catalog.with_name(MARKER).read_text()
    victim.unlink()
    try:
        draw_catalog(catalog.parent)
    finally:
        victim.write_bytes(data)
        catalog.with_name(MARKER).write_text(marker)
    assert calls == [catalog.parent]


def test_placed_garment__takes_a_good_part_of_the_photo():
    for photo in photos()[::4]:
        left, top, right, bottom = placed_garment(photo).getbbox()
        share = (right - left) * (bottom - top) / (photo.size[0] * photo.size[1])
        assert share > 0.3, photo.name
