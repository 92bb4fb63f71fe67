"""Responses to unusual and hostile input, sent in every way, over HTTP."""

from __future__ import annotations

import base64
import http.client
import json
import logging

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.api.test_search import PHOTO, URL, keys, refused, send_json, send_raw, upload
from tests.helpers.cut_pictures import cut_pictures
from tests.helpers.odd_pictures import (
    animated,
    damaged_pictures,
    no_pictures,
    odd_pictures,
    shirt,
)
from tests.helpers.pictures import encoded, picture, plain, png_header_only
from tests.helpers.reindex import reindex
from visualsearch.models import Query

ODD, CUT = odd_pictures(), cut_pictures()
CLASSIFY = "/api/visual-search/classify/"


def ways(client, data: bytes, url: str = URL):
    """Return the responses to a photo sent in every way."""
    text = base64.b64encode(data).decode()
    file = SimpleUploadedFile("photo.jpg", data, content_type="image/jpeg")
    yield client.post(url, {"image": file})
    yield send_raw(client, data, url=url)
    yield client.post(url, {"image": text}, content_type="application/json")
    yield client.post(
        url, {"image": f"data:image/jpeg;base64,{text}"}, content_type="application/json"
    )
    if len(text) < 2_000_000:  # Django's limit for form fields is lower than for files
        yield client.post(url, {"image": text})


OTHER = 415, "unsupported_image"
CORRUPT = 422, "image_corrupt"
TOO_MANY = 422, "image_too_many_pixels"
REFUSED = [
    ("nothing in it", lambda: b"", 400, "image_empty"),
    *((name, lambda data=data: data, *OTHER) for name, data in no_pictures().items()),
    *((name, lambda data=data: data, *CORRUPT) for name, data in damaged_pictures().items()),
    ("only its first bytes", lambda: b"\xff\xd8\xff\xe0 and no more", *CORRUPT),
    ("13,000 × 13,000 by its header", lambda: png_header_only(13000, 13000), *TOO_MANY),
    ("60,000 × 60,000 by its header", lambda: png_header_only(60000, 60000), *TOO_MANY),
    ("20,000 × 1", lambda: png_header_only(20000, 1), 422, "image_bad_shape"),
    ("1 × 20,000", lambda: png_header_only(1, 20000), 422, "image_bad_shape"),
    ("no width", lambda: png_header_only(0, 100), *CORRUPT),
    ("1 × 1", lambda: encoded(picture(0, (1, 1))), 422, "image_too_small"),
    ("12 MB and one byte", lambda: b"\xff" * 12_000_001, 413, "image_too_large"),
    ("30 MB", lambda: b"\xff" * 30_000_000, 413, "image_too_large"),
]  # fmt: skip


@pytest.mark.parametrize("url", [URL, CLASSIFY], ids=["search", "classify"])
@pytest.mark.parametrize(
    ("make", "status", "code"), [row[1:] for row in REFUSED], ids=[row[0] for row in REFUSED]
)
def test_no_photo(client, indexed, configure, caplog, url, make, status, code):
    configure(HEIC=True)
    for response in ways(client, make(), url):
        error = refused(response, status, code)
        if code == "unsupported_image":
            assert "JPEG, PNG, WebP, GIF, BMP, AVIF, HEIC" in error["detail"]
    assert not [record for record in caplog.records if record.exc_info]
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
    assert not Query.objects.exists()


def test_heic__where_it_is_not_switched_on(client, indexed):
    for response in ways(client, ODD["HEIC"][0]):
        error = refused(response, 415, "unsupported_image")
        assert "HEIC" not in error["detail"]
        assert "AVIF" in error["detail"]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "AVIF", "HEIF"])
