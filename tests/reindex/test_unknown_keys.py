"""Keys that enqueue() is called with and no item has."""

import logging
import uuid

import pytest
from django.db import transaction

from shop.models import Product
from tests.helpers.pictures import picture
from visualsearch.models import Embedding
from visualsearch.reindex import launch, tasks, unknown_keys
from visualsearch.signal_handlers import enqueue, paused

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def warnings(caplog):
    """The messages that are logged about unknown keys."""
    caplog.set_level(logging.WARNING, unknown_keys.__name__)
    return lambda: [each.getMessage() for each in caplog.records]


def test_unknown_keys__are_named_with_the_key_field(sold, warnings):
    enqueue(["P1", "X1", "X2"])
    (message,) = warnings()
    assert "no item of ProductCatalog has: X1, X2. Pass values of the field “sku”" in message


def test_primary_keys__are_recognised(sold, warnings):
    enqueue(Product.objects.values_list("pk", flat=True))
    (message,) = warnings()
    assert "These are primary keys. Pass values of the field “sku”" in message


def test_many_unknown_keys__are_counted(sold, warnings):
    enqueue(f"X{n}" for n in range(25))
    (message,) = warnings()
    assert "X0, X1, X2, X3, X4, X5, X6, X7, X8, X9 and 15 more. " in message


def test_hidden_without_pictures_and_gone__are_known(sell, sold, warnings):
    sell("BARE")
    Product.objects.filter(sku="P1").update(published=False)
    with paused():
        Product.objects.filter(sku="P2").delete()
    enqueue(["BARE", "P1", "P2", "P3"])
    assert set(Embedding.objects.filter(removed=True).values_list("item", flat=True)) == {
        *("P1", "P2")
    }
    assert warnings() == []


def test_deleted_without_pictures__is_no_mistake(sell, warnings):
    with transaction.atomic():
        bare = sell("BARE")
        bare.delete()
    assert warnings() == []


@pytest.mark.parametrize("odd", ["", "é" * 600, uuid.UUID(int=1), 7.5, None])
def test_odd_keys__are_reported_and_harm_nothing(sold, warnings, odd):
    Product.objects.filter(sku="P1").update(published=False)
    enqueue(["P1", odd])
    assert Embedding.objects.get(item="P1").removed
    assert len(warnings()) == 1


def test_items__may_be_passed_in_place_of_keys(sold, warnings):
    Product.objects.filter(sku__in=["P1", "P2", "P3"]).update(published=False)
    enqueue(Product.objects.filter(sku__in=["P1", "P2"]))
    enqueue(Product.objects.get(sku="P3"))
    assert Embedding.objects.filter(removed=True).count() == 3
    assert warnings() == []


def test_one_key__may_be_passed_alone(sold, warnings):
    Product.objects.filter(sku="P1").update(published=False)
    enqueue("P1")
    assert Embedding.objects.get(removed=True).item == "P1"
    assert warnings() == []


def test_keys_of_signals__are_not_checked(sold, django_assert_num_queries):
    with django_assert_num_queries(0):
        unknown_keys.warn_of_unknown([])
    with django_assert_num_queries(1):
        unknown_keys.warn_of_unknown(["P1"])


def test_task__has_one_argument_unless_keys_were_given(configure, sell, monkeypatch):
    sent = []
    configure(USE_CELERY=True, REDIS_URL="redis://127.0.0.1:1/0")
    monkeypatch.setattr(tasks.index_items, "apply_async", lambda args, **_: sent.append(args))
    with transaction.atomic():
        sell("A", picture(1))
    with transaction.atomic():
        sell("B", picture(2))
        enqueue(["C"])
    launch.refresh_later(["D"])
    assert sent == [(["A"],), (["B", "C"], ["C"]), (["D"],)]
