"""Why a hit of a trial search stands where it stands."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse

from shop.models import Product
from tests.helpers.pictures import encoded, picture
from tests.helpers.rules import rule
from visualsearch.models import IndexVersion

pytestmark = pytest.mark.django_db

PHOTO = reverse("admin:visualsearch_photo")


def tried(client, **values):
    """Return the rules of each hit by item key."""
    image = SimpleUploadedFile("x.png", encoded(picture(1), "PNG"))
    fields = {"image": image, "version": IndexVersion.objects.get(state="active").pk, "limit": 8}
    response = client.post(PHOTO, fields | values)
    (column,) = response.context["columns"]
    return {hit["product"].key: hit["rules"] for hit in column.hits}, response.content.decode()


def test_hits__name_the_rules_that_act_on_them(admin_client, indexed):
    made = rule("boost", "P1", name="Summer", strength=15)
    hits, page = tried(admin_client)
    assert hits["P1"] == [{"pk": made.pk, "name": "Summer", "text": "Show earlier (+0.15)"}]
    assert hits["P2"] == []
    assert reverse("admin:visualsearch_rankingrule_change", args=[made.pk]) in page


def test_category__is_searched_with_its_rules(admin_client, indexed):
    Product.objects.filter(sku="P0").update(published=False)
    rule("boost", "P1", category="shirt", name="of shirts")
    rule("boost", "P1", category="hat", name="of hats")
    assert tried(admin_client)[0]["P1"] == []
    hits, _page = tried(admin_client, category="shirt")
    assert [each["name"] for each in hits["P1"]] == ["of shirts"]


def test_words__say_how_many_describe_a_hit(admin_client, indexed):
    image = SimpleUploadedFile("x.png", encoded(picture(1), "PNG"))
    active = IndexVersion.objects.get(state="active").pk
    fields = {"image": image, "version": active, "limit": 8, "words": "P3 product"}
    (column,) = admin_client.post(PHOTO, fields).context["columns"]
    reasons = {hit["product"].key: hit["reasons"] for hit in column.hits}
    assert next(iter(reasons)) == "P3"
    assert reasons["P3"][1] == "2 words describe it"
    assert reasons["P1"] == ["Number 1 by likeness", "1 word describes it"]


def test_words__says_which_were_understood(admin_client, indexed):
    page = tried(admin_client, words="product P3 kilt")[1]
    assert "Words that count: product, p3." in page
    assert "change nothing: kilt." in page
    page = tried(admin_client)[1]
    assert "Words that" not in page


def test_hits__are_numbered_and_classes_named(admin_client, indexed, monkeypatch):
    page = tried(admin_client)[1]
    places = [page.index(f'<span class="vs-name">{place}. ') for place in range(1, 9)]
    assert places == sorted(places)
