"""Photos that are sent as the request body."""

import re

import pytest
from django.core.cache import cache

from tests.api.test_search import PHOTO, URL, keys, refused, send_raw, upload
from tests.helpers.busy import searches_running
from tests.helpers.pictures import encoded, picture
from visualsearch.models import KeptPhoto, Query, Storefront
from visualsearch.search.callers import pseudonym
from visualsearch.web import memory_budget

CLASSIFY = "/api/visual-search/classify/"
MEGABYTE = 2**20


class Body:
    """A body of ``size`` bytes that counts those read; ``fault`` is raised after half of them."""

    def __init__(self, size, fault=None):
        self.size, self.fault, self.count = size, fault, 0

    def read(self, size=-1):
        assert 0 < size <= MEGABYTE, "read in one go"
        if self.fault and self.count >= self.size // 2:
            raise self.fault
        part = b"\xff" * min(size, self.size - self.count)
        self.count += len(part)
        return part

    def readline(self, size=-1):
        raise AssertionError("a photo has no lines")


def send_body(client, body, kind="image/jpeg", **headers):
    extra = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(body.size), "wsgi.input": body}
    return client.generic("POST", URL, headers=headers, **extra)


def comparable(response):
    """Return a response's bytes without the search's id and times."""
    assert response.status_code == 200, response.content
    content = re.sub(rb'"took_ms":\{.*?\}', b"", response.content)
    return re.sub(rb"[0-9a-f-]{36}", b"", content)


