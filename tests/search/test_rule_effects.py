"""What rules do to one item, alone and together."""

from __future__ import annotations

import itertools

import pytest

from shop.models import Product
from tests.helpers.rules import effects, rule, stock_rule
from visualsearch.search.rules import Effect

pytestmark = pytest.mark.django_db


def test_one_rule__has_its_effect(indexed):
    pin, boost = rule("pin", "P1", "P0"), rule("boost", "P2", strength=15)
    bury, hide = rule("bury", "P3"), rule("hide", "P4")
    found = effects()
    assert list(found.pins) == ["P1", "P0"]
    assert found.of("P0") == Effect(rules=(pin.pk,))
    assert found.of("P2") == Effect(boost=0.15, rules=(boost.pk,))
    assert found.of("P3") == Effect(buried=True, rules=(bury.pk,))
    assert found.of("P4") == Effect(hidden=True, rules=(hide.pk,))
    assert found.of("P5") == Effect()
    assert set(found.hidden_items()) == {"P4"}


def test_several_rules__the_stronger_one_overrules(indexed):
    """From weak to strong: earlier, later, first, later as out of stock, never."""
    Product.objects.filter(sku="P1").update(stock=0)
    makers = [
        lambda: rule("boost", "P1"),
        lambda: rule("bury", "P1"),
        lambda: rule("pin", "P1"),
        lambda: stock_rule("bury"),
        lambda: rule("hide", "P1"),
    ]
    for weak, strong in itertools.combinations(range(len(makers)), 2):
        for order in ((weak, strong), (strong, weak)):
            made = {place: makers[place]() for place in order}
            found = effects()
            expected = {made[strong].pk}
            if {weak, strong} == {1, 3}:
                expected.add(made[weak].pk)  # both put it last
            assert set(found.of("P1").rules) == expected, order
            assert list(found.pins) == (["P1"] if strong == 2 else []), order
            for each in made.values():
                each.delete()


def test_boosts__do_not_add_up(indexed):
    weak, strong = rule("boost", "P1", strength=2), rule("boost", "P1", strength=15)
    assert effects().of("P1") == Effect(boost=0.15, rules=(strong.pk,))
    strong.delete()
    assert effects().of("P1") == Effect(boost=0.02, rules=(weak.pk,))


def test_pins__those_of_the_newest_rule_come_first_and_once(indexed):
    rule("pin", "P1", "P2")
    rule("pin", "P3", "P2")
    assert list(effects().pins) == ["P3", "P2", "P1"]


def test_pins__are_chosen_products_only(indexed):
    rule("pin", filters="min_price=12")
    assert list(effects().pins) == []


def test_hidden_items__of_several_rules(indexed):
    Product.objects.filter(sku="P1").update(stock=0)
    rule("hide", "P4"), rule("hide", filters="min_price=17"), stock_rule("hide")
    assert set(effects().hidden_items()) == {"P1", "P4", "P7"}


def test_out_of_stock__is_unknown_to_a_shop_that_does_not_say(indexed, monkeypatch):
    monkeypatch.setattr("shop.visual.ProductCatalog.out_of_stock", {})
    Product.objects.filter(sku="P1").update(stock=0)
    stock_rule("hide")
    assert effects().of("P1") == Effect()
