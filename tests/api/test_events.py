from uuid import uuid4

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.api.test_search import PHOTO, keys, refused, upload
from tests.helpers.reindex import reindex
from visualsearch.models import Event, Query
from visualsearch.search import shown_products

URL = "/api/visual-search/events/"


@pytest.fixture
def found(client, sold):
    """The response to a search for P3 with three products."""
    reindex()
    return upload(client, PHOTO, limit=3)


def tell(client, response, product, event="click", **headers):
    query_id = response if isinstance(response, str) else response.json()["query_id"]
    body = {"query_id": query_id, "event": event, "product": product}
    return client.post(URL, body, content_type="application/json", headers=headers)


def rows():
    return list(Event.objects.order_by("pk").values_list("kind", "item", "rank"))


@pytest.mark.parametrize("event", ["view", "click", "basket", "purchase"])
def test_event__has_the_rank_at_which_the_search_showed_it(client, found, event):
    third = keys(found)[2]
    response = tell(client, found, third, event)
    assert response.status_code == 201
    query_id = found.json()["query_id"]
    assert response.json() == {
        "query_id": query_id, "event": event, "product": third, "rank": 3,
    }  # fmt: skip
    assert rows() == [(event, third, 3)]
    assert str(Event.objects.get().query_id) == query_id


def test_event__as_a_form(client, found):
    body = {"query_id": found.json()["query_id"], "event": "click", "product": "P3"}
    assert client.post(URL, body).status_code == 415  # multipart is for photos
    assert (
        client.post(
            URL,
            "&".join(f"{name}={value}" for name, value in body.items()),
            content_type="application/x-www-form-urlencoded",
        ).status_code
        == 201
    )


def test_event__twice_counts_once(client, found):
    assert tell(client, found, "P3").status_code == 201
    again = tell(client, found, "P3")
    assert (again.status_code, again.json()["rank"]) == (200, 1)
    assert tell(client, found, "P3", "basket").status_code == 201
    assert rows() == [("click", "P3", 1), ("basket", "P3", 1)]


def test_event__what_the_search_did_not_show(client, found):
    hidden = next(f"P{n}" for n in range(8) if f"P{n}" not in keys(found))
    for product in (hidden, "nothing of the kind", "p3"):
        error = refused(tell(client, found, product), 400, "item_not_shown")
        assert error["attr"] == "product"
    assert rows() == []


def test_event__of_a_later_page(client, found):
    page = client.get(found.json()["next"])
    first = keys(page)[0]
    assert tell(client, found, first).json()["rank"] == 4
    # A filter shows the product at another rank, which its next event must have.
    price = page.json()["results"][0]["product"]["price"]
    narrowed = f"/api/visual-search/queries/{found.json()['query_id']}/?min_price={price}"
    assert keys(client.get(narrowed + f"&max_price={price}")) == [first]
    assert tell(client, found, first, "basket").json()["rank"] == 1


def test_event__who_pages_without_end_is_no_customer(client, found, monkeypatch):
    monkeypatch.setattr(shown_products, "SHOWN_AT_MOST", 5)
    first = Query.objects.get().shown
    assert keys(client.get(found.json()["next"]))
    assert Query.objects.get().shown == first
    monkeypatch.setattr(shown_products, "SHOWN_AT_MOST", 6)
    client.get(found.json()["next"])
    assert len(Query.objects.get().shown) == 6


def test_note_shown__two_pages_at_the_same_time(client, found):
    pages = [(Query.objects.get(), {f"X{rank}": rank}) for rank in (4, 5)]
    for query, ranks in pages:
        shown_products.store_ranks(query, ranks)
    shown = Query.objects.get().shown
    assert (len(shown), shown["X4"], shown["X5"]) == (5, 4, 5)


def test_note_shown__the_same_page_again_writes_nothing(client, found):
    ranks = {item: rank for rank, item in enumerate(keys(found), 1)}
    query = Query.objects.get()
    with CaptureQueriesContext(connection) as asked:
        shown_products.store_ranks(query, ranks)
    assert len(asked) == 0


@pytest.mark.parametrize(
    ("body", "attr"),
    [
        ({"query_id": "x", "event": "click", "product": "P3"}, "query_id"),
        ({"query_id": str(uuid4()), "event": "steal", "product": "P3"}, "event"),
        ({"query_id": str(uuid4()), "event": "click", "product": "P" * 501}, "product"),
        ({"event": "click", "product": "P3"}, "query_id"),
        ({"query_id": str(uuid4()), "event": "click"}, "product"),
    ],
)
def test_event__bad_fields(client, db, body, attr):
    response = client.post(URL, body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] == attr


def test_event__of_an_unknown_search(client, db):
    refused(tell(client, str(uuid4()), "P3"), 404, "query_not_found")


def test_event__long_body(client, db):
    body = '{"query_id": "' + "x" * 20_000 + '"}'
    refused(client.post(URL, body, content_type="application/json"), 400, "parse_error")


def test_event__later_than_the_photo_is_remembered(client, found, configure):
    Query.objects.update(expires="2020-01-01T00:00:00Z")
    Query.forget_expired()
    assert tell(client, found, "P3", "purchase").status_code == 201


def test_event__goes_with_its_search(client, found):
    tell(client, found, "P3")
    Query.erase(pk=found.json()["query_id"])
    assert rows() == []


def test_event__hostile_events_move_their_own_search_only(client, found, sold):
    other = upload(client, PHOTO, limit=3)
    before = Query.objects.get(pk=found.json()["query_id"]).shown
    for kind in ("view", "click", "basket", "purchase"):
        for n in range(8):
            for _ in range(3):
                tell(client, other, f"P{n}", kind)
    assert Event.objects.filter(query=found.json()["query_id"]).count() == 0
    assert Query.objects.get(pk=found.json()["query_id"]).shown == before
    # Its own events are counted once per kind and shown product.
    assert Event.objects.count() == 4 * 3


def test_note_shown__of_a_search_that_is_erased_at_that_moment(client, found):
    query = Query.objects.get(pk=found.json()["query_id"])
    Query.erase(pk=query.pk)
    shown_products.store_ranks(query, {"P7": 4})
    assert not Query.objects.exists()
