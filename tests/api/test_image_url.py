"""Search by an image URL, a field that exists only if the shop has enabled it."""

import pytest

from tests.api.test_search import URL, keys, refused
from tests.helpers.picture_server import PictureServer
from visualsearch.search_queue import admission

CLASSIFY = "/api/visual-search/classify/"


@pytest.fixture
def server():
    with PictureServer() as server:
        yield server


@pytest.fixture
def allowed(server, configure, indexed):
    configure(FETCH_ORIGINS=[server.origin], FETCH_NETWORKS=["127.0.0.0/8"])
    return server


@pytest.mark.parametrize("kind", ["application/json", None])
def test_image_url(client, allowed, kind):
    options = {"content_type": kind} if kind else {}
    response = client.post(URL, {"image_url": f"{allowed.origin}/photo"}, **options)
    assert keys(response)[0] == "P3"
    response = client.post(CLASSIFY, {"image_url": f"{allowed.origin}/photo"}, **options)
    assert response.json()["predictions"]


def test_image_url__is_unknown_unless_switched_on(client, server, indexed):
    fields = {"image_url": f"{server.origin}/photo"}
    refused(client.post(URL, fields), 400, "image_missing")
    assert server.requests == []


def test_image_url__an_image_goes_before_it(client, allowed):
    fields = {"image": "%%%", "image_url": f"{allowed.origin}/photo"}
    refused(client.post(URL, fields, content_type="application/json"), 400, "invalid_base64")
    assert allowed.requests == []


@pytest.mark.parametrize(
    ("path", "status", "code", "attr"),
    [
        ("/missing", 422, "url_unreachable", "image_url"),
        ("/to/http%3A%2F%2F127.0.0.1%3A1%2F", 400, "url_not_allowed", "image_url"),
        ("/announced/13000000", 413, "image_too_large", "image"),
        ("/text", 415, "unsupported_image", "image"),
        ("/empty", 400, "image_empty", "image"),
    ],
)
def test_image_url__refused(client, allowed, path, status, code, attr):
    response = client.post(URL, {"image_url": allowed.origin + path})
    error = refused(response, status, code)
    assert error["attr"] == attr
    assert "secret words" not in error["detail"]


@pytest.mark.parametrize("value", [7, ["http://127.0.0.1/"], {"a": 1}, True])
def test_image_url__that_is_no_text(client, allowed, value):
    response = client.post(URL, {"image_url": value}, content_type="application/json")
    refused(response, 400, "image_missing")


def test_image_url__takes_a_place_of_searches(client, allowed):
    """A fetch counts as a running search, so that fetches cannot occupy all threads."""
    busy = []

    class Requests(list):
        def append(self, request):
            busy.append(admission._running)

    allowed.requests = Requests()
    assert client.post(URL, {"image_url": f"{allowed.origin}/photo"}).status_code == 200
    assert busy == [1]
    assert admission._running == 0


def test_image_url__the_same_answer_whatever_is_inside(client, server, configure, indexed):
    """Clients cannot distinguish private, refusing and unknown hosts."""
    origins = [server.origin, "http://127.0.0.1:1", "http://no-such-name.invalid"]
    configure(FETCH_ORIGINS=origins)
    answers = [client.post(URL, {"image_url": f"{origin}/photo"}) for origin in origins]
    assert {answer.content for answer in answers} == {answers[0].content}
    refused(answers[0], 422, "url_unreachable")
    assert server.requests == []
