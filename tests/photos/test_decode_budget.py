"""Photos are decoded at the same time only as far as their memory fits."""

from __future__ import annotations

import threading

import pytest

from tests.helpers.pictures import encoded, picture
from visualsearch.exceptions import Overloaded
from visualsearch.photos.decode import open_photo
from visualsearch.photos.decode_budget import DecodeBudget, usual_capacity


def test_admit__waits_until_there_is_room():
    budget, order = DecodeBudget(100, wait=30), []
    inside, leave = threading.Event(), threading.Event()

    def first():
        with budget.admit(60):
            inside.set()
            leave.wait(30)
            order.append("first")

    def second():
        inside.wait(30)
        with budget.admit(60):
            order.append("second")

    threads = [threading.Thread(target=each) for each in (first, second)]
    for thread in threads:
        thread.start()
    inside.wait(30)
    with budget.admit(40):  # fits beside the first
        assert budget.used == 100
    leave.set()
    for thread in threads:
        thread.join(30)
    assert order == ["first", "second"]
    assert budget.used == 0


def test_admit__refuses_after_its_wait():
    budget = DecodeBudget(100, wait=0.01)
    with budget.admit(60), pytest.raises(Overloaded), budget.admit(60):
        pytest.fail("there is no room")
    assert budget.used == 0


def test_admit__more_than_the_capacity_alone():
    budget = DecodeBudget(100, wait=0.01)
    with budget.admit(500):
        assert budget.used == 500
        with pytest.raises(Overloaded), budget.admit(1):
            pytest.fail("there is no room")


def test_admit__an_error_frees_its_bytes():
    budget = DecodeBudget(100, wait=0.01)
    with pytest.raises(ZeroDivisionError), budget.admit(100):
        raise ZeroDivisionError
    assert budget.used == 0


def test_open_photo__under_a_budget():
    data = encoded(picture(1, (640, 480)))
    budget = DecodeBudget(1, wait=0.01)
    assert open_photo(data, budget=budget).image.size == (320, 240)
    with budget.admit(1), pytest.raises(Overloaded):
        open_photo(data, budget=budget)
    assert budget.used == 0


def test_usual_capacity__is_a_part_of_the_memory():
    assert 1_000_000 < usual_capacity() < 10**13
