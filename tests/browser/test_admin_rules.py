"""A merchandiser makes, orders and undoes ranking rules in a browser."""

from __future__ import annotations

import pytest

from shop.models import Product
from tests.browser.navigation import follow
from tests.helpers.rules import rule
from visualsearch.models import RankingRule

pytestmark = pytest.mark.django_db(transaction=True)

LIST = "/admin/visualsearch/rankingrule/"
ADD = f"{LIST}add/"


def find(owner, text):
    owner.get_by_label("Find a product by name or key").fill(text)
    owner.locator("#vs-found li").first.wait_for()


def test_picker__by_keyboard_and_in_order(owner, sold):
    owner.goto(ADD)
    owner.get_by_label("Show first").check()
    assert not owner.get_by_label("All products that match a filter").is_visible()
    for key in ("P3", "P5"):
        find(owner, key)
        owner.keyboard.press("Enter")
    find(owner, "Product P6")
    owner.locator("#vs-found li").first.click()
    chosen = owner.locator("[data-chosen] li")
    assert chosen.count() == 3
    owner.get_by_role("button", name="Move up: Product P6").click()
    owner.get_by_role("button", name="Remove: Product P3").click()
    owner.get_by_text("2 products on sale match now").wait_for()
    owner.get_by_label("Only in the category").fill("Shirt")
    follow(owner.get_by_role("button", name="Save"))
    made = RankingRule.objects.get()
    assert (made.keys, made.category) == (["P6", "P5"], "shirt")


def test_filter__shows_what_matches(owner, sold):
    owner.goto(ADD)
    owner.get_by_label("Show earlier").check()
    assert not owner.get_by_label("All products that are out of stock").is_visible()
    owner.get_by_label("All products that match a filter").check()
    owner.locator("[name=filter-min_price]").fill("16")
    owner.get_by_text("2 products on sale match now").wait_for()
    assert owner.locator("[data-found] img").count() == 2


def test_stock__one_click(owner, sold):
    Product.objects.filter(sku="P1").update(stock=0)
    owner.goto(LIST)
    follow(owner.get_by_role("button", name="Last"))
    assert owner.locator("[aria-pressed=true]").text_content() == "Last"
    assert RankingRule.objects.get().action == "bury"


def test_undo__one_click(owner, sold):
    made = rule("hide", "P1")
    owner.goto(f"{LIST}{made.pk}/change/")
    owner.get_by_label("Show later").check()
    follow(owner.get_by_role("button", name="Save"))
    follow(owner.get_by_role("button", name="Undo"))
    assert owner.get_by_label("Never show").is_checked()


def test_list__switches_a_rule_off(owner, sold):
    rule("hide", "P1")
    owner.goto(LIST)
    follow(owner.get_by_role("button", name="Switch off"))
    assert not RankingRule.objects.get().active
