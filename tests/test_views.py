import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from tests.pictures import encoded, picture
from tests.reindex import reindex
from visualsearch import dispatch
from visualsearch.models import Query

URL = "/search/photo/"


@pytest.fixture
def indexed(sold, sell):
    for n in range(8, 20):
        sell(f"Q{n}", picture(n))
    reindex()


def post(client, data):
    return client.post(URL, {"image": SimpleUploadedFile("photo.jpg", data)})


def test_search_page__empty(client, db):
    page = client.get(URL).content.decode()
    assert 'enctype="multipart/form-data"' in page
    assert "JPEG, PNG" in page


def test_search_page__shows_hits_and_photo(client, indexed):
    response = post(client, encoded(picture(3)))
    assert response.status_code == 200
    page = response.content.decode()
    assert "Product P3" in page
    assert "data:image/jpeg;base64," in page
    assert len(response.context["result"].hits) == 12


def test_search_page__pages_by_query_id(client, indexed):
    first = post(client, encoded(picture(3)))
    second = client.get(first.context["next_url"])
    shown = [hit.item for r in (first, second) for hit in r.context["result"].hits]
    assert len(set(shown)) == len(shown) == 20
    assert second.context["next_url"] is None
    assert second.context["previous_url"].endswith("?offset=0")


def test_search_page__refusal_is_a_sentence_on_the_page(client, indexed):
    response = post(client, b"no photo")
    assert response.status_code == 415
    assert "Send one of: JPEG" in response.content.decode()


@pytest.mark.parametrize("times", [2, 10])
def test_search_page__too_large(client, indexed, configure, times):
    configure(MAX_PHOTO_BYTES=1_000_000)
    response = post(client, b"\xff" * 1_000_000 * times)
    assert response.status_code == 413
    assert "larger than 1 MB" in response.content.decode()


def test_search_page__nothing_chosen(client, indexed):
    response = client.post(URL, {})
    assert response.status_code == 400
    assert response.context["error"]["code"] == "image_missing"


def test_search_page__not_indexed_yet(client, db):
    assert post(client, encoded(picture(3))).status_code == 503


def test_search_page__down_and_what_it_shows_instead(client, indexed, configure):
    configure(MAX_QUEUE=1)
    with dispatch.place():
        response = post(client, encoded(picture(3)))
    assert response.status_code == 503
    assert response.context["error"]["code"] == "search_overloaded"
    html = response.content.decode()
    newest = [card["key"] for card in response.context["instead"]]
    assert newest == [f"Q{n}" for n in reversed(range(8, 20))]
    assert all(card["url"] in html for card in response.context["instead"])


def test_search_page__a_bad_photo_is_not_an_outage(client, indexed):
    response = post(client, b"no photo")
    assert response.status_code == 415
    assert response.context["instead"] == []


def test_search_page__wants_its_csrf_token(indexed):
    assert post(Client(enforce_csrf_checks=True), encoded(picture(3))).status_code == 403


def test_search_page__with_its_csrf_token(indexed):
    client = Client(enforce_csrf_checks=True)
    client.get(URL)
    token = client.cookies["csrftoken"].value
    file = SimpleUploadedFile("photo.jpg", encoded(picture(3)))
    response = client.post(URL, {"image": file, "csrfmiddlewaretoken": token})
    assert response.status_code == 200


def test_result_page__odd_offsets(client, indexed):
    post(client, encoded(picture(3)))
    url = reverse("visualsearch:result_page", args=[Query.objects.get().pk])
    assert client.get(url).status_code == 200
    assert client.get(url, {"offset": -5}).context["result"].hits[0].item == "P3"
    assert client.get(url, {"offset": 10**9}).status_code == 200
    assert client.get(url, {"offset": "x"}).status_code == 404


def test_result_page__unknown_query(client, indexed):
    url = reverse("visualsearch:result_page", args=["00000000-0000-4000-8000-000000000000"])
    assert client.get(url).status_code == 404
