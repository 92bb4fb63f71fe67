"""Property tests: no request crashes, and results match the request."""

from __future__ import annotations

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.api.test_search import PHOTO, URL, keys
from tests.helpers.odd_pictures import held
from tests.helpers.pictures import difference, picture
from visualsearch.exceptions import InvalidCrop
from visualsearch.photos.crops import as_stored, box_of, check_crop
from visualsearch.photos.decode import open_photo

# Deterministic examples, so that failures can be reproduced.
bounded = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)

numbers = st.one_of(st.integers(), st.floats(), st.just("12"))
texts = st.text(max_size=20)
jsons = st.recursive(
    st.none() | st.booleans() | numbers | texts,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
crops = st.lists(st.floats(-0.2, 1.2) | st.floats(), min_size=3, max_size=5)
crop_texts = crops.map(lambda parts: ",".join(map(str, parts))) | texts
prices = st.integers(8, 20).map(str)
filters = st.fixed_dictionaries(
    {},
    optional={
        "min_price": prices,
        "max_price": prices,
        "category": st.sampled_from(["Shirts", "shirts", "Shoes", "auto", "nothing"]),
    },
)
orderings = st.sampled_from(["", "price", "-price", "newest"])


def search(client, query, **fields):
    photo = SimpleUploadedFile("photo.jpg", PHOTO)
    return client.post(URL, {"image": photo, **fields}, query_params=query)


def answered(response):
    """Check for 200, or 400 with errors of known parameters; return the body of 200, else None."""
    assert response.status_code in (200, 400), response.content
    body = response.json()
    if response.status_code == 400:
        assert {error["attr"] for error in body["errors"]} <= {
            "limit", "offset", "crop", "category", "ordering", "facets", "min_price", "max_price",
            "color", "gender", "material", None,
        }  # fmt: skip
        return None
    return body


@bounded
@given(
    st.dictionaries(
        st.sampled_from(["limit", "offset", "crop", "category", "ordering", "facets", "min_price",
                         "max_price", "color", "material", "gender", "other"]),
        texts | numbers.map(str) | crop_texts,
        max_size=4,
    )
)  # fmt: skip
def test_search__any_query(client, indexed, query):
    body = answered(search(client, query))
    if body:
        assert len(body["results"]) <= int(query.get("limit", 12))


@bounded
@given(st.dictionaries(st.sampled_from(["limit", "crop", "category"]), jsons | crops, max_size=3))
def test_search__any_json(client, indexed, fields):
    body = json.dumps({"image": "%%%", **fields})
    response = client.post(URL, body, content_type="application/json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] in ("limit", "crop", "category", "image")


@bounded
@given(jsons)
def test_search__any_body(client, indexed, body):
    response = client.post(URL, json.dumps(body), content_type="application/json")
    assert response.status_code == 400
    assert response.json()["errors"][0]["code"] in ("parse_error", "image_missing")


@bounded
@given(st.integers(1, 9), filters)
def test_search__within_limit_and_filters(client, indexed, limit, query):
    body = answered(search(client, query, limit=limit))
    found = [float(result["product"]["price"]) for result in body["results"]]
    assert len(found) <= limit
    assert len(found) == min(limit, body["count"])
    assert all(float(query.get("min_price", 0)) <= price for price in found)
    assert all(price <= float(query.get("max_price", 99)) for price in found)
    assert [r["score"] for r in body["results"]] == sorted(
        (r["score"] for r in body["results"]), reverse=True
    )
    if query.get("category", "").lower() == "shirts":
        assert {r["product"]["category"] for r in body["results"]} <= {"Shirts"}
    if query.get("category") in ("Shoes", "nothing"):
        assert not found


@bounded
@given(st.integers(1, 5), filters, orderings)
def test_query__pages_are_one_long_page_cut(client, indexed, limit, query, ordering):
    query_id = search(client, {}).json()["query_id"]
    url = f"/api/visual-search/queries/{query_id}/"

    def page(limit, offset):
        asked = {**query, "ordering": ordering, "limit": limit, "offset": offset}
        return client.get(url, query_params=asked)

    whole = page(100, 0).json()
    pages = []
    for offset in range(0, 8 + limit, limit):
        pages += keys(page(limit, offset))
    assert pages == keys(page(100, 0))
    assert len(pages) == len(set(pages)) == whole["count"]


@bounded
@given(st.text(max_size=40).filter(lambda text: "/" not in text))
def test_query__any_id(client, indexed, query_id):
    assume(query_id not in (".", "..", ""))
    response = client.get("/api/visual-search/queries/x/".replace("x", query_id.replace("?", "")))
    assert response.status_code in (404, 301)


shares = st.floats(0, 1) | st.sampled_from([0.0, 0.5, 1.0])
parts = st.tuples(shares, shares, shares, shares).map(
    lambda four: (four[0], four[1], (1 - four[0]) * four[2], (1 - four[1]) * four[3])
)
any_four = st.tuples(st.floats(), st.floats(), st.floats(), st.floats())


@bounded
@given(parts | any_four, st.integers(1, 8), st.integers(16, 5000))
def test_crop__is_refused_or_inside(crop, turn, width):
    try:
        check_crop(crop)
    except InvalidCrop:
        return
    left, top, right, bottom = box_of((width, 2000), as_stored(crop, turn))
    assert 0 <= left <= right <= width
    assert 0 <= top < bottom <= 2000


@bounded
@given(
    st.tuples(st.integers(0, 60), st.integers(0, 80), st.integers(30, 36), st.integers(30, 48)),
    st.integers(2, 8),
)
def test_crop__is_the_same_part_however_the_camera_was_held(box, orientation):
    x, y, w, h = box
    crop = (x / 96, y / 128, w / 96, h / 128)
    shown = picture(1)
    part = open_photo(held(orientation, "PNG", shown), crop=crop).image
    wanted = shown.crop((x, y, x + w, y + h))
    assert part.size == wanted.size
    assert difference(part, wanted) == 0


@pytest.mark.parametrize("kind", ["JPEG", "WEBP"])
def test_crop__of_a_large_photo_however_it_was_held(kind):
    shown = picture(1, (1500, 2000))
    wanted = shown.crop((150, 1000, 750, 1600))
    for orientation in range(1, 9):
        part = open_photo(held(orientation, kind, shown), crop=(0.1, 0.5, 0.4, 0.3)).image
        assert abs(part.width - part.height) <= 1
        assert difference(part, wanted.resize(part.size)) < 8
