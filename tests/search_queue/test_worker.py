"""Jobs of a search worker, run in the test's process; tests/stack has real workers."""

import time

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import OperationalError

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.encoders.preprocess import InputSpec
from visualsearch.exceptions import BackendUnavailable, IndexNotReady, ItemNotFound
from visualsearch.models import KeptPhoto, Query, Storefront
from visualsearch.search.callers import Caller
from visualsearch.search_queue import dispatch, heartbeat, jobs, redis_queue, worker
from visualsearch.serving import loaded_versions

PHOTO = encoded(picture(3))


@pytest.fixture
def with_workers(sold, configure, redis_server, monkeypatch):
    """A shop whose web processes send jobs; the test acts as the worker."""
    reindex()
    monkeypatch.setattr(heartbeat, "SILENCE", 600)  # one heartbeat lasts for the whole test
    configure(USE_CELERY=True, REDIS_URL=redis_server.url)
    heartbeat.SignsOfLife("w1", lambda: InputSpec(size=64)).give()


def done(what, arguments):
    """Send a job through Redis, do it, and return its answer."""
    name = redis_queue.post(dispatch.job_of(what, arguments, 60), 60)
    assert redis_queue.next_job() == name
    worker.do(name, "w1")
    return redis_queue.wait(name, 60)


def test_do__search(with_workers):
    arguments = dispatch.prepared(PHOTO, None, redis_queue.admit()) | {"limit": 3, "filters": {}}
    answer = done("search", arguments)
    assert answer["hits"][0]["item"] == "P3"
    assert {"decode", "queue", "encode", "index", "products", "total"} == set(answer["took_ms"])


def test_do__search_finds_what_a_search_right_here_finds(with_workers, configure):
    arguments = dispatch.prepared(PHOTO, None, redis_queue.admit()) | {"limit": 8, "filters": {}}
    there = done("search", arguments)
    configure(USE_CELERY=False)
    here = dispatch.search(PHOTO, limit=8)
    assert [(each["item"], each["score"]) for each in there["hits"]] == [
        (hit.item, hit.score) for hit in here.hits
    ]


def test_do__refusal(with_workers):
    answer = done("similar", {"item": "NONE", "limit": 3})
    assert isinstance(dispatch.refusal(answer), ItemNotFound)


def test_do__in_the_customers_language(with_workers):
    seen = []

    @jobs.job
    def what_language():
        from django.utils.translation import get_language

        seen.append(get_language())
        return {}

    try:
        done("what_language", {"language": "fr"})
    finally:
        del jobs.JOBS["what_language"]
    assert seen == ["fr"]


def test_do__a_bug_is_answered_and_logged(with_workers, monkeypatch, caplog):
    monkeypatch.setattr("visualsearch.search.similar_items.similar", lambda *args, **kwargs: 1 / 0)
    assert done("similar", {"item": "P1", "limit": 3})["refused"] == "search_failed"
    assert "ZeroDivisionError" in caplog.text


def test_do__a_card_that_cannot_travel_is_answered_and_logged(with_workers, monkeypatch, caplog):
    monkeypatch.setattr("shop.visual.ProductCatalog.card", lambda self, item: {"price": item.price})
    assert done("similar", {"item": "P1", "limit": 3})["refused"] == "search_failed"
    assert "plain values" in caplog.text


def test_searcher__something_else_in_the_queue(with_workers, redis_server, caplog):
    with redis_server.client() as client:
        client.rpush(redis_queue.QUEUE, b"\xff")
    searcher = worker.Searcher("w2", 1)
    searcher.start()
    try:
        answer = redis_queue.wait(redis_queue.post(dispatch.job_of("unknown", {}, 60), 60), 60)
    finally:
        searcher.stop()
        searcher.join(60)
    assert answer["refused"] == "search_failed"
    assert "was no job" in caplog.text


def test_do__too_late(with_workers, caplog):
    name = redis_queue.post(dispatch.job_of("similar", {"item": "P1", "limit": 3}, 0.05), 0.05)
    time.sleep(0.1)
    worker.do(name, "w1")
    assert "dropped" in caplog.text


def test_do__search_later(with_workers):
    query_id = dispatch.search_later(PHOTO)
    assert dispatch.is_pending(query_id)
    worker.do(redis_queue.next_job(), "w1")
    assert not dispatch.is_pending(query_id)
    assert done("page", {"query_id": query_id, "limit": 3, "offset": 0, "filters": {}})["hits"]


def in_redis(server):
    """Return all keys with their values and remaining milliseconds."""
    redis = server.client()
    for key in redis.keys("*"):
        read = redis.get if redis.type(key) == b"string" else lambda key: redis.lrange(key, 0, -1)
        yield key.decode(), repr(read(key)), redis.pttl(key)


def test_redis__holds_a_photo_for_a_time_and_no_address(with_workers, client, redis_server):
    file = {"image": SimpleUploadedFile("photo.jpg", PHOTO)}
    headers = {"Prefer": "respond-async"}
    url = "/api/visual-search/search/"
    assert client.post(url, file, headers=headers, REMOTE_ADDR="203.0.113.77").status_code == 202
    jobs_there = [(text, left) for key, text, left in in_redis(redis_server) if ":job:" in key]
    ((job, left),) = jobs_there
    assert "pixels" in job or "jpeg" in job
    assert 0 < left <= 30_000
    assert not [key for key, text, _ in in_redis(redis_server) if "203.0.113" in key + text]
    worker.do(redis_queue.next_job(), "w1")
    assert not [key for key, text, _ in in_redis(redis_server) if "pixels" in text]
    assert not [key for key, *_ in in_redis(redis_server) if ":job:" in key]


def test_is_pending__for_its_own_storefront_alone(with_workers):
    query_id = dispatch.search_later(PHOTO, caller=Caller(storefront=7))
    assert dispatch.is_pending(query_id, storefront=7)
    assert not dispatch.is_pending(query_id)
    assert not dispatch.is_pending(query_id, storefront=8)


def test_pending__is_its_own_storefront_s_alone(with_workers, client, configure):
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
    worker.do(redis_queue.next_job(), "w1")
    assert not dispatch.is_pending(answer.json()["query_id"], storefront=blog.pk)
    assert Query.objects.get().storefront == blog


def test_do__search_later_that_is_refused(with_workers, monkeypatch):
    def not_ready(version=None):
        raise IndexNotReady

    query_id = dispatch.search_later(PHOTO)
    monkeypatch.setattr(loaded_versions, "current", not_ready)
    worker.do(redis_queue.next_job(), "w1")
    with pytest.raises(IndexNotReady):
        dispatch.is_pending(query_id)


def test_do__database_away(with_workers, monkeypatch, caplog):
    def away(version=None):
        raise OperationalError("server closed the connection")

    monkeypatch.setattr(loaded_versions, "current", away)
    answer = done("similar", {"item": "P1", "limit": 3})
    assert isinstance(dispatch.refusal(answer), BackendUnavailable)


def test_load__without_an_index_the_worker_goes_on(db, caplog):
    worker.load()
    assert "Nothing can be searched yet" in caplog.text
