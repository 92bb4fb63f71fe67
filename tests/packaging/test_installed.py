"""Test docs/integrate.md by following it literally with the installed package."""

import base64
import json
import re
import shutil
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import django
import pytest

from shop.demo_catalog import CATALOG, QUERIES, rows

from .developer import Browser, Developer, multipart, token_in
from .page import blocks

# A customer's photo and the SKU of the product on it.
PHOTO, SAMPLE = CATALOG.parent / rows(QUERIES)[0]["image"], rows(QUERIES)[0]["sku"]
# The pictures to sell by SKU: of the product on the photo, and of others of all kinds.
PICTURES = {row["sku"]: CATALOG.parent / row["image"] for row in rows()}
SOLD = [SAMPLE, *[sku for sku in list(PICTURES)[::17] if sku != SAMPLE]]

WHERE = """
from importlib.util import find_spec
import visualsearch
from visualsearch.conf import SHIPPED_MODEL
foreign = [name for name in ("ml_models", "shop", "tests") if find_spec(name)]
print(json.dumps([django.__version__, sys.version, visualsearch.__file__, str(SHIPPED_MODEL), foreign]))
"""  # noqa: E501

# bulk_create() sends no signals, so visualsearch_index must find these.
FILL = """
from pathlib import Path
from django.core.files import File
from yourshop.models import Picture, Product
for folder in sorted(Path("pictures").iterdir()):
    [product] = Product.objects.bulk_create([Product(sku=folder.name, name=f"Product {folder.name}")])
    for path in sorted(folder.iterdir()):
        with path.open("rb") as file:
            picture = Picture(product=product, file=File(file, path.name))
            picture.file.save(path.name, picture.file, save=False)
        Picture.objects.bulk_create([picture])
print(json.dumps(Picture.objects.count()))
"""  # noqa: E501

RENDER = """
from django.template import engines
from django.test import RequestFactory
from django.utils import translation
from yourshop.models import Product
product = Product.objects.get(sku=sys.argv[1])
context = {"product": product, "picture": product.pictures.first()}
pages = []
for source in sys.argv[2:]:
    request = RequestFactory().get("/")
    pages.append(engines["django"].from_string(source).render(context, request))
with translation.override("fr"):
    source = "{% load visualsearch %}{% visual_search %}"
    pages.append(engines["django"].from_string(source).render({}, request))
print(json.dumps(pages))
"""

# Pages of the admin, and what each must show.
ADMIN = {
    "": ["Products", "Search by photo"],
    "visualsearch/": ["vs-tabs", "Index versions", "Storefronts"],
    "visualsearch/indexversion/overview/": ["vs-tabs", "shopnet", str(len(SOLD))],
    "visualsearch/indexversion/photo/": ["vs-tabs", 'type="file"'],
    f"visualsearch/indexversion/similar/?item={SAMPLE}": ["vs-tabs", f"Product {SOLD[1]}"],
    "visualsearch/indexversion/": ["vs-tabs", "shopnet"],
    "visualsearch/indexversion/1/change/": ["vs-tabs", "shopnet"],
    "visualsearch/run/": ["vs-tabs", "finished"],
    "visualsearch/run/1/change/": ["vs-tabs", "finished"],
    "visualsearch/embedding/": ["vs-tabs", f"Product {SAMPLE}"],
    "visualsearch/query/": ["vs-tabs"],
    "visualsearch/query/insights/": ["vs-tabs"],
    "visualsearch/experiment/": ["vs-tabs"],
    "visualsearch/experiment/add/": ["vs-tabs"],
    "visualsearch/storefront/": ["vs-tabs"],
    "visualsearch/storefront/add/": ["vs-tabs"],
    "yourshop/product/": [f"Product {SAMPLE}", "Reindex the selected products"],
}


@dataclass(frozen=True, kw_only=True)
class Shop:
    """The developer's running shop and the output of its commands."""

    developer: Developer
    browser: Browser
    printed: dict[str, str]
    photo: bytes


@pytest.fixture(scope="module", params=["wheel", "sdist"])
def shop(request, tmp_path_factory, artefacts):
    home = tmp_path_factory.mktemp("developer")
    developer = Developer(home, getattr(artefacts, request.param))
    photo = PHOTO.read_bytes()
    (developer.folder / "photo.jpg").write_bytes(photo)
    lay_out(developer.folder / "pictures")
    printed: dict[str, str] = {}
    for block in blocks():
        if block.file:
            developer.paste(block)
        for command in block.commands:
            if command == "python manage.py visualsearch_index":
                printed["fill"] = str(developer.python(FILL))
            if command == "python manage.py runserver":
                with developer.serving(command) as browser:
                    developer.run(
                        "python manage.py createsuperuser --noinput"
                        " --username anna --email anna@shop.example"
                    )
                    yield Shop(developer=developer, browser=browser, printed=printed, photo=photo)
                return
            printed[command] = developer.run(command)
    pytest.fail("docs/integrate.md starts no server")


