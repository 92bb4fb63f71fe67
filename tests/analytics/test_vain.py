"""Searches in vain: which they are, and what their photos and words show."""

from __future__ import annotations

from datetime import timedelta

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.helpers.pictures import picture
from tests.helpers.reindex import reindex
from visualsearch.analytics.insights import Period
from visualsearch.analytics.vain import (
    EITHER,
    UNCLICKED,
    UNMATCHED,
    alike,
    searches_in_vain,
)
from visualsearch.models import Embedding, Event, KeptPhoto, Query, Storefront, to_bytes

pytestmark = pytest.mark.django_db


def searched(label="dress", colour="red", *, sure=0.9, matched=False, events=(), **values):
    """Create a search; ``events``: kinds of events on its first result."""
    predictions = [{"label": label, "probability": sure}]
    fields = {"matched": matched, "predictions": predictions, "colour": colour}
    query = Query.objects.create(**{"encoder": "fake-1", "vector": b"", **fields, **values})
    for kind in events:
        Event.objects.create(query=query, kind=kind, item="A", rank=1)
    return query


def kept(query, seconds=60):
    expires = timezone.now() + timedelta(seconds=seconds)
    KeptPhoto.objects.create(pk=query.pk, jpeg=b"jpeg", expires=expires)
    return query


def toward(*numbers):
    """Return a stored vector of length 1."""
    vector = np.array(numbers, np.float32)
    return to_bytes(vector / np.linalg.norm(vector))


def found(why=EITHER, **values):
    return searches_in_vain(Period.last(7, now=timezone.now(), **values), why)


def vain_by(lines):
    return [(line.label, line.colour, line.vain, line.searches) for line in lines]


def test_in_vain__what_counts():
    searched(matched=True, events=["view", "click"])
    searched(matched=True, events=["view"])
    searched(matched=True, events=["purchase"])
    searched(matched=False, events=["click"])
    searched(matched=False)
    counts = {why: found(why).vain for why in (EITHER, UNMATCHED, UNCLICKED)}
    assert counts == {EITHER: 3, UNMATCHED: 2, UNCLICKED: 2}
    assert found().searches == 5


def test_in_vain__without_any_event_clicks_are_unknown():
    searched(matched=True), searched(matched=False)
    assert not found().has_events
    assert [found(why).vain for why in (EITHER, UNMATCHED, UNCLICKED)] == [1, 1, 1]


def test_in_vain__of_a_period_and_a_storefront():
    shop = Storefront(name="app")
    shop.new_key()
    shop.save()
    searched(storefront=shop)
    old = searched(storefront=shop)
    Query.objects.filter(pk=old.pk).update(created=timezone.now() - timedelta(days=9))
    searched()
    assert found().vain == 2
    assert found(storefront=shop.pk).vain == 1


def test_kinds__most_in_vain_first_and_unknown_ones_said():
    for colour in ("red", "red", ""):
        searched("dress", colour)
    searched("dress", matched=True, events=["click"])
    searched("hat", "blue", sure=0.3)
    figures = found()
    assert vain_by(figures.classes) == [("dress", None, 3, 4), ("", None, 1, 1)]
    assert figures.classes[0].matched == 1
    assert vain_by(figures.colours) == [
        (None, "red", 2, 3),
        (None, "", 1, 1),
        (None, "blue", 1, 1),
    ]
    assert vain_by(figures.pairs) == [("dress", "red", 2, 3)]


def test_products__by_the_shops_filter_and_colours(sell):
    sell("D1", category="Dresses", color="Dark red")
    sell("D2", category="Dresses", color="blue")
    sell("S1", category="Shirts", color="red")
    searched("dress", "red"), searched("dress", "green"), searched("hat", "red"), searched("", "")
    figures = found()
    assert {line.label: line.products for line in figures.classes} == {
        "dress": 2,
        "hat": 0,
        "": None,
    }
    assert {line.colour: line.products for line in figures.colours} == {
        "red": 2,
        "green": 0,
        "": None,
    }
    pairs = {(line.label, line.colour): line.products for line in figures.pairs}
    assert pairs == {("dress", "red"): 1, ("dress", "green"): 0, ("hat", "red"): 0}


def test_products__colours_of_pictures_where_the_shop_names_none(sell):
    sell("D1", picture(1), color="")
    reindex()
    searched("dress", "red")
    Embedding.objects.update(traits={"colour": "red"})
    assert found().colours[0].products == 1


def test_products__of_a_shop_that_names_neither_are_unknown(sell):
    sell("X", category="Things", color="")
    searched("hat", "red")
    figures = found()
    assert figures.classes[0].products is None
    assert figures.colours[0].products is None


def test_photos__of_one_kind_are_one_group():
    red = [kept(searched(vector=toward(1, n / 9, 0))) for n in range(20)]
    blue = [kept(searched("hat", "blue", vector=toward(0, 0, 1))) for _ in range(2)]
    kept(searched(vector=toward(1, 0, 0)), seconds=-1)  # has expired
    kept(searched(matched=True, events=["click"], vector=toward(1, 0, 0)))
    figures = found()
    assert figures.kept == 22
    assert [len(group.photos) for group in figures.groups] == [20, 2]
    assert figures.groups[0].photos == [query.pk for query in reversed(red)]
    assert set(figures.groups[1].photos) == {query.pk for query in blue}
    assert (figures.groups[1].label, figures.groups[1].colour) == ("hat", "blue")


def test_photos__of_another_encoder_or_without_a_vector_are_apart():
    kept(searched(vector=toward(1, 0)))
    kept(searched(vector=toward(1, 0, 0), encoder="fake-2"))
    kept(searched()), kept(searched())
    assert [len(group.photos) for group in found().groups] == [1] * 4


def test_alike__by_the_mean_cosine():
    def at(*degrees):
        angles = np.radians(degrees)
        return np.stack([np.cos(angles), np.sin(angles)], 1).astype(np.float32)

    assert alike(at(0, 90, 10, 95), 0.5) == [[0, 2], [1, 3]]
    # A chain of near ones is no group: its ends differ.
    assert len(alike(at(*range(0, 180, 10)), 0.8)) > 2
    assert alike(at(7), 0.5) == [[0]]


def test_words__that_describe_no_product():
    searched(words={"navy": True, "paisley": False})
    searched(words={"paisley": False, "kilt": False}, matched=True)
    searched()
    figures = found()
    assert figures.words == [("paisley", 2), ("kilt", 1)]
    assert figures.with_words == 2


def test_vector__stays_as_long_as_the_photo_is_kept():
    past = timezone.now() - timedelta(seconds=1)
    values = {"vector": toward(1, 0), "cells": b"cells", "expires": past}
    seen, unseen = kept(searched(**values)), searched(**values)
    Query.forget_expired()
    seen.refresh_from_db(), unseen.refresh_from_db()
    assert (bytes(seen.vector), bytes(seen.cells)) == (values["vector"], b"")
    assert (bytes(unseen.vector), bytes(unseen.cells)) == (b"", b"")
    KeptPhoto.objects.update(expires=past)
    Query.forget_expired()
    seen.refresh_from_db()
    assert bytes(seen.vector) == b""


def test_figures__ask_the_database_as_often_for_many_searches(sell):
    sell("D1", category="Dresses")
    kept(searched(words={"kilt": False}))

    def asked():
        with CaptureQueriesContext(connection) as queries:
            found()
        return len(queries)

    few = asked()
    for n in range(30):
        kept(searched(colour="blue" if n % 2 else "red", words={"kilt": False}))
    assert asked() == few
