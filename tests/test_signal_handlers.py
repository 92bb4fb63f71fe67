"""Signals index changes automatically; these tests use real commits."""

import pytest
from django.core.files.base import ContentFile
from django.db import transaction

from shop.models import Product
from tests.helpers.pictures import encoded, picture
from visualsearch import signal_handlers
from visualsearch.exceptions import BackendUnavailable
from visualsearch.models import Embedding
from visualsearch.photos.decode import open_photo
from visualsearch.reindex import launch
from visualsearch.search import by_photo
from visualsearch.search.requests import SearchRequest

pytestmark = pytest.mark.django_db(transaction=True)


def found(n, limit=8):
    result = by_photo.search(open_photo(encoded(picture(n))), SearchRequest(limit=limit))
    return [hit.item for hit in result.hits]


def test_saved_product_is_in_the_next_search(sold, sell):
    assert "NEW" not in found(40)
    sell("NEW", picture(40))
    assert found(40)[0] == "NEW"


def test_hidden_and_deleted_products_are_not(sold):
    assert found(3)[0] == "P3"
    sold[3].published = False
    sold[3].save()
    assert "P3" not in found(3)
    assert Embedding.objects.get(item="P3").removed
    sold[4].delete()
    assert "P4" not in found(4)
    assert Embedding.objects.get(item="P4").removed


def test_replaced_picture_is_searched_by(sold):
    image = sold[3].images.get()
    image.image.save("other.png", ContentFile(encoded(picture(41), "PNG")))
    assert found(41)[0] == "P3"


def test_many_changes_in_one_transaction_are_one_task(sell, monkeypatch):
    sent = []
    monkeypatch.setattr(launch, "refresh_later", lambda keys, given: sent.append(keys))
    with transaction.atomic():
        for n in range(5):
            sell(f"T{n}", picture(n))
    assert [sorted(keys) for keys in sent] == [[f"T{n}" for n in range(5)]]


def test_rolled_back_change_is_not_sent(sell, monkeypatch):
    sent = []
    monkeypatch.setattr(launch, "refresh_later", lambda keys, given: sent.append(keys))

    class Undo(Exception):
        pass

    def undone():
        with transaction.atomic():
            sell("T0", picture(0))
            raise Undo

    with pytest.raises(Undo):
        undone()
    assert sent == []


def test_bulk_change_is_covered_by_enqueue(sold):
    Product.objects.filter(sku="P3").update(published=False)
    assert not Embedding.objects.get(item="P3").removed
    signal_handlers.enqueue(["P3"])
    assert Embedding.objects.get(item="P3").removed


def test_paused__leaves_an_import_to_the_reindex_after_it(sell):
    with signal_handlers.paused():
        sell("P0", picture(0))
    assert not Embedding.objects.exists()
    sell("P1", picture(1))
    assert Embedding.objects.get().item == "P1"


def test_product_can_be_saved_while_the_broker_is_down(sold, monkeypatch, caplog):
    def down(keys, given):
        raise BackendUnavailable

    monkeypatch.setattr(launch, "refresh_later", down)
    sold[3].name = "Other"
    sold[3].save()
    assert Product.objects.get(sku="P3").name == "Other"
    assert "1 changed products could not be sent" in caplog.text