def test_a_few_bytes_changed(client, indexed, configure, kind):
    """A damaged photo gives either results or an error that says what to do."""
    configure(HEIC=True)
    good = encoded(picture(3), kind)
    for place in range(0, len(good), len(good) // 25 + 1):
        data = good[:place] + b"\xff\x00\x80" + good[place + 3 :]
        response = upload(client, data)
        if response.status_code != 200:
            assert response.status_code in (413, 415, 422), response.content
            refused(response, response.status_code, response.json()["errors"][0]["code"])


# --- 200 ---------------------------------------------------------------------------------------


@pytest.fixture
def twins(sell, shipped_model, configure):
    """A product whose picture is the plain version of the odd ones, and other products."""
    configure(HEIC=True, FIND_SUBJECT=False)

    def make(twin):
        sell("TWIN", twin)
        for n in range(3):
            sell(f"P{n}", picture(n))
        reindex()

    return make


@pytest.mark.parametrize("name", sorted(ODD))
def test_odd_picture__is_its_plain_twin_to_the_model(client, twins, name):
    data, twin = ODD[name]
    twins(twin)
    for response in ways(client, data):
        assert response.status_code == 200, response.content
        best = response.json()["results"][0]
        assert best["product"]["key"] == "TWIN"
        assert best["score"] >= 0.98
        assert response.json()["warnings"] == []


def test_odd_picture__the_comparison_tells_things_apart(client, twins):
    """Rotated, inverted or black pictures score below 0.9, so decoding errors would be noticed."""
    twins(shirt())
    for wrong in (
        shirt().rotate(90, expand=True),
        shirt().point(lambda v: 255 - v),
        plain("black", (300, 400)),
    ):
        results = upload(client, encoded(wrong)).json()["results"]
        assert next(r["score"] for r in results if r["product"]["key"] == "TWIN") < 0.9


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "AVIF"])
def test_animation__first_frame_and_a_warning(client, twins, kind):
    twins(shirt())
    for response in ways(client, animated(kind)):
        assert response.json()["warnings"] == ["animation_first_frame"]
        best = response.json()["results"][0]
        assert (best["product"]["key"], best["score"] > 0.9) == ("TWIN", True)


@pytest.mark.parametrize("name", sorted(CUT))
def test_cut_picture__is_searched_with_a_warning(client, twins, name):
    twins(shirt())
    for response in ways(client, CUT[name]):
        assert response.json()["warnings"] == ["image_truncated"]
        best = response.json()["results"][0]
        assert (best["product"]["key"], best["score"] > 0.9) == ("TWIN", True)


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "AVIF", "HEIF"])
def test_wrong_name_and_type_but_a_real_picture(client, indexed, configure, kind):
    configure(HEIC=True)
    data = encoded(picture(3), kind)
    assert keys(upload(client, data, name="x.exe", kind="text/plain"))[0] == "P3"
    text = base64.b64encode(data).decode()
    assert keys(send_json(client, f"data:text/html;base64,{text}"))[0] == "P3"


# --- Texts that are none -----------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    ["%%%", "YWJj=YWJj", "A", "data:image/jpeg,abc", "data:", "data:;base64", "data:;base64,%%",
     "é", "\x00\x01", "=" * 8, "data:image/jpeg;base64;base64x,YQ=="],
)  # fmt: skip
def test_bad_base64(client, indexed, text):
    refused(send_json(client, text), 400, "invalid_base64")


@pytest.mark.parametrize("value", [None, 7, 1.5, True, [], ["a"], {}, {"a": 1}])
def test_an_image_that_is_no_text(client, indexed, value):
    refused(send_json(client, value), 400, "image_missing")


@pytest.mark.parametrize("text", ["", "data:;base64,", "   "])
def test_an_image_that_is_empty(client, indexed, text):
    refused(send_json(client, text), 400, "image_empty")


def test_no_image(client, indexed):
    refused(client.post(URL, {"limit": 3}), 400, "image_missing")
    refused(client.post(URL, {}, content_type="application/json"), 400, "image_missing")
    refused(client.post(URL), 400, "image_missing")


# --- Options -----------------------------------------------------------------------------------

OPTIONS = [
    ("limit", "0"), ("limit", "101"), ("limit", "-1"), ("limit", "many"), ("limit", "1e3"),
    ("limit", "9" * 5000), ("limit", ""), ("limit", "\x00"),
    ("crop", "1,2"), ("crop", "0,0,2,1"), ("crop", "nan,0,1,1"), ("crop", "a,b,c,d"),
    ("crop", "0,0,inf,1"), ("crop", "0,0,0,0"), ("crop", "0,0,1,1,1"), ("crop", ""),
    ("min_price", "cheap"), ("min_price", "\x00"), ("min_price", "NaN"),
    ("max_price", "1" * 400), ("category", "x" * 201),
]  # fmt: skip


@pytest.mark.parametrize(("field", "value"), OPTIONS, ids=repr)
def test_bad_option__is_named(client, indexed, field, value):
    response = client.post(
        f"{URL}?{field}={value}".replace("\x00", "%00"),
        {"image": SimpleUploadedFile("a.jpg", PHOTO)},
    )
    assert response.status_code == 400, response.content
    assert response.json()["type"] == "validation_error"
    assert response.json()["errors"][0]["attr"] == field


