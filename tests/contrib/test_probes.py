import threading
import time

import pytest

from visualsearch.contrib import probes
from visualsearch.contrib.probes import Hanging, within


def test_within__answer():
    assert within(5, lambda: 7) == 7


def test_within__error():
    with pytest.raises(ZeroDivisionError):
        within(5, lambda: 1 / 0)


def test_within__hangs():
    go_on = threading.Event()
    start = time.monotonic()
    try:
        with pytest.raises(Hanging):
            within(0.05, go_on.wait)
        assert time.monotonic() - start < 5
    finally:
        go_on.set()


def test_within__only_so_many_hang():
    go_on = threading.Event()
    try:
        for _ in range(probes.PLACES):
            with pytest.raises(Hanging, match="no answer"):
                within(0.001, go_on.wait)
        with pytest.raises(Hanging, match="too many"):
            within(5, lambda: 7)
    finally:
        go_on.set()
    end = time.monotonic() + 10
    while time.monotonic() < end:
        try:
            assert within(5, lambda: 7) == 7
            return
        except Hanging:
            time.sleep(0.01)
    pytest.fail("no place became free")
