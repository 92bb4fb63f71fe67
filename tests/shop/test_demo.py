"""The properties of the demo catalog on which the shop, the tests and the docs rely."""

import re
from collections import Counter

import numpy as np
import pytest
from django.core.management import call_command
from PIL import Image

from benchmarks.first_hit import measure, report
from shop.catalog_import.read import COLUMNS, read_catalog
from shop.demo_catalog import CATALOG, QUERIES, pictures, rows
from shop.demo_catalog.sample_photo import sample_photo
from shop.visual import of_class

FOLDER = CATALOG.parent
LONGEST_SIDE, SHORTEST_SIDE = 720, 240  # pixels
MOST_BYTES = 6_000_000
# The ten classes of clothes that every category is of.
CLASSES = ["dress", "hat", "longsleeve", "outwear", "pants"]
CLASSES += ["shirt", "shoes", "shorts", "skirt", "t-shirt"]


@pytest.fixture(scope="module")
def products():
    return rows()


@pytest.fixture(scope="module")
def queries():
    return rows(QUERIES)


@pytest.fixture
def indexed(db, shipped_model):
    """The demo in the database, indexed with the shipped model."""
    call_command("load_catalog", str(CATALOG), "--no-index")
    call_command("visualsearch_index")


def images(product):
    """Return the names of all pictures of a product, the main one first."""
    further = [name for name in product["images"].split("|") if name]
    return list(dict.fromkeys([product["image"], *further]))


def pixels(path, size=None):
    with Image.open(path) as image:
        return np.asarray(image.convert("RGB").resize(size or image.size), np.float32)


def test_catalog__is_valid():
    catalog = read_catalog(CATALOG)
    assert (catalog.problems, catalog.notes) == ([], [])
    assert len(catalog.rows) == len(rows())


def test_catalog__columns(products):
    assert set(products[0]) == set(COLUMNS)


def test_catalog__size(products):
    assert len(products) >= 130
    assert len({product["sku"] for product in products}) == len(products)


def test_catalog__as_many_products_in_every_category(products):
    sizes = Counter(product["category"] for product in products)
    assert len(sizes) == len(CLASSES)
    assert min(sizes.values()) == max(sizes.values()) >= 12


@pytest.mark.parametrize("label", CLASSES)
def test_catalog__class_has_one_category(products, label):
    names = sorted({product["category"] for product in products})
    assert len(of_class(label, [(pk, name, name) for pk, name in enumerate(names)])) == 1


def test_catalog__values(products):
    for product in products:
        assert re.fullmatch(r"\d+\.\d\d", product["price"]), product["sku"]
        assert 5 <= float(product["price"]) <= 200, product["sku"]
        assert product["gender"] in {"women", "men", "unisex", "kids"}, product["sku"]
        for column in ("name", "color", "style", "pattern"):
            assert product[column], product["sku"]


def test_catalog__few_products_are_sold_out(products):
    stocks = [int(product["stock"]) for product in products]
    assert 3 <= stocks.count(0) <= 10


def test_catalog__few_colours_to_choose_from(products):
    assert len({product["color"] for product in products}) <= 16


def test_catalog__names_tell_products_apart(products):
    assert len({product["name"] for product in products}) == len(products)


def test_catalog__images(products):
    listed = [name for product in products for name in images(product)]
    assert len(set(listed)) == len(listed)
    assert any(len(images(product)) > 1 for product in products)
    for name in listed:
        with Image.open(FOLDER / name) as image:
            image.load()
            assert (image.format, image.mode) == ("JPEG", "RGB"), name
            assert max(image.size) <= LONGEST_SIDE, name
            assert min(image.size) >= SHORTEST_SIDE, name
            assert not image.getexif(), name


def test_catalog__is_small():
    files = [path for path in FOLDER.rglob("*") if path.suffix == ".jpg"]
    assert sum(path.stat().st_size for path in files) <= MOST_BYTES


def test_catalog__no_other_files(products, queries):
    listed = {name for product in products for name in images(product)}
    listed |= {query["image"] for query in queries} | {"catalog.csv", "queries.csv", "README.md"}
    there = {path.relative_to(FOLDER).as_posix() for path in FOLDER.rglob("*.*")}
    assert {name for name in there if not name.endswith((".py", ".pyc"))} == listed


