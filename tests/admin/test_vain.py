"""The page about searches in vain, and its CSV."""

from __future__ import annotations

import csv
import io
from datetime import timedelta

import numpy as np
import pytest
from django.urls import reverse
from django.utils import timezone

from tests.helpers.traces import leave_traces
from visualsearch.models import Event, KeptPhoto, Query, to_bytes

PAGE = reverse("admin:visualsearch_vain")
EXPORT = reverse("admin:visualsearch_vain_export")

pytestmark = pytest.mark.django_db


def searched(label="hat", colour="red", **values):
    predictions = [{"label": label, "probability": 0.9}]
    fields = {"encoder": "fake-1", "vector": b"", "predictions": predictions, "colour": colour}
    return Query.objects.create(**{**fields, **values})


def kept(query):
    expires = timezone.now() + timedelta(seconds=60)
    KeptPhoto.objects.create(pk=query.pk, jpeg=b"jpeg", expires=expires)
    return query


def text_of(response):
    return response.content.decode()


def test_page__of_a_shop_that_nobody_searched(admin_client):
    page = text_of(admin_client.get(PAGE))
    assert "No searches in this period" in page
    assert "vs-table" not in page


def test_page__of_a_shop_with_searches(admin_client, sell):
    sell("P1", category="Dresses")
    leave_traces(days=5, per_day=40)
    page = text_of(admin_client.get(PAGE))
    for text in ("Photos are not kept", "Words are not kept", "Hat", "not sold", "no click"):
        assert text in page


def test_page__says_that_clicks_are_unknown(admin_client):
    searched()
    page = text_of(admin_client.get(PAGE))
    assert "no clicks were recorded" in page
    assert "why=unclicked" not in page


def test_page__shows_photos_to_those_who_may_see_them(admin_client, staff, configure):
    configure(KEEP_PHOTOS=60)
    queries = [kept(searched(vector=to_bytes(np.array([1.0, 0.0])))) for _ in range(8)]
    page = text_of(admin_client.get(PAGE))
    shown = [q for q in queries if reverse("admin:visualsearch_query_photo", args=[q.pk]) in page]
    assert len(shown) == 6
    assert "<strong>8</strong> Hat · red" in page
    page = text_of(staff("view_query").get(PAGE))
    assert "You may not see" in page
    assert "/photo/" not in page.split('id="content-main"')[1]


def test_page__words(admin_client, configure):
    configure(KEEP_WORDS=True)
    searched()
    assert "No customer added words" in text_of(admin_client.get(PAGE))
    searched(words={"navy": True})
    assert "every word described a product" in text_of(admin_client.get(PAGE))
    searched(words={"<b>kilt": False})
    page = text_of(admin_client.get(PAGE))
    assert "&lt;b&gt;kilt" in page


def test_page__keeps_the_choice(admin_client):
    query = searched(matched=True)
    Event.objects.create(query=query, kind="view", item="A", rank=1)
    page = text_of(admin_client.get(PAGE, {"why": "unclicked", "days": "30"}))
    assert 'href="?days=90&amp;why=unclicked"' in page
    assert "<strong>1</strong> of 1 searches" in page
    assert "<strong>0</strong> of 1" in text_of(admin_client.get(PAGE, {"why": "unmatched"}))
    assert admin_client.get(PAGE, {"why": "x", "days": "x", "storefront": "x"}).status_code == 200


def test_export__has_every_kind_and_word(admin_client, sell):
    sell("P1", category="Dresses", color="blue")
    searched("dress", "blue"), searched("dress", ""), searched(words={"=kilt": False})
    lines = list(csv.DictReader(io.StringIO(admin_client.get(EXPORT).getvalue().decode())))
    table = {(x["kind"], x["class"], x["colour"], x["word"]): x for x in lines}
    assert table["class", "dress", "", ""]["in_vain"] == "2"
    assert table["class", "hat", "", ""]["products"] == "0"
    assert table["colour", "", "unknown", ""]["products"] == ""
    assert table["class and colour", "dress", "blue", ""]["products"] == "1"
    assert table["word", "", "", "'=kilt"]["in_vain"] == "1"


def test_page__in_french(admin_client):
    searched()
    page = text_of(admin_client.get(PAGE, headers={"Accept-Language": "fr"}))
    assert "Mots qui ne décrivent aucun produit" in page
