"""Test docs/oscar.md by following it literally in a new oscar shop."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from shop.demo_catalog import CATALOG, QUERIES, rows
from tests.packaging.page import blocks

pytest.importorskip("oscar", reason="django-oscar is not installed")

ROOT = Path(__file__).resolve().parents[2]
# A customer's photo and the SKU of the product on it.
PHOTO, SAMPLE = CATALOG.parent / rows(QUERIES)[0]["image"], rows(QUERIES)[0]["sku"]
PICTURES = {row["sku"]: CATALOG.parent / row["image"] for row in rows()}
SOLD = [SAMPLE, *[sku for sku in list(PICTURES)[::17] if sku != SAMPLE]]

# Settings of a new shop, as oscar's documentation lists them.
SETTINGS = """
DATABASES["default"]["OPTIONS"] = {
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL",
}
import oscar
from oscar.defaults import *

INSTALLED_APPS = [*oscar.INSTALLED_APPS, "sorl.thumbnail"]
SITE_ID = 1
MIDDLEWARE += [
    "oscar.apps.basket.middleware.BasketMiddleware",
    "django.contrib.flatpages.middleware.FlatpageFallbackMiddleware",
]
TEMPLATES[0]["OPTIONS"]["context_processors"] += [
    "oscar.apps.search.context_processors.search_form",
    "oscar.apps.checkout.context_processors.checkout",
    "oscar.apps.communication.notifications.context_processors.notifications",
    "oscar.core.context_processors.metadata",
]
AUTHENTICATION_BACKENDS = [
    "oscar.apps.customer.auth_backends.EmailBackend",
    "django.contrib.auth.backends.ModelBackend",
]
HAYSTACK_CONNECTIONS = {"default": {"ENGINE": "haystack.backends.simple_backend.SimpleEngine"}}
MEDIA_URL, MEDIA_ROOT = "media/", BASE_DIR / "media"
"""
URLS = """
from django.apps import apps
from django.urls import include, path

urlpatterns = [
    path("i18n/", include("django.conf.urls.i18n")),
    path("", include(apps.get_app_config("oscar").urls[0])),
]
"""
SETUP = "import django; django.setup()\n"
# bulk_create() sends no signals, so visualsearch_index must find these.
FILL = """
import sys
from pathlib import Path
from django.core.files import File
from oscar.apps.catalogue.models import Product, ProductClass, ProductImage
from oscar.apps.partner.models import Partner, StockRecord
kind, mill = ProductClass.objects.create(name="Clothing"), Partner.objects.create(name="Mill")
for path in map(Path, sys.argv[1:]):
    [product] = Product.objects.bulk_create(
        [Product(title=f"Product {path.stem}", slug=path.stem.lower(), product_class=kind)]
    )
    image = ProductImage(product=product)
    with path.open("rb") as file:
        image.original.save(path.name, File(file), save=False)
    ProductImage.objects.bulk_create([image])
    StockRecord.objects.create(
        product=product, partner=mill, partner_sku=path.stem, price="12.50", num_in_stock=3
    )
"""
VISIT = """
import re, sys
from pathlib import Path
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
client = Client(SERVER_NAME="localhost")
print("<visual-search" in client.get("/catalogue/").content.decode())
photo = SimpleUploadedFile("photo.jpg", Path(sys.argv[1]).read_bytes())
page = client.post("/search/photo/", {"image": photo}).content.decode()
print(re.search(r'>Product ([^<]+)<', page)[1], "£12.50" in page)
"""


@dataclass(frozen=True, kw_only=True)
class Developer:
    """Runs commands in the folder of the new shop."""

    folder: Path

    def run(self, *command: str) -> str:
        """Return what a command prints; fail with its output if it exits with an error."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env={
                **os.environ,
                "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
                "PYTHONPATH": f"{self.folder}:{ROOT}",
                "PYTHONWARNINGS": "ignore",
                "DJANGO_SETTINGS_MODULE": "mysite.settings",
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def append(self, file: str, text: str) -> None:
        with (self.folder / file).open("a", encoding="utf-8") as opened:
            opened.write(f"\n\n{text}")


def test_page__leads_to_the_first_right_hit(tmp_path):
    developer = Developer(folder=tmp_path)
    developer.run("django-admin", "startproject", "mysite", ".")
    developer.append("mysite/settings.py", SETTINGS)
    (tmp_path / "mysite" / "urls.py").write_text(URLS)
    (tmp_path / "photo.jpg").write_bytes(PHOTO.read_bytes())
    lines = 0
    for block in blocks("oscar.md"):
        if block.file:
            developer.append(block.file, block.text)
            lines += len([line for line in block.text.splitlines() if line[:1] not in "#"])
        for command in block.commands:
            program, *arguments = shlex.split(command)
            if program == "pip" or "runserver" in arguments:
                continue
            if "visualsearch_index" in arguments:
                pictures = [str(PICTURES[sku]) for sku in SOLD]
                developer.run("python", "-c", SETUP + FILL, *pictures)
            said = developer.run(program, *arguments)
            if "visualsearch_search" in arguments:
                assert f"Product {PICTURES[SAMPLE].stem}" in said.split(" 2. ")[0]
    assert lines == 7
    shown = developer.run("python", "-c", SETUP + VISIT, "photo.jpg").splitlines()
    assert shown == ["True", f"{PICTURES[SAMPLE].stem} True"]
    assert "no issues" in developer.run("python", "manage.py", "check", "--fail-level", "WARNING")