@pytest.mark.parametrize("value", [[], {}, None, [1, 2], ["a", 0, 1, 1], True, 7, [0, 0, 1, 1e400]])
def test_bad_crop_in_json__is_named(client, indexed, value):
    response = send_json(client, base64.b64encode(PHOTO).decode(), crop=value)
    assert response.status_code == 400
    assert response.json()["errors"][0]["attr"] == "crop"


@pytest.mark.parametrize(
    "query_id", ["none", "00000000-0000-0000-0000-000000000000", "%00", "x" * 999]
)
def test_unknown_query__is_named(client, indexed, query_id):
    error = refused(client.get(f"/api/visual-search/queries/{query_id}/"), 404, "query_not_found")
    assert error["attr"] == "query_id"


# --- Bodies ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "kind", "status", "code"),
    [
        ("{", "application/json", 400, "parse_error"),
        ("[1]", "application/json", 400, "parse_error"),
        ('"x"', "application/json", 400, "parse_error"),
        ("[" * 100_000, "application/json", 400, "parse_error"),
        ('{"limit": ' + "9" * 5000 + "}", "application/json", 400, "parse_error"),
        (b"\xff\xfe\x00", "application/json", 400, "parse_error"),
        (b"--x\r\nbroken", "multipart/form-data; boundary=x", 400, "image_missing"),
        (b"abc", "multipart/form-data", 400, "parse_error"),
        (b"abc", "multipart/form-data; boundary=" + "x" * 300, 415, "unsupported_media_type"),
        (b"abc", "text/plain", 415, "unsupported_media_type"),
        (b"image=abc", "application/x-www-form-urlencoded", 415, "unsupported_media_type"),
        (b"abc", "\x7f/\x01", 415, "unsupported_media_type"),
        (b"abc", "video/mp4", 415, "unsupported_media_type"),
    ],
)
def test_broken_body(client, indexed, body, kind, status, code):
    refused(client.post(URL, body, content_type=kind), status, code)


def test_ten_thousand_fields(client, indexed):
    refused(client.post(URL, {f"f{n}": "x" for n in range(10_000)}), 400, "parse_error")


def test_ten_thousand_files(client, indexed):
    files = {f"f{n}": SimpleUploadedFile("a.jpg", b"x") for n in range(200)}
    refused(client.post(URL, files), 400, "parse_error")


def test_enormous_text_field(client, indexed):
    refused(client.post(URL, {"image": "A" * 3_000_000}), 400, "parse_error")


def test_far_above_the_limit__is_not_read_to_its_end(live_server, indexed, settings):
    """Reading stops as soon as the request must be rejected."""
    settings.VISUALSEARCH = {**settings.VISUALSEARCH, "MAX_PHOTO_BYTES": 100_000}
    connection = http.client.HTTPConnection(live_server.thread.host, live_server.thread.port)
    connection.putrequest("POST", URL)
    connection.putheader("Content-Type", "application/json")
    connection.putheader("Content-Length", str(10**12))
    connection.endheaders(b'{"image": "' + b"A" * 1_500_000)
    response = connection.getresponse()
    assert (response.status, json.load(response)["errors"][0]["code"]) == (413, "image_too_large")
    connection.close()


NAMES = [
    "../../../etc/passwd", "a\x00b.jpg", "<script>alert(1)</script>.jpg", "x" * 5000,
    "C:\\windows\\system32\\x.jpg", "\u202egpj.exe", "CONPRN", ".htaccess", "a\r\nX-Evil: 1",
]  # fmt: skip


@pytest.mark.parametrize("name", NAMES, ids=ascii)
def test_hostile_file_name__is_nowhere(client, indexed, caplog, tmp_path, name):
    before = sorted(tmp_path.rglob("*"))
    with caplog.at_level(logging.DEBUG):
        good, bad = upload(client, PHOTO, name=name), upload(client, b"no photo", name=name)
    assert keys(good)[0] == "P3"
    refused(bad, 415, "unsupported_image")
    for text in (good.content.decode(), bad.content.decode(), caplog.text, str(good.headers)):
        assert name not in text
        assert "evil" not in text.lower()
    assert sorted(tmp_path.rglob("*")) == before
    assert name not in str(Query.objects.values_list())


@pytest.mark.parametrize("text", ["<script>alert(1)</script>", "\x1b[31m", "\u202e", "a\r\nb"])
def test_hostile_text__is_not_echoed_raw(client, indexed, text):
    """Responses are JSON by content type and escaping, even when opened in a browser."""
    response = client.post(URL, {"image": SimpleUploadedFile("a.jpg", PHOTO), "limit": text})
    assert response.status_code == 400
    assert response["Content-Type"] == "application/json"
    assert response["X-Content-Type-Options"] == "nosniff"
    assert text.encode() not in response.content
