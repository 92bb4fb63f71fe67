"""Jobs of a search worker, run in the test's process; tests/stack has real workers."""

import time
import uuid
from dataclasses import fields, replace
from decimal import Decimal

import numpy as np
import pytest
from celery import current_app
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError
from django.utils import translation
from django.utils.translation import gettext, gettext_lazy

from shop.models import Product
from shop.visual import ProductCatalog
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.catalogs.loaded import drop_catalogs
from visualsearch.encoders.preprocess import InputSpec
from visualsearch.exceptions import BackendUnavailable, IndexNotReady, ItemNotFound
from visualsearch.models import KeptPhoto, Query, Storefront
from visualsearch.search.callers import Caller
from visualsearch.search.requests import (
    ClassifyRequest,
    EmbedRequest,
    PageRequest,
    SearchRequest,
    SimilarRequest,
)
from visualsearch.search_queue import dispatch, heartbeat, jobs, redis_queue, worker
from visualsearch.serving import loaded_versions

PHOTO = encoded(picture(3))


@pytest.fixture
def with_workers(sold, configure, redis_server, monkeypatch):
    """A shop whose web processes send jobs; the test acts as the worker."""
    reindex()
    monkeypatch.setattr(heartbeat, "SILENCE", 600)  # one heartbeat lasts for the whole test
    configure(USE_CELERY=True, REDIS_URL=redis_server.url)
    heartbeat.Heartbeat("w1", lambda: InputSpec(size=64)).beat()


@pytest.fixture
def broker():
    """A Celery broker whose tasks nobody takes."""
    current_app.conf.task_always_eager = False
    yield
    current_app.conf.task_always_eager = True


def run_later(server):
    """Run the jobs that wait for a Celery task, as that task does."""
    with server.client() as client:
        for name in client.zrange(redis_queue.later(), 0, -1):
            jobs.run(name.decode(), "w1")


def sent(request, photo=None):
    """Send a job through Redis, run it, and return its reply."""
    name = uuid.uuid4().hex
    redis_queue.post(dispatch.job_of(request, photo, 60), name)
    assert redis_queue.next_job() == name
    jobs.run(name, "w1")
    return redis_queue.wait(name, request.kind, 60)


def test_run__search(with_workers):
    result = sent(SearchRequest(limit=3), dispatch.decode_photo(PHOTO)).result
    assert result.hits[0].item == "P3"
    assert {"decode", "queue", "encode", "index", "products", "total"} == set(result.took_ms)


def test_run__same_result_as_in_this_process(with_workers, configure):
    photo = dispatch.decode_photo(PHOTO)
    requests = [
        (SearchRequest(limit=8, with_facets=True, filters={"min_price": "11"}), photo),
        (SimilarRequest(item="P1", limit=3), None),
        (ClassifyRequest(), photo),
        (EmbedRequest(), photo),
    ]
    there = [sent(request, image).result for request, image in requests]
    configure(USE_CELERY=False)
    here = [dispatch.ask(request, image) for request, image in requests]
    for one, other in zip(there, here, strict=True):
        for field in fields(one):
            if field.name not in ("took_ms", "query_id"):
                assert getattr(one, field.name) == getattr(other, field.name)


def test_run__page(with_workers):
    first = sent(SearchRequest(limit=3), dispatch.decode_photo(PHOTO)).result
    request = PageRequest(query_id=first.query_id, limit=2, offset=1, crop=None)
    assert sent(request).result.hits == first.hits[1:]


def test_run__leaves_cards_that_depend_on_the_request_to_the_web_process(with_workers, monkeypatch):
    made, usual = [], ProductCatalog.card

    def card(self, item, request=None):
        made.append(item.sku)
        return usual(self, item)

    monkeypatch.setattr(ProductCatalog, "card", card)
    drop_catalogs(setting="VISUALSEARCH")
    Product.objects.filter(sku="P4").update(published=False)
    for request in (SearchRequest(limit=3), SearchRequest(limit=3, ordering="price")):
        made.clear()
        reply = sent(request, dispatch.decode_photo(PHOTO))
        assert made == []
        assert [hit.card for hit in reply.result.hits] == [{}, {}, {}]
        result = dispatch.result_of_worker(reply)
        assert made == [hit.item for hit in result.hits]
        assert "P4" not in made
        assert all(hit.card["price_label"] for hit in result.hits)


def test_run__refusal(with_workers):
    assert isinstance(sent(SimilarRequest(item="NONE")).failure.error(), ItemNotFound)


def test_run__in_the_customers_language(with_workers):
    with translation.override("fr"):
        reply = sent(SearchRequest(ordering="none"), dispatch.decode_photo(PHOTO))
    (message,) = reply.failure.messages["ordering"]
    with translation.override("fr"):
        assert message == gettext("Use one of: %(known)s.") % {"known": message.split(": ")[1][:-1]}
    assert "Use one of" not in message


def test_run__a_bug_is_answered_and_logged(with_workers, monkeypatch, caplog):
    monkeypatch.setattr(
        "visualsearch.search.similar_items.find_similar", lambda *args, **kwargs: 1 / 0
    )
    assert sent(SimilarRequest(item="P1")).failure.code == "search_failed"
    assert "ZeroDivisionError" in caplog.text


