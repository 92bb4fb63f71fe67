"""Several things in a photo: their boxes, a search for one of them, and hits for each."""

import pytest
from PIL import Image

from shop.models import Product
from tests.helpers.halves import LEFT, RIGHT
from tests.helpers.pictures import encoded, plain
from tests.helpers.reindex import reindex
from visualsearch import events
from visualsearch.models import Query

pytestmark = pytest.mark.django_db

SEARCH = "/api/visual-search/search/"
COLOURS = {"RED": (200, 20, 20), "GREEN": (20, 200, 20), "BLUE": (20, 20, 200)}


@pytest.fixture
def catalog(sell, configure):
    configure(ENCODER="tests.helpers.halves.HalvesEncoder", FIND_SUBJECT=False)
    for sku, colour in COLOURS.items():
        sell(sku, plain(colour))
    reindex()


def outfit():
    """A photo with something blue on the left and something green on the right."""
    photo = Image.new("RGB", (128, 128), COLOURS["BLUE"])
    photo.paste(COLOURS["GREEN"], (64, 0, 128, 128))
    return encoded(photo, "PNG")


def search(client, query=""):
    found = client.post(f"{SEARCH}?{query}", outfit(), content_type="image/png")
    assert found.status_code == 200, found.content
    return found.json()


def first(results):
    return results[0]["product"]["key"]


def test_objects__boxes_and_classes(client, catalog):
    left, right = search(client)["objects"]
    assert (left["id"], left["label"], left["name"]) == (1, "blue", "Blue")
    assert (right["id"], right["label"]) == (2, "green")
    assert (left["box"], right["box"]) == (list(LEFT), list(RIGHT))
    assert left["probability"] > 0.5


@pytest.mark.parametrize(("number", "sku"), [(1, "BLUE"), (2, "GREEN")])
def test_object__is_searched_for_alone(client, catalog, number, sku):
    whole = search(client)
    found = client.get(f"/api/visual-search/queries/{whole['query_id']}/?object={number}").json()
    assert first(found["results"]) == sku
    assert found["predictions"][0]["label"] == sku.lower()
    at_once = search(client, f"object={number}&limit=1")
    assert first(at_once["results"]) == sku
    assert f"object={number}" in at_once["next"]
    keys = [each["product"]["key"] for each in client.get(at_once["next"]).json()["results"]]
    assert [sku, *keys] == [each["product"]["key"] for each in found["results"]][:2]


def test_object__unknown(client, catalog):
    whole = search(client)
    url = f"/api/visual-search/queries/{whole['query_id']}/?object=3"
    refused = client.get(url)
    assert refused.status_code == 400
    (error,) = refused.json()["errors"]
    assert (error["attr"], error["detail"]) == ("object", "Use one of: 1, 2.")


def test_per_object__hits_for_each(client, catalog):
    found = search(client, "per_object=1&limit=2")
    assert [each["object"] for each in found["per_object"]] == [1, 2]
    assert [first(each["results"]) for each in found["per_object"]] == ["BLUE", "GREEN"]
    assert [len(each["results"]) for each in found["per_object"]] == [2, 2]
    assert all(
        each["product"]["url"].startswith("http") for each in found["per_object"][0]["results"]
    )
    event, _new = events.record(found["query_id"], "click", "GREEN")
    assert event.rank >= 1


def test_per_object__obeys_filters_and_words(client, catalog):
    Product.objects.filter(sku="BLUE").update(color="blue")
    found = search(client, "per_object=1&color=blue")
    assert [[each["product"]["key"] for each in row["results"]] for row in found["per_object"]] == [
        ["BLUE"],
        ["BLUE"],
    ]


def test_objects__in_a_crop_are_in_fractions_of_the_photo(client, catalog):
    left, right = search(client, "crop=0.5,0,0.5,1")["objects"]
    assert (left["box"], right["box"]) == ([0.5, 0, 0.25, 1], [0.75, 0, 0.25, 1])


def test_objects__not_looked_for(client, catalog, configure):
    configure(FIND_OBJECTS=False)
    found = search(client, "per_object=1")
    assert (found["objects"], found["per_object"]) == ([], [])


def test_objects__of_a_forgotten_photo(client, catalog):
    whole = search(client)
    Query.objects.update(cells=b"")
    refused = client.get(f"/api/visual-search/queries/{whole['query_id']}/?object=1")
    assert refused.status_code == 400
    assert refused.json()["errors"][0]["code"] == "crop_unavailable"
