"""Limits on request bodies in memory, per request and in total."""

import base64
import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test.client import BOUNDARY, MULTIPART_CONTENT, encode_multipart

from tests.api.test_search import PHOTO, URL, refused, send_raw, upload
from visualsearch.web import memory_budget
from visualsearch.web.uploads import PhotoUploadHandler

API = "/api/visual-search/"
EVENTS = f"{API}events/"
FORM = "application/x-www-form-urlencoded"


class Reads:
    """An endless body that counts the bytes read."""

    def __init__(self, start):
        self.start, self.count = start, 0

    def read(self, size=-1):
        assert 0 < size <= 2**20, "read in one go"
        part, self.start = self.start[:size].ljust(size, b"a"), self.start[size:]
        self.count += len(part)
        return part

    def readline(self, size=-1):
        raise AssertionError("a body has no lines")


@pytest.mark.parametrize(
    ("kind", "start"), [(FORM, b"event=click&query_id="), ("application/json", b'{"event": "')]
)
def test_event__is_not_read_to_its_end(client, indexed, kind, start):
    body = Reads(start)
    extra = {"CONTENT_LENGTH": str(10**12), "CONTENT_TYPE": kind, "wsgi.input": body}
    refused(client.generic("POST", EVENTS, b"", kind, **extra), 400, "parse_error")
    assert body.count < 2_000_000


def files(*sizes, first="image"):
    """Return a form with one file per size."""
    parts = {first: [SimpleUploadedFile("a.jpg", b"\xff" * size) for size in sizes]}
    return encode_multipart(BOUNDARY, parts)


@pytest.mark.parametrize("name", ["image", "other"])
def test_files__together_are_no_larger_than_one_photo(
    client, indexed, configure, monkeypatch, name
):
    configure(MAX_PHOTO_BYTES=100_000)
    kept = []
    complete = PhotoUploadHandler.file_complete

    def counted(self, size):
        kept.append(len(self.kept.getvalue()))
        return complete(self, size)

    monkeypatch.setattr(PhotoUploadHandler, "file_complete", counted)
    response = client.generic("POST", URL, files(*[60_000] * 5, first=name), MULTIPART_CONTENT)
    assert response.status_code in (400, 413)
    assert kept == [60_000, 0, 0, 0, 0]


def test_files__far_too_many_are_not_read(client, indexed, configure):
    configure(MAX_PHOTO_BYTES=100_000)
    body = files(*[90_000] * 5)
    refused(client.generic("POST", URL, body, MULTIPART_CONTENT), 413, "image_too_large")


@pytest.fixture
def room(configure):
    """Limit the bodies of all requests together to 50,000 bytes."""
    configure(MAX_BATCH_BYTES=25_000, MAX_PHOTO_BYTES=25_000)


def ways(client, size):
    """Yield the responses to a photo of ``size`` bytes sent in every way (base64: a third more)."""
    photo = b"\xff\xd8" + b"\xff" * (size - 2)
    text = base64.b64encode(photo).decode()
    yield upload(client, photo)
    yield send_raw(client, photo)
    yield client.post(URL, {"image": text}, content_type="application/json")
    yield client.post(f"{API}batch/", {"image": SimpleUploadedFile("a.jpg", photo)})
    yield client.post(f"{API}batch/", {"images": [text]}, content_type="application/json")
    yield client.post("/search/photo/", {"image": SimpleUploadedFile("a.jpg", photo)})


def test_room__is_free_again_after_each_request(client, indexed, room):
    for _ in range(3):
        for response in ways(client, 24_000):
            assert response.status_code in (200, 422)
    assert memory_budget._reserved == 0


def test_room__what_others_hold_is_not_there(client, indexed, room):
    with memory_budget.request_budget():
        assert memory_budget.reserve(49_000)
        for response in ways(client, 2_000):
            assert response.status_code == 503
            assert response["Retry-After"] == "1"
            assert b"Many people are searching" in response.content
    assert {each.status_code for each in ways(client, 2_000)} == {200, 422}
    assert memory_budget._reserved == 0


def test_room__who_was_refused_holds_nothing(room):
    with memory_budget.request_budget():
        assert memory_budget.reserve(50_000)
        assert not memory_budget.reserve(1)
    with memory_budget.request_budget():
        assert memory_budget.reserve(50_000)


def test_room__what_was_dropped_is_free_at_once(room):
    with memory_budget.request_budget():
        assert memory_budget.reserve(50_000)
        memory_budget.release_all()
        assert memory_budget.reserve(50_000)
    assert memory_budget._reserved == 0


def test_room__is_enough_for_the_largest_batch(client, indexed, configure):
    """A batch of the largest size fits as base64, which is a third larger."""
    configure(MAX_BATCH_BYTES=3 * len(PHOTO))
    body = json.dumps({"images": [base64.b64encode(PHOTO).decode()] * 3})
    assert client.post(f"{API}batch/", body, "application/json").status_code == 200


def test_search__with_another_file_that_is_too_large_with_it(client, indexed, configure):
    configure(MAX_PHOTO_BYTES=len(PHOTO) + 1000)
    for size, status in ((500, 200), (5000, 413)):
        files = {
            "other": SimpleUploadedFile("other.jpg", b"x" * size),
            "image": SimpleUploadedFile("photo.jpg", PHOTO),
        }
        response = client.post(URL, files)
        assert response.status_code == status, response.content
    assert response.json()["errors"][0]["code"] == "image_too_large"
