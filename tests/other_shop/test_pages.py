"""Follow the pages on shops that differ literally, each in a project of its own."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from tests.helpers.pictures import encoded, picture
from tests.packaging.page import Block, blocks

ROOT = Path(__file__).resolve().parents[2]
SETTINGS = """
INSTALLED_APPS += ["yourshop", "visualsearch", "rest_framework", "drf_standardized_errors"]
MEDIA_URL, MEDIA_ROOT = "media/", BASE_DIR / "media"
VISUALSEARCH = {"CATALOG": "yourshop.visual.Catalog"}
"""
ADDITIONS = """
VISUALSEARCH |= {
    "DATA_DIR": BASE_DIR / "index",
    "ENCODER": "visualsearch.encoders.fake.FakeEncoder",
    "ENCODER_OPTIONS": {},
}
"""
MODELS = """
from django.db import models
class Tenant(models.Model):
    slug = models.SlugField()
class Product(models.Model):
    sku = models.CharField(max_length=40, unique=True)
    name = models.CharField(max_length=200)
    tenant = models.ForeignKey(Tenant, null=True, on_delete=models.CASCADE)
    def price_for(self, user):
        return 9 if user and user.is_authenticated else 10
class Variant(models.Model):
    product = models.ForeignKey(Product, models.CASCADE, related_name="variants")
class Picture(models.Model):
    product = models.ForeignKey(Product, models.CASCADE, null=True, related_name="pictures")
    variant = models.ForeignKey(Variant, models.CASCADE, null=True, related_name="pictures")
    file = models.ImageField()
"""
HELPERS = """
from django.core.files.base import ContentFile
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from tests.helpers.pictures import encoded, picture
from yourshop.models import *
def file(seed):
    return ContentFile(encoded(picture(seed), "PNG"), f"{seed}.png")
def search(seed, path="/api/visual-search/search/", **options):
    upload = SimpleUploadedFile("photo.png", encoded(picture(seed), "PNG"))
    return Client(**options).post(path, {"image": upload})
def keys(seed, **options):
    return [hit["product"]["key"] for hit in search(seed, **options).json()["results"]]
"""


class Project:
    """A new Django project with the app ``yourshop``."""

    def __init__(self, folder: Path):
        self.folder = folder
        path = os.pathsep.join([str(folder), str(ROOT)])
        self.environment = {
            **os.environ,
            "PYTHONPATH": path,
            "DJANGO_SETTINGS_MODULE": "mysite.settings",
        }
        self.run("-m", "django", "startproject", "mysite", ".", settings="")
        self.manage("startapp", "yourshop")
        self.append("mysite/settings.py", SETTINGS + ADDITIONS + "ALLOWED_HOSTS = ['*']\n")
        self.write("yourshop/models.py", MODELS)
        (folder / "photo.jpg").write_bytes(encoded(picture(1)))

    def run(self, *command: str, settings: str = "mysite.settings") -> str:
        environment = self.environment | ({"DJANGO_SETTINGS_MODULE": settings} if settings else {})
        if not settings:
            environment.pop("DJANGO_SETTINGS_MODULE")
        done = subprocess.run(
            [sys.executable, "-W", "ignore", *command],
            cwd=self.folder,
            env=environment,
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def manage(self, *arguments: str) -> str:
        return self.run("manage.py", *arguments)

    def follow(self, block: Block) -> list[str]:
        """Run the commands of a shell block; return what each prints."""
        found = []
        for line in block.commands:
            python, *command = shlex.split(line)
            assert python == "python"
            found.append(self.run(*command))
        return found

    def shell(self, code: str) -> str:
        """Run code in the project and return what it prints."""
        start = "import django\ndjango.setup()\n" + HELPERS
        return self.run("-c", start + dedent(code))

    def write(self, name: str, text: str) -> None:
        (self.folder / name).write_text(text, "utf-8")

    def append(self, name: str, text: str) -> None:
        with (self.folder / name).open("a", encoding="utf-8") as file:
            file.write(text)

    def migrate(self) -> None:
        self.manage("makemigrations", "yourshop")
        self.manage("migrate")


@pytest.fixture
def project(tmp_path):
    return Project(tmp_path)


def naming(page: str, text: str) -> Block:
    """Return the first code block of a page that contains a text."""
    return next(block for block in blocks(page) if text in block.text)


def test_several_catalogs(project):
    page = "several-catalogs.md"
    urls = """