def test_run__a_card_that_cannot_travel_is_left_out_and_logged(with_workers, monkeypatch, caplog):
    monkeypatch.setattr("shop.visual.ProductCatalog.card", lambda self, item: {"item": self})
    assert sent(SimilarRequest(item="P1")).result.hits == []
    assert "card() failed, so it is not shown" in caplog.text


def test_run__a_card_may_hold_prices_and_lazy_texts(with_workers, monkeypatch):
    card = {"price": Decimal("19.90"), "label": gettext_lazy("Everything"), "score": np.float32(1)}
    monkeypatch.setattr("shop.visual.ProductCatalog.card", lambda self, item: card)
    hit = sent(SimilarRequest(item="P1", limit=1)).result.hits[0]
    assert hit.card == {"key": hit.item, "price": "19.90", "label": "Everything", "score": 1.0}


def test_searcher__something_else_in_the_queue(with_workers, redis_server, caplog):
    with redis_server.client() as client:
        client.rpush(redis_queue.queue(), b"\xff")
    searcher = worker.Searcher("w2", 1)
    searcher.start()
    try:
        job = dispatch.job_of(ClassifyRequest(), dispatch.decode_photo(PHOTO), 60)
        redis_queue.post(replace(job, kind="unknown"), "of a newer version")
        reply = redis_queue.wait("of a newer version", "classify", 60)
    finally:
        searcher.stop()
        searcher.join(60)
    assert reply.failure.code == "search_failed"
    assert "not a job" in caplog.text


def test_run__too_late(with_workers, caplog):
    redis_queue.post(dispatch.job_of(SimilarRequest(item="P1"), None, 0.05), "late")
    time.sleep(0.1)
    assert jobs.run("late", "w1") is None
    assert "expired" in caplog.text


def in_redis(server):
    """Return all keys with their values and remaining milliseconds."""
    redis = server.client()
    for key in redis.keys("*"):
        read = {
            b"string": redis.get,
            b"list": lambda key: redis.lrange(key, 0, -1),
            b"zset": lambda key: redis.zrange(key, 0, -1),
        }[redis.type(key)]
        yield key.decode(), repr(read(key)), redis.pttl(key)


def test_redis__holds_a_photo_for_a_time_and_no_address(with_workers, broker, client, redis_server):
    file = {"image": SimpleUploadedFile("photo.jpg", PHOTO)}
    headers = {"Prefer": "respond-async"}
    url = "/api/visual-search/search/"
    assert client.post(url, file, headers=headers, REMOTE_ADDR="203.0.113.77").status_code == 202
    jobs_there = [(text, left) for key, text, left in in_redis(redis_server) if ":job:" in key]
    ((job, left),) = jobs_there
    assert "pixels" in job or "jpeg" in job
    assert 0 < left <= 30_000
    assert not [key for key, text, _ in in_redis(redis_server) if "203.0.113" in key + text]
    run_later(redis_server)
    assert not [key for key, text, _ in in_redis(redis_server) if "pixels" in text]
    assert not [key for key, *_ in in_redis(redis_server) if ":job:" in key]


def test_is_pending__for_its_own_storefront_alone(with_workers, broker):
    query_id = dispatch.search_later(
        dispatch.decode_photo(PHOTO), SearchRequest(caller=Caller(storefront=7))
    )
    assert dispatch.is_pending(query_id, storefront=7)
    assert not dispatch.is_pending(query_id)
    assert not dispatch.is_pending(query_id, storefront=8)


def test_pending__is_its_own_storefront_s_alone(
    with_workers, broker, client, configure, redis_server
):
    configure(KEEP_PHOTOS=60)
    blog = Storefront(name="blog")
    headers = {"X-Api-Key": blog.new_key()}
    blog.save()
    body = {"image": SimpleUploadedFile("photo.jpg", PHOTO), "keep_photo": "1"}
    url = "/api/visual-search/search/"
    answer = client.post(url, body, headers={**headers, "Prefer": "respond-async"})
    place = answer["Location"]
    assert str(KeptPhoto.objects.get().pk) == answer.json()["query_id"]
    assert client.get(place, headers=headers).status_code == 202
    run_later(redis_server)
    assert not dispatch.is_pending(answer.json()["query_id"], storefront=blog.pk)
    assert Query.objects.get().storefront == blog


def test_run__search_later_that_is_refused(with_workers, broker, monkeypatch, redis_server):
    def not_ready(version=None):
        raise IndexNotReady

    query_id = dispatch.search_later(dispatch.decode_photo(PHOTO), SearchRequest())
    monkeypatch.setattr(loaded_versions, "current", not_ready)
    run_later(redis_server)
    with pytest.raises(IndexNotReady):
        dispatch.is_pending(query_id)


def test_run__database_away(with_workers, monkeypatch, caplog):
    def away(version=None):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(loaded_versions, "current", away)
    assert isinstance(sent(SimilarRequest(item="P1")).failure.error(), BackendUnavailable)


def test_load__without_an_index_the_worker_goes_on(db, caplog):
    worker.load_model_and_index()
    assert "This worker cannot search yet" in caplog.text
