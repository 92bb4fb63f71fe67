import time

import pytest

from benchmarks.chaos.client import Answer
from benchmarks.chaos.outages import Outages
from benchmarks.chaos.report import Journal


@pytest.fixture
def journal():
    return Journal(outages=Outages(grace=0))


def answer(status, retry_after=None):
    now = time.monotonic()
    return Answer(status=status, text="text", start=now, end=now, retry_after=retry_after)


def test_note__answered(journal):
    journal.note("search", answer(200))
    assert journal.passed()
    assert journal.availability() == 1


@pytest.mark.parametrize("status", [400, 404, 500, 502, 503])
@pytest.mark.parametrize("away", ["db", "web"])
def test_note__wrong_whenever(journal, status, away):
    """A 503 without Retry-After is wrong, too."""
    with journal.outages.stated(away):
        journal.note("search", answer(status))
    assert journal.wrong == [f"search: {status} text"]
    assert not journal.passed()


def test_note__refused_in_an_outage(journal):
    with journal.outages.stated("search"):
        journal.note("search", answer(503, "1"))
    journal.note("search", answer(200))
    assert journal.passed()


def test_note__refused_without_an_outage(journal):
    with journal.outages.stated("search"):
        journal.note("shop page", answer(503, "1"))  # needs no search
    journal.note("search", answer(503, "1"))
    journal.note("search", answer(200))
    assert journal.wrong == []
    assert journal.availability() == pytest.approx(1 / 3)
    assert not journal.passed()


def test_note__unreachable_only_without_the_web_server(journal):
    with journal.outages.stated("web"):
        journal.note("search", answer(0))
    assert journal.wrong == []
    with journal.outages.stated("db"):
        journal.note("search", answer(0))
    assert len(journal.wrong) == 1


def test_passed__lost(journal):
    journal.note("search", answer(200))
    journal.lost.append("a search")
    assert not journal.passed()
    assert "lost: a search" in journal.table()


def test_during__request_that_touches_an_outage(journal):
    before = time.monotonic()
    with journal.outages.stated("redis"):
        inside = time.monotonic()
    after = time.monotonic()
    assert journal.outages.during(before, inside) == {"redis"}
    assert journal.outages.during(before, before) == set()
    assert journal.outages.during(after, after) == set()
