"""Large catalogs are counted in the background, small ones at once."""

import threading

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.helpers.pictures import picture
from tests.helpers.reindex import reindex
from visualsearch.models import Embedding
from visualsearch.serving import item_counts, loaded_versions


@pytest.fixture
def large(transactional_db, sold, monkeypatch):
    """Eight indexed products, which count as a large catalog; return the encoder's id."""
    reindex()
    monkeypatch.setattr(item_counts, "COUNTED_AT_ONCE", 3)
    monkeypatch.setattr(item_counts, "PAUSE", 0.1)
    item_counts.forget()
    yield Embedding.objects.first().encoder
    item_counts.forget()
    for thread in threading.enumerate():
        if thread.name == "visualsearch-count":
            thread.join(60)  # or it would read the database of another test


class Told:
    """Receives counts; ``came`` is set when one came from another thread."""

    def __init__(self):
        self.came = threading.Event()
        self.all = []

    def __call__(self, items):
        self.all.append(items)
        if threading.current_thread() is not threading.main_thread():
            self.came.set()


def test_searchable_items__small(large):
    with CaptureQueriesContext(connection) as queries:
        assert item_counts.searchable_items(large, 3) == 8
    assert len(queries) == 1


def test_searchable_items__large_is_counted_in_another_thread(large):
    told = Told()
    with CaptureQueriesContext(connection) as queries:
        assert item_counts.searchable_items(large, 5, told) == 5
    assert len(queries) == 0
    assert told.came.wait(60)
    assert told.all == [5, 8]
    assert item_counts.searchable_items(large, 5) == 8


def test_searchable_items__changes_during_the_pause_are_counted(large, sell):
    first, second = Told(), Told()
    item_counts.searchable_items(large, 5, first)
    assert first.came.wait(60)
    sell("P8", picture(8))
    assert item_counts.searchable_items(large, 5, second) == 8
    assert second.came.wait(60)
    assert second.all == [8, 9]


def test_replay__of_a_large_catalog_does_not_count(large, sell):
    live = loaded_versions.current()
    assert live.items == 8
    told = Told()
    live.set_items = told
    sell("P8", picture(8))
    with CaptureQueriesContext(connection) as queries:
        assert loaded_versions.current() is live
    assert not any("COUNT" in each["sql"].upper() for each in queries)
    assert told.came.wait(60)
    assert told.all == [8, 9]