QUERIES = ["", "?limit=3", "?crop=0,0,0.5,1", "?min_price=12&max_price=15", "?category=auto"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF"])
@pytest.mark.parametrize("query", QUERIES)
def test_raw__same_response_as_multipart(client, indexed, query, kind):
    data = encoded(picture(3), kind)
    raw = send_raw(client, data, query)
    assert comparable(raw) == comparable(upload(client, data, query))


@pytest.mark.parametrize("query", ["", "?crop=0,0,0.5,1"])
def test_classify__same_response_as_multipart(client, db, query):
    url = f"{CLASSIFY}{query}"
    form = upload(client, PHOTO, url=url)
    assert send_raw(client, PHOTO, url=url).content == form.content
    assert form.status_code == 200


def test_raw__options_are_in_the_query(client, indexed, configure):
    configure(KEEP_PHOTOS=60)
    query = "?limit=2&max_price=12&category=shirts&visitor=basket-17&keep_photo=1"
    response = send_raw(client, PHOTO, query)
    assert len(keys(response)) == 2
    assert response.json()["count"] == 3
    assert response.json()["category"]["value"] == "shirts"
    assert Query.objects.get().visitor == pseudonym("visitor", "basket-17")
    assert KeptPhoto.objects.count() == 1


def test_raw__option_that_is_wrong_is_named(client, indexed):
    assert refused(send_raw(client, PHOTO, "?limit=0"), 400, "min_value")["attr"] == "limit"
    assert refused(send_raw(client, PHOTO, "?crop=1,2"), 400, "invalid_crop")["attr"] == "crop"


@pytest.mark.parametrize(
    "kind",
    ["image/jpeg", "image/svg+xml", "IMAGE/Nonsense; q=1", "image/*", "application/octet-stream"],
)
def test_raw__bytes_decide_the_format(client, indexed, kind):
    assert keys(send_raw(client, encoded(picture(3), "PNG"), kind=kind))[0] == "P3"
    refused(send_raw(client, b"<svg></svg>", kind=kind), 415, "unsupported_image")


def test_raw__empty(client, indexed):
    refused(send_raw(client, b""), 400, "image_empty")
    refused(send_raw(client, b"", url=CLASSIFY), 400, "image_empty")
    refused(send_raw(client, b"", kind="text/plain"), 400, "image_missing")


@pytest.mark.parametrize("kind", ["image/jpeg", "multipart/form-data; boundary=x"])
def test_raw__chunked_is_not_read(client, indexed, kind):
    """Django reads no body without Content-Length, whatever its type."""
    body = Body(1000)
    extra = {"CONTENT_TYPE": kind, "HTTP_TRANSFER_ENCODING": "chunked", "wsgi.input": body}
    refused(client.generic("POST", URL, **extra), 400, "image_missing")
    assert body.count == 0


def test_raw__no_more_than_content_length_is_read(client, indexed):
    body = Body(1000)
    extra = {"CONTENT_TYPE": "image/jpeg", "CONTENT_LENGTH": "300", "wsgi.input": body}
    refused(client.generic("POST", URL, **extra), 415, "unsupported_image")
    assert body.count == 300


def test_raw__client_that_disconnects(client, indexed):
    extra = {"CONTENT_TYPE": "image/jpeg", "CONTENT_LENGTH": "1300", "wsgi.input": Body(1000)}
    refused(client.generic("POST", URL, **extra), 408, "body_timeout")


@pytest.mark.parametrize("encoding", ["gzip", "br", "identity, gzip", "x"])
def test_raw__compressed(client, indexed, encoding):
    body = Body(1000)
    response = send_body(client, body, content_encoding=encoding)
    error = refused(response, 415, "unsupported_media_type")
    assert "Content-Encoding" in error["detail"]
    assert body.count == 0


def test_raw__identity_is_no_compression(client, indexed):
    assert send_raw(client, PHOTO, content_encoding="Identity").status_code == 200


def test_raw__too_large_is_not_kept(client, indexed, configure, monkeypatch):
    """A body just over the limit is read to its end, so that the client reads the response."""
    configure(MAX_PHOTO_BYTES=2 * MEGABYTE)
    kept = []
    reserve = memory_budget.reserve
    monkeypatch.setattr(memory_budget, "reserve", lambda size: kept.append(size) or reserve(size))
    body = Body(2 * MEGABYTE + 1)
    refused(send_body(client, body), 413, "image_too_large")
    assert body.count == body.size
    assert sum(kept) == 2 * MEGABYTE


def test_raw__far_too_large_is_not_read_to_its_end(client, indexed, configure):
    configure(MAX_PHOTO_BYTES=2 * MEGABYTE)
    body = Body(10**12)
    refused(send_body(client, body), 413, "image_too_large")
    assert body.count == 9 * MEGABYTE


def test_raw__no_room_for_the_body(client, indexed, configure):
    configure(MAX_PHOTO_BYTES=2 * MEGABYTE, MAX_BATCH_BYTES=2 * MEGABYTE)
    with memory_budget.request_budget():
        assert memory_budget.reserve(3 * MEGABYTE)
        refused(send_body(client, Body(2 * MEGABYTE)), 503, "search_overloaded")
    assert memory_budget._reserved == 0


def test_raw__too_slow(client, indexed):
    body = Body(2 * MEGABYTE, fault=TimeoutError("too slow"))
    refused(send_body(client, body), 408, "body_timeout")
    assert memory_budget._reserved == 0


def test_raw__too_many_requests_are_refused_before_reading(client, indexed, configure):
    cache.clear()
    configure(THROTTLE={"search": "1/day"})
    assert send_raw(client, PHOTO).status_code == 200
    body = Body(1000)
    refused(send_body(client, body), 429, "throttled")
    assert body.count == 0


def test_raw__overload_is_refused_before_reading(client, indexed, configure):
    configure(MAX_QUEUE=1)
    body = Body(1000)
    with searches_running():
        refused(send_body(client, body), 503, "search_overloaded")
    assert body.count == 0


def test_raw__missing_and_wrong_keys_are_refused_before_reading(client, indexed, configure):
    configure(REQUIRE_API_KEY=True)
    body = Body(1000)
    refused(send_body(client, body), 401, "api_key_missing")
    refused(send_body(client, body, x_api_key="vs_guessed"), 401, "api_key_invalid")
    assert body.count == 0


def test_raw__with_a_storefront_s_key(client, indexed, configure):
    configure(REQUIRE_API_KEY=True)
    storefront = Storefront(name="app")
    key = storefront.new_key()
    storefront.save()
    assert keys(send_raw(client, PHOTO, x_api_key=key))[0] == "P3"
    assert Query.objects.get().storefront == storefront


def test_raw__needs_no_csrf_token(indexed, client):
    client.handler.enforce_csrf_checks = True
    assert send_raw(client, PHOTO).status_code == 200


def test_batch__takes_no_raw_photo(client, indexed):
    response = send_raw(client, PHOTO, url="/api/visual-search/batch/")
    refused(response, 415, "unsupported_media_type")
