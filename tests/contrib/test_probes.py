import threading

import pytest

from tests.helpers.hanging import HANGS, before_the_hang_ends, until
from visualsearch.contrib import probes
from visualsearch.contrib.probes import Hanging, within


def test_within__answer():
    assert within(HANGS, lambda: 7) == 7


def test_within__error():
    with pytest.raises(ZeroDivisionError):
        within(HANGS, lambda: 1 / 0)


def test_within__hangs():
    go_on = threading.Event()
    with before_the_hang_ends(go_on.set), pytest.raises(Hanging):
        within(0.05, go_on.wait)
    go_on.set()


def test_within__only_so_many_hang():
    go_on = threading.Event()
    try:
        for _ in range(probes.PLACES):
            with pytest.raises(Hanging, match="no response"):
                within(0.001, go_on.wait)
        with pytest.raises(Hanging, match="too many"):
            within(HANGS, lambda: 7)
    finally:
        go_on.set()

    def is_free():
        try:
            return within(HANGS, lambda: 7) == 7
        except Hanging:
            return False

    until(is_free, "no place became free")