def lay_out(folder: Path) -> None:
    """Copy the pictures of the products to sell, a folder for each."""
    for sku in SOLD:
        own = folder / sku
        own.mkdir(parents=True)
        shutil.copy(PICTURES[sku], own)


def first(answer: dict[str, Any]) -> str:
    return answer["results"][0]["product"]["key"]


def test_package__is_imported_from_site_packages(shop):
    django_version, python, file, model, foreign = shop.developer.python(WHERE)
    site = Path(file).parents[1]
    assert site.name == "site-packages"
    assert site.is_relative_to(shop.developer.site)
    assert Path(model) == site / "visualsearch" / "shopnet"
    assert foreign == []
    assert (django_version, python) == (django.__version__, sys.version)


def test_page__its_commands_succeed(shop):
    shop.developer.run("python manage.py check --fail-level WARNING")
    shop.developer.run("python manage.py makemigrations --check --dry-run")
    shop.developer.run("python manage.py visualsearch_check")
    indexed = json.loads(shop.developer.run("python manage.py visualsearch_index --json"))
    assert indexed["failed"] == 0
    found = shop.printed["python manage.py visualsearch_search photo.jpg"]
    assert f"Product {SAMPLE}" in next(line for line in found.splitlines() if " 1. " in line)


def test_search__finds_the_product(shop):
    url = "/api/visual-search/search/?limit=5"
    answer = shop.browser.post(url, *multipart(shop.photo)).json
    assert first(answer) == SAMPLE
    assert answer["matched"] is True
    assert len(answer["results"]) == 5
    scores = [each["score"] for each in answer["results"]]
    assert scores == sorted(scores, reverse=True)
    picture = answer["results"][0]["product"]["image"]
    assert shop.browser.get(picture.removeprefix(shop.browser.site)).body[:2] == b"\xff\xd8"
    body = json.dumps({"image": base64.b64encode(shop.photo).decode()}).encode()
    assert first(shop.browser.post(url, body, "application/json").json) == SAMPLE
    again = shop.browser.get(f"/api/visual-search/queries/{answer['query_id']}/").json
    assert first(again) == SAMPLE


def test_classify__gives_probabilities(shop):
    answer = shop.browser.post("/api/visual-search/classify/", *multipart(shop.photo)).json
    chances = [each["probability"] for each in answer["predictions"]]
    assert answer["predictions"][0]["label"] == "dress"
    assert chances == sorted(chances, reverse=True)
    # The five most probable of ten classes.
    assert sum(chances) == pytest.approx(1, abs=0.01)


def test_similar__leaves_the_product_itself_out(shop):
    answer = shop.browser.get(f"/api/visual-search/products/{SAMPLE}/similar/?limit=20").json
    keys = {each["product"]["key"] for each in answer["results"]}
    assert keys == set(SOLD) - {SAMPLE}


def test_status__is_well(shop):
    status = shop.browser.get("/api/visual-search/status/").json
    assert status["ready"] is True
    assert status["products"] == len(SOLD)


def test_search_page__works_with_and_without_its_script(shop):
    page = shop.browser.get("/search/photo/").text
    assert "<visual-search" in page
    for file in re.findall(r'(?:href|src)="(/static/[^"]+)"', page):
        assert shop.browser.get(file).body
    body = multipart(shop.photo, csrfmiddlewaretoken=token_in(page))
    found = shop.browser.post("/search/photo/", *body).text
    names = re.findall(r"Product ([A-Z0-9-]+)", found)
    assert names[0] == SAMPLE


def test_admin__every_page_opens(shop):
    shop.browser.log_in("anna")
    for path, texts in ADMIN.items():
        page = shop.browser.get(f"/admin/{path}").text
        missing = [text for text in texts if text not in page]
        assert not missing, f"{path} lacks {missing}"
    product = re.search(
        r'href="(/admin/yourshop/product/\d+/change/)',
        shop.browser.get("/admin/yourshop/product/").text,
    )
    assert product
    assert "vs-badge" in shop.browser.get(product[1]).text


def test_template_tags__render_as_the_page_shows_them(shop):
    sources = [block.text for block in blocks() if block.language == "django"]
    compact, similar, button, french = shop.developer.python(RENDER, SAMPLE, *sources)
    assert "compact" in compact
    assert similar.count("Product ") >= 4
    assert "/media/products/" in button
    assert "Prenez ou choisissez une photo" in french
