"""System checks of a catalog's attributes; each names the line to change."""

from __future__ import annotations

import pytest
from django.core.checks import run_checks
from django.db.models import CharField, Index, UniqueConstraint, Value

from shop.models import Product, ProductImage
from shop.visual import ProductCatalog
from visualsearch.catalogs.fields import has_index, is_to_many, path_of, split_relation
from visualsearch.models import Event, Query


def messages() -> list[tuple[str, str]]:
    return [(each.id, each.hint) for each in run_checks(tags=["visualsearch"])]


def test_checks__the_sample_shop_is_right():
    assert messages() == []


@pytest.mark.parametrize(
    ("attribute", "value", "expected", "hint"),
    [
        ("group", "styel", "E014", "Set group in ProductCatalog to a field or lookup of Product"),
        ("group", "category__nam", "E014", "Set group in ProductCatalog"),
        ("group", "images__image", "E014", "one value per product"),
        ("group", "material", "W005", "Set db_index=True on Product.material"),
        ("search_fields", "name", "E015", "to a list: ['name']"),
        ("search_fields", ["name", "titel"], "E015", "Correct or remove 'titel'"),
        ("search_fields", ["category__titel"], "E015", "Correct or remove 'category__titel'"),
        ("search_fields", ["category"], "E015", "“category__name”"),
        ("colours", {"midnight": "191970"}, "E016", "Set 'midnight' in colours"),
        ("colours", {"midnight": "#19f"}, "E016", "six hexadecimal digits"),
        ("colours", {"midnight": None}, "E016", "six hexadecimal digits"),
        ("out_of_stock", {"stok": 0}, "E017", "Set out_of_stock in ProductCatalog"),
        ("out_of_stock", {"stock": "none"}, "E017", "Product.objects.filter()"),
    ],
)
def test_checks__wrong_attribute(monkeypatch, attribute, value, expected, hint):
    monkeypatch.setattr(ProductCatalog, attribute, value)
    ((found, said),) = messages()
    assert found == f"visualsearch.{expected}"
    assert hint in said


def test_checks__annotations_of_visible_are_fields(monkeypatch):
    text = Value("x", output_field=CharField())
    rows = Product.objects.annotate(family=text, everything=text, left=Value(0))
    monkeypatch.setattr(ProductCatalog, "visible", lambda self: rows)
    monkeypatch.setattr(ProductCatalog, "group", "family")
    monkeypatch.setattr(ProductCatalog, "search_fields", ["everything"])
    monkeypatch.setattr(ProductCatalog, "out_of_stock", {"left": 0})
    assert messages() == []


def test_checks__visible_that_fails_is_the_doctors(monkeypatch):
    monkeypatch.setattr(ProductCatalog, "visible", lambda self: 1 / 0)
    monkeypatch.setattr(ProductCatalog, "group", "family")
    assert [found for found, _hint in messages()] == ["visualsearch.E014"]


def test_checks__colours_in_either_case_and_lookups_are_right(monkeypatch):
    monkeypatch.setattr(ProductCatalog, "colours", {"midnight": "#191970", "rose": "#C9A2A0"})
    monkeypatch.setattr(ProductCatalog, "search_fields", ("pk", "category__name", "images__image"))
    assert messages() == []


def test_path_of__stops_at_a_field_that_is_no_relation():
    lookup = "query__predictions__0__label"
    assert [each.name for each in path_of(Event, lookup)] == ["query", "predictions"]
    assert split_relation(Event, lookup) == ("query", "predictions__0__label")
    assert split_relation(Query, "predictions__0") == ("", "predictions__0")
    assert split_relation(ProductImage, "product__category__name") == ("product__category", "name")
    assert split_relation(Product, "category") == ("", "category")


def test_is_to_many__also_backwards():
    lookups = ("category__name", "images__image", "name", "pk")
    assert [is_to_many(path_of(Product, each)) for each in lookups] == [False, True, False, False]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, False),
        ({"indexes": [Index(fields=["-material", "name"], name="x")]}, True),
        ({"indexes": [Index(fields=["name", "material"], name="x")]}, False),
        ({"constraints": [UniqueConstraint(fields=["material", "name"], name="x")]}, True),
        ({"unique_together": [("material", "name")]}, True),
    ],
)
def test_has_index__first_field_of_an_index(monkeypatch, options, expected):
    for name, value in options.items():
        monkeypatch.setattr(Product._meta, name, value)
    assert has_index(Product._meta.get_field("material")) is expected


def test_has_index__keys_and_unique_fields():
    known = {name: has_index(Product._meta.get_field(name)) for name in ("id", "sku", "category")}
    assert known == {"id": True, "sku": True, "category": True}