from django.urls import include, path
urlpatterns = [path("api/visual-search/", include("visualsearch.api.urls"))]
"""
    project.write("mysite/urls.py", urls)
    project.write("yourshop/visual.py", naming(page, "class TenantCatalog").text)
    project.append("yourshop/visual.py", "\nclass Catalog(TenantCatalog):\n    catalog_name = ''\n")
    project.append("yourshop/visual.py", "class FrenchCatalog(TenantCatalog): pass\n")
    project.append("yourshop/visual.py", "class EnglishCatalog(TenantCatalog): pass\n")
    project.migrate()
    project.shell("""
        for slug, seed in (("fr", 1), ("en", 2), ("", 3)):
            tenant = Tenant.objects.create(slug=slug)
            product = Product.objects.create(sku=slug, name=slug, tenant=tenant)
            product.pictures.create(file=file(seed))
    """)
    project.manage("visualsearch_index")
    assert "belong to 'fr' now" in "".join(project.follow(naming(page, "visualsearch_rename")))
    project.append("mysite/settings.py", naming(page, "CATALOGS").text + ADDITIONS)
    project.append("mysite/settings.py", "LANGUAGE_CODE = 'en'\n")
    place = "MIDDLEWARE.insert(2, 'django.middleware.locale.LocaleMiddleware')\n"
    project.append("mysite/settings.py", place)
    project.manage("check", "--tag", "visualsearch", "--fail-level", "ERROR")
    _index, found = project.follow(naming(page, "--catalog fr"))
    assert "1.  1.000" in found
    said = project.shell("""
        french, english = ({"Accept-Language": language} for language in ("fr", "en"))
        print(keys(2, headers=french), keys(1, headers=english))
    """)
    assert said == "['1'] ['2']"


def test_several_catalogs__of_tenants(project):
    project.write("yourshop/tenants.py", naming("several-catalogs.md", "def catalog_of").text)
    code = """
        from types import SimpleNamespace as Some
        from yourshop.tenants import catalog_of
        print(catalog_of(Some(tenant=Some(slug="north"))))
    """
    assert project.shell(code) == "north"


def test_variants_and_prices(project):
    page = "variants.md"
    project.write("yourshop/visual.py", naming(page, "class Catalog(").text)
    project.append("yourshop/visual.py", "\n\n" + naming(page, "class PricedCatalog").text)
    project.write("mysite/urls.py", naming(page, "i18n_patterns").text)
    project.append(
        "mysite/settings.py",
        "VISUALSEARCH['CATALOG'] = 'yourshop.visual.PricedCatalog'\n",
    )
    place = "MIDDLEWARE.insert(2, 'django.middleware.locale.LocaleMiddleware')\n"
    project.append("mysite/settings.py", place)
    project.migrate()
    said = project.shell("""
        from django.contrib.auth.models import User
        shirts = [Product.objects.create(sku=sku, name=sku) for sku in "AB"]
        blue = shirts[0].variants.create()
        picture_of_blue = Picture.objects.create(variant=blue, file=file(1))
        Picture.objects.create(variant=shirts[0].variants.create(), file=file(2))
        address = "/fr/api/visual-search/search/"
        first = lambda seed: search(seed, address).json()["results"][0]
        print(first(1)["product"]["key"], first(2)["product"]["key"], first(1)["product"]["price"])
        blue.product = shirts[1]
        blue.save()
        print(first(1)["product"]["key"], first(2)["product"]["key"])
        client = Client()
        client.force_login(User.objects.create(username="regular"))
        similar = client.get("/fr/api/visual-search/products/A/similar/").json()
        print(similar["results"][0]["product"]["price"])
        page = Client().get("/fr/search/photo/").content.decode()
        print('action="/fr/search/photo/"' in page, "Recherche" in page or "photo" in page)
    """)
    assert said.splitlines() == ["A A 10", "B A", "9", "True True"]
