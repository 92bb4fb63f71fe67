"""The page of the catalog's check: start it, decide about pictures, accept tags, export."""

from __future__ import annotations

import csv
import io

import pytest
from django.urls import reverse
from PIL import Image

from shop.models import Product
from tests.helpers.pictures import picture
from tests.helpers.reindex import reindex
from visualsearch.models import Embedding, Finding, RepeatedPicture

from .conftest import messages_of

pytestmark = pytest.mark.django_db

BASE = "admin:visualsearch_catalog_check"
PAGE, START, EXPORT = reverse(BASE), reverse(f"{BASE}_start"), reverse(f"{BASE}_export")
LIST = reverse("admin:visualsearch_finding_changelist")


def blue() -> Image.Image:
    image = Image.new("RGB", (200, 200), "white")
    image.paste(Image.new("RGB", (140, 140), "#1020c0"), (30, 30))
    return image


def accept(client, *rows):
    data = {"action": "accept", "_selected_action": [row.pk for row in rows]}
    return client.post(LIST, data, follow=True)


def test_page__before_the_first_check_and_after(admin_client, sold, sell):
    sell("BARE")
    reindex()
    assert "was never checked" in admin_client.get(PAGE).content.decode()
    admin_client.post(START)
    page = admin_client.get(PAGE).content.decode()
    assert "Products without a picture" in page
    assert "Product BARE" in page


def test_repeated_picture__is_brought_back_and_left_out(admin_client, sell, sold):
    for n in range(10):
        sell(f"B{n}", picture(99))
    reindex()
    assert "10 products" in admin_client.get(PAGE).content.decode()
    row = RepeatedPicture.objects.get()
    url = reverse(f"{BASE}_decide", args=[row.pk])
    response = admin_client.post(url, {"wanted": "1"}, follow=True)
    assert "now find 10 products" in messages_of(response)[0]
    assert not Embedding.objects.filter(left_out=True).exists()
    admin_client.post(url, {"wanted": "0"})
    assert Embedding.objects.filter(left_out=True).count() == 10
    overview = admin_client.get(reverse("admin:visualsearch_overview")).context["now"]
    assert (overview.indexed_products, overview.placeholders) == (8, 10)
    assert overview.indexed_images == 8
    images = admin_client.get(reverse("admin:visualsearch_embedding_changelist"))
    assert "placeholder, left out" in images.content.decode()


def test_tags__are_accepted_in_bulk(admin_client, sell):
    sell("A", blue()), sell("B", blue())
    reindex()
    admin_client.post(START)
    rows = list(Finding.objects.filter(kind="tags", tag="colour"))
    response = accept(admin_client, *rows)
    assert "2 tags accepted" in messages_of(response)[0]
    assert set(Product.objects.values_list("color", flat=True)) == {"blue"}
    assert "tags" not in [each.kind for each in admin_client.get(PAGE).context["sections"]]


def test_tags__of_a_product_that_fails_are_reported(admin_client, sell, monkeypatch):
    sell("A", blue())
    reindex()
    admin_client.post(START)
    row = Finding.objects.get(kind="tags", tag="colour")
    Product.objects.update(published=False)
    response = accept(admin_client, row)
    assert "1 tag could not be written" in messages_of(response)[-1]
    row.refresh_from_db()
    assert not row.accepted


def test_tags__cannot_be_accepted_without_the_hook(admin_client, sell, monkeypatch):
    sell("A", blue())
    reindex()
    admin_client.post(START)
    monkeypatch.delattr("shop.visual.ProductCatalog.apply_tags")
    assert "define CatalogSource.apply_tags()" in admin_client.get(PAGE).content.decode()
    row = Finding.objects.get(kind="tags", tag="colour")
    accept(admin_client, row)
    row.refresh_from_db()
    assert not row.accepted


def test_export__has_all_findings_or_one_kind(admin_client, sold, sell):
    sell("=BARE", name="=1+1")
    reindex()
    admin_client.post(START)
    everything = admin_client.get(EXPORT).getvalue().decode()
    assert len(everything.splitlines()) == 1 + Finding.objects.count()
    text = admin_client.get(EXPORT, {"kind": "no_picture"}).getvalue().decode()
    (line,) = csv.DictReader(io.StringIO(text))
    assert (line["kind"], line["product"], line["name"]) == (
        "no_picture",
        "'=BARE",
        "'=1+1 (=BARE)",
    )


def test_list__asks_the_database_as_often_for_many_findings(admin_client, sold, queries):
    Finding.objects.create(kind="duplicate", item="P1", other="P2", image="x.png")
    few = queries(admin_client, LIST)
    for n in range(20):
        Finding.objects.create(kind="duplicate", item=f"P{n}", other="P2", image="x.png")
    assert queries(admin_client, LIST) == few


def test_viewer__changes_nothing(staff, sell):
    for n in range(10):
        sell(f"B{n}", picture(99))
    reindex()
    client = staff("view_finding")
    page = client.get(PAGE).content.decode()
    assert "search it" not in page
    row = RepeatedPicture.objects.get()
    url = reverse(f"{BASE}_decide", args=[row.pk])
    assert client.post(url, {"wanted": "1"}).status_code == 403
    assert client.post(START).status_code == 403
