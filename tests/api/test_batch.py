import base64

import pytest
from django.core.cache import cache
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.api.test_search import refused
from tests.helpers.cut_pictures import cut_pictures
from tests.helpers.odd_pictures import in_colour_spaces, shirt
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.models import KeptPhoto, Query, Refusal

URL = "/api/visual-search/batch/"


@pytest.fixture
def indexed(sold):
    reindex()
    return sold


def photos(*numbers):
    return [encoded(picture(n)) for n in numbers]


def upload(client, photos, query="", **fields):
    files = [SimpleUploadedFile(f"{n}.jpg", data) for n, data in enumerate(photos)]
    return client.post(URL + query, {"image": files, **fields})


def send_json(client, photos, **fields):
    texts = [base64.b64encode(data).decode() for data in photos]
    return client.post(URL, {"images": texts, **fields}, content_type="application/json")


def firsts(response):
    assert response.status_code == 200, response.content
    return [
        each["result"]["results"][0]["product"]["key"] if each["result"] else each["status"]
        for each in response.json()["results"]
    ]


@pytest.mark.parametrize("send", [upload, send_json])
def test_batch__each_photo_has_its_answer_in_its_place(client, indexed, send):
    response = send(client, photos(5, 2, 7), limit=3)
    assert firsts(response) == ["P5", "P2", "P7"]
    results = [each["result"] for each in response.json()["results"]]
    assert all(len(each["results"]) == 3 and each["next"] for each in results)
    assert {each["query_id"] for each in results} == {str(row.pk) for row in Query.objects.all()}


@pytest.mark.parametrize("send", [upload, send_json])
def test_batch__of_cut_and_odd_pictures(client, sell, shipped_model, configure, send):
    configure(HEIC=True, FIND_SUBJECT=False, MAX_BATCH=100)
    sell("TWIN", shirt())
    sell("P0", picture(0))
    reindex()
    cut = list(cut_pictures().values())
    odd = [data for data, _ in in_colour_spaces(shirt()).values()]
    response = send(client, [*cut, *odd], limit=1)
    results = [each["result"] for each in response.json()["results"]]
    assert [each["results"][0]["product"]["key"] for each in results] == ["TWIN"] * len(results)
    warnings = [each["warnings"] for each in results]
    assert warnings == [["image_truncated"]] * len(cut) + [[]] * len(odd)


@pytest.mark.parametrize("send", [upload, send_json])
def test_batch__a_photo_that_fails_spoils_no_other(client, indexed, send):
    good, bad = photos(1)[0], photos(1)[0][:300]
    response = send(client, [good, bad, b"", b"text", good])
    assert firsts(response) == ["P1", 422, 400, 415, "P1"]
    errors = [each["errors"] for each in response.json()["results"]]
    codes = ["image_corrupt", "image_empty", "unsupported_image"]
    assert [each[0]["code"] for each in errors[1:4]] == codes
    assert errors[0] == errors[4] == []
    assert sorted(Refusal.objects.values_list("code", flat=True)) == codes


def test_batch__filters_count_for_all(client, indexed):
    assert firsts(upload(client, photos(0, 6), "?min_price=15")) != ["P0", "P6"]
    assert firsts(upload(client, photos(0, 6), "?min_price=15"))[1] == "P6"


def test_batch__a_bad_option_refuses_it_all(client, indexed):
    assert refused(upload(client, photos(1), limit=0), 400, "min_value")["attr"] == "limit"
    response = upload(client, photos(1), "?min_price=x")
    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] == "min_price"
    assert not Query.objects.exists()


@pytest.mark.parametrize("send", [upload, send_json])
def test_batch__sixteen_and_no_more(client, indexed, send):
    assert firsts(send(client, photos(3) * 16)) == ["P3"] * 16
    error = refused(send(client, photos(3) * 17), 400, "too_many_photos")
    assert "16" in error["detail"]


@pytest.mark.parametrize(
    "body", ["{}", '{"images": []}', '{"images": "abc"}', '{"images": {"0": "abc"}}']
)
def test_batch__no_photos(client, db, body):
    refused(client.post(URL, body, content_type="application/json"), 400, "image_missing")
    refused(client.post(URL, {"other": "field"}), 400, "image_missing")


@pytest.mark.parametrize("send", [upload, send_json])
def test_batch__too_large_together(client, indexed, configure, send):
    noise = photos(3)[0] + b"\0" * 60_000
    configure(MAX_BATCH_BYTES=100_000)
    assert firsts(send(client, [noise])) == ["P3"]
    refused(send(client, [noise, noise]), 413, "batch_too_large")
    # So large that the body is not read to its end.
    refused(send(client, [noise] * 16), 413, "batch_too_large")


def test_batch__one_too_large_is_refused_alone(client, indexed, configure):
    configure(MAX_PHOTO_BYTES=20_000)
    small, large = photos(3)[0], photos(3)[0] + b"\0" * 30_000
    for send in (upload, send_json):
        assert firsts(send(client, [small, large])) == ["P3", 413]


def test_batch__each_photo_counts(client, indexed, configure):
    cache.clear()
    configure(THROTTLE={"search": "5/day"})
    response = upload(client, photos(1, 2, 3))
    assert firsts(response) == ["P1", "P2", "P3"]
    assert response["RateLimit-Remaining"] == "2"
    refused(upload(client, photos(1, 2, 3)), 429, "throttled")
    assert Query.objects.count() == 3


def test_batch__larger_than_what_is_ever_allowed(client, indexed, configure):
    cache.clear()
    configure(THROTTLE={"search": "2/day"})
    error = refused(upload(client, photos(1, 2, 3)), 400, "too_many_photos")
    assert "at most 2" in error["detail"]
    assert firsts(upload(client, photos(1))) == ["P1"]


def test_batch__not_indexed_is_the_answer_to_all(client, db):
    refused(upload(client, photos(1, 2)), 503, "index_not_ready")


def test_batch__photos_are_kept_where_that_is_allowed(client, indexed, configure):
    configure(KEEP_PHOTOS=60)
    upload(client, [*photos(1, 2), b"text"], keep_photo="1")
    assert set(KeptPhoto.objects.values_list("pk", flat=True)) == set(
        Query.objects.values_list("pk", flat=True)
    )
