import random

import pytest

from benchmarks.chaos.goods import Goods


@pytest.fixture
def goods():
    goods = Goods()
    goods.add("A", 1)
    goods.add("B", 2)
    return goods


def edit(goods, key, state, picture=1):
    goods.begin(key, picture)
    goods.confirm(key, state, picture)


def test_fault_in__first(goods):
    assert goods.fault_in(goods.expect_of("A"), ["A", "B"]) == ""
    assert "A is not first" in goods.fault_in(goods.expect_of("A"), ["B", "A"])
    assert "A is not first" in goods.fault_in(goods.expect_of("A"), [])


def test_fault_in__later_page_has_no_first(goods):
    assert goods.fault_in(goods.expect_of("A"), ["B"], first=False) == ""


def test_fault_in__edited_product_must_be_first_once_it_was_found(goods):
    edit(goods, "A", "visible", picture=3)
    assert goods.fault_in(goods.expect_of("A"), ["B"]) == ""
    assert goods.fault_in(goods.expect_of("A"), ["A"]) == ""
    assert "A is not first" in goods.fault_in(goods.expect_of("A"), ["B"])


def test_fault_in__edit_during_the_request(goods):
    expected = goods.expect_of("A")
    edit(goods, "A", "hidden")
    assert goods.fault_in(expected, ["B"]) == ""
    assert goods.fault_in(expected, ["A"]) == ""


@pytest.mark.parametrize("state", ["hidden", "deleted"])
@pytest.mark.parametrize("first", [True, False])
def test_fault_in__hidden(goods, state, first):
    edit(goods, "B", state)
    expected = goods.expect_of("A")
    assert "B is shown" in goods.fault_in(expected, ["A", "B"], first=first)
    goods.begin("B", 2)  # it may be published meanwhile
    assert goods.fault_in(expected, ["A", "B"]) == ""


def test_fault_in__unknown(goods):
    assert "never sold" in goods.fault_in(goods.expect_of("A"), ["A", "C"])


def test_expect__only_visible_and_settled(goods):
    edit(goods, "A", "hidden")
    assert {goods.expect(random.Random(n)).wanted for n in range(9)} == {"B"}
    goods.begin("B", 2)
    assert goods.keys("visible") == []