def test_pictures__of_every_product(products):
    assert pictures() == [FOLDER / product["image"] for product in products]
    assert all(path.is_file() for path in pictures())


def test_styles__differ_in_colour(products):
    by_style = {}
    for product in products:
        by_style.setdefault(product["style"], []).append(product)
    several = [group for group in by_style.values() if len(group) > 1]
    assert len(several) >= 12
    for group in several:
        names = [product["name"] for product in group]
        assert len({name.split(",")[0] for name in names}) == 1, names
        one, other = (pixels(FOLDER / product["image"], (80, 100)) for product in group[:2])
        assert np.abs(one - other).mean() > 3, names


def test_styles__share_category_and_price(products):
    for style in {product["style"] for product in products}:
        group = [product for product in products if product["style"] == style]
        for column in ("category", "gender", "price"):
            assert len({product[column] for product in group}) == 1, style


# Hue in degrees and the most that a garment's may differ from it.
HUES = {"red": (355, 25), "green": (120, 60), "blue": (218, 35), "yellow": (45, 18)}


@pytest.mark.parametrize("color", HUES)
def test_color__is_the_one_on_the_picture(products, color):
    """The middle of a plain garment has the hue that its colour names."""
    hue, most = HUES[color]
    plain = [
        product
        for product in products
        if (product["color"], product["pattern"]) == (color, "solid")
        and product["category"] in {"Dresses", "Skirts", "T-shirts", "Long sleeves"}
    ]
    assert plain
    for product in plain:
        with Image.open(FOLDER / product["image"]) as image:
            width, height = image.size
            box = (width * 0.4, height * 0.45, width * 0.6, height * 0.6)
            middle = image.crop(tuple(map(round, box))).convert("HSV")
        seen = np.median(np.asarray(middle, float)[..., 0]) * 360 / 255
        assert abs((seen - hue + 180) % 360 - 180) <= most, (product["sku"], seen)


def test_queries__of_products(products, queries):
    styles = {product["sku"]: product["style"] for product in products}
    assert len({query["sku"] for query in queries}) >= 8
    assert all(styles[query["sku"]] == query["style"] for query in queries)


def test_queries__several_categories(products, queries):
    categories = {product["sku"]: product["category"] for product in products}
    assert len({categories[query["sku"]] for query in queries}) >= 4


def test_queries__images(queries):
    for query in queries:
        with Image.open(FOLDER / query["image"]) as image:
            image.load()
            assert (image.format, image.mode) == ("JPEG", "RGB")
            assert max(image.size) <= LONGEST_SIDE
            assert not image.getexif()


def test_queries__not_the_catalog_picture(products, queries):
    """A customer's photo is another photo of the garment, not a crop of the product's."""
    main = {product["sku"]: product["image"] for product in products}
    for query in queries:
        one = pixels(FOLDER / query["image"], (60, 80))
        other = pixels(FOLDER / main[query["sku"]], (60, 80))
        assert np.abs(one - other).mean() > 12, query["image"]


def test_sample_photo__is_the_first_query(queries):
    assert sample_photo(CATALOG) == FOLDER / queries[0]["image"]


def test_sample_photo__without_queries_is_a_product(tmp_path):
    path = tmp_path / "catalog.csv"
    path.write_text("sku,name,category,price,image\nA,B,C,1.00,images/a.jpg\n", encoding="utf-8")
    assert sample_photo(path) == tmp_path / "images/a.jpg"


def test_search__customers_photos_find_their_products(indexed, client, queries):
    for query in queries:
        with (FOLDER / query["image"]).open("rb") as file:
            answer = client.post("/api/visual-search/search/", {"image": file}).json()
        assert answer["results"][0]["product"]["key"] == query["sku"], query["image"]
        assert answer["matched"], query["image"]


@pytest.mark.shared_data
def test_search__real_photos_find_their_category(indexed, shared_data):
    shares = report(measure(shared_data / "clothing/validation"))
    assert shares["all"]["photos"] == 341
    assert shares["all"]["right"] >= 0.85 * 341


def test_report__counts_first_hits_of_the_class():
    found = {"shirt": ["Shirts", "T-shirts", ""], "t-shirt": ["T-shirts"]}
    assert report(found) == {
        "shirt": {"photos": 3, "right": 1},
        "t-shirt": {"photos": 1, "right": 1},
        "all": {"photos": 4, "right": 2},
    }
