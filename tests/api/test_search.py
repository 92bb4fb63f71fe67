import base64
from urllib.parse import urlsplit

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from tests.helpers.busy import searches_running
from tests.helpers.pictures import encoded, picture
from visualsearch.conf import DEFAULTS
from visualsearch.models import IndexVersion
from visualsearch.reindex import embeddings
from visualsearch.serving import loaded_versions

URL = "/api/visual-search/search/"
PHOTO = encoded(picture(3))


def upload(client, data, query="", name="photo.jpg", kind="image/jpeg", url=URL, **fields):
    file = SimpleUploadedFile(name, data, content_type=kind)
    return client.post(url + query, {"image": file, **fields})


def send_json(client, image, **fields):
    return client.post(URL, {"image": image, **fields}, content_type="application/json")


def send_raw(client, data, query="", kind="image/jpeg", url=URL, **headers):
    """Post a photo's bytes as the body; ``headers`` with underscores for hyphens."""
    # The client leaves these out if there are no bytes.
    extra = {"CONTENT_TYPE": kind, "CONTENT_LENGTH": str(len(data))}
    return client.generic("POST", url + query, data, headers=headers, **extra)


def keys(response):
    return [result["product"]["key"] for result in response.json()["results"]]


def refused(response, status, code):
    """Check a response's error format, status and code; return the error."""
    assert response.status_code == status, response.content
    assert response["Content-Type"] == "application/json"
    body = response.json()
    assert set(body) == {"type", "errors"}
    assert set(body["errors"][0]) == {"code", "detail", "attr"}
    assert body["errors"][0]["code"] == code
    assert len(body["errors"][0]["detail"]) > 15
    return body["errors"][0]


def test_search__multipart(client, indexed):
    response = upload(client, PHOTO)
    assert response.status_code == 200
    body = response.json()
    assert set(body) == {
        "query_id", "model", "index_version", "took_ms", "predictions", "matched", "count",
        "next", "results", "warnings", "subject", "objects", "category",
    }  # fmt: skip
    assert body["results"][0]["product"]["key"] == "P3"
    assert body["results"][0]["product"]["url"].startswith("http://testserver/product/")
    assert body["results"][0]["image"].startswith("http://testserver/media/")
    assert body["matched"] is True
    assert body["count"] == 8
    assert {"decode", "encode", "index", "products", "total"} <= set(body["took_ms"])


@pytest.mark.parametrize("prefix", ["", "data:image/jpeg;base64,", "data:;base64,"])
def test_search__json(client, indexed, prefix):
    response = send_json(client, prefix + base64.b64encode(PHOTO).decode(), limit=2)
    assert keys(response)[0] == "P3"
    assert len(keys(response)) == 2


def test_search__url_safe_base64_with_line_breaks(client, indexed):
    text = base64.urlsafe_b64encode(PHOTO).decode().rstrip("=")
    assert keys(send_json(client, text[:70] + "\n" + text[70:]))[0] == "P3"


def test_search__crop_by_every_way_in(client, indexed):
    wide = picture(5).resize((200, 128))
    wide.paste(picture(3), (0, 0))
    data, crop = encoded(wide, "PNG"), "0,0,0.48,1"
    assert keys(upload(client, data, crop=crop))[0] == "P3"
    assert keys(upload(client, data, query=f"?crop={crop}"))[0] == "P3"
    assert keys(send_raw(client, data, query=f"?crop={crop}"))[0] == "P3"
    text = base64.b64encode(data).decode()
    assert keys(send_json(client, text, crop=crop))[0] == "P3"
    assert keys(send_json(client, text, crop=[0, 0, 0.48, 1]))[0] == "P3"


def test_search__filters_are_query_parameters(client, indexed):
    assert sorted(keys(upload(client, PHOTO, query="?min_price=15"))) == ["P5", "P6", "P7"]


def test_search__category(client, indexed, sell):
    sell("HAT", picture(3), category="Hats")
    embeddings.refresh_items(["HAT"])
    assert keys(upload(client, PHOTO, category="Hats")) == ["HAT"]
    assert keys(upload(client, PHOTO, query="?category=hats")) == ["HAT"]


def test_search__next_pages_to_the_end(client, indexed):
    response = upload(client, PHOTO, query="?max_price=16", limit=3)
    seen, link = keys(response), response.json()["next"]
    for _ in range(5):
        if link is None:
            break
        parts = urlsplit(link)
        response = client.get(f"{parts.path}?{parts.query}")
        seen += keys(response)
        link = response.json()["next"]
    assert sorted(seen) == [f"P{n}" for n in range(7)]
    assert link is None


def test_search__not_indexed_yet(client, db, caplog):
    """Advice on the missing index is logged for operators, not shown to shoppers."""
    response = upload(client, PHOTO)
    refused(response, 503, "index_not_ready")
    assert "manage.py" not in response.json()["errors"][0]["detail"]
    assert "manage.py visualsearch_index" in caplog.text


def test_search__model_gone(client, indexed, configure, caplog):
    configure(ENCODER=DEFAULTS["ENCODER"], ENCODER_OPTIONS={"package": "/nowhere"})
    # A missing new model must not stop the one in use …
    assert upload(client, PHOTO).status_code == 200
    options = {"package": "/nowhere/either"}
    IndexVersion.objects.update(encoder_class=DEFAULTS["ENCODER"], encoder_options=options)
    loaded_versions.unload_all()
    # … and if that is missing too, the response says so.
    response = upload(client, PHOTO)
    refused(response, 503, "model_unavailable")
    assert "/nowhere" not in response.json()["errors"][0]["detail"]
    assert "/nowhere" in caplog.text


def test_search__only_post(client):
    refused(client.get(URL), 405, "method_not_allowed")


def test_search__in_french(client, indexed):
    response = client.post(URL, {}, headers={"Accept-Language": "fr"})
    assert "photo" in refused(response, 400, "image_missing")["detail"]
    assert "Envoyez" in response.json()["errors"][0]["detail"]


def test_search__broken_body_in_french(client, indexed):
    french = {"Accept-Language": "fr"}
    response = client.post(URL, "{", content_type="application/json", headers=french)
    assert "JSON valide" in refused(response, 400, "parse_error")["detail"]


def test_search__upload_never_touches_the_disk(client, indexed, settings, tmp_path):
    settings.FILE_UPLOAD_TEMP_DIR = str(tmp_path / "does-not-exist")
    large = encoded(picture(3).resize((900, 1200)), "PNG", compress_level=0)
    assert len(large) > settings.FILE_UPLOAD_MAX_MEMORY_SIZE
    assert keys(upload(client, large))[0] == "P3"


def test_classify(client, db):
    response = client.post(
        "/api/visual-search/classify/", {"image": SimpleUploadedFile("a.jpg", PHOTO)}
    )
    predictions = response.json()["predictions"]
    assert set(predictions[0]) == {"label", "probability", "name"}
    assert predictions == sorted(predictions, key=lambda each: -each["probability"])


def test_similar(client, indexed):
    response = client.get("/api/visual-search/products/P3/similar/?limit=4")
    assert response.status_code == 200
    assert len(keys(response)) == 4
    assert "P3" not in keys(response)


def test_similar__unknown_product(client, indexed):
    refused(client.get("/api/visual-search/products/NONE/similar/"), 404, "item_not_found")


@pytest.mark.parametrize("key", ["%00", "a%00b", "x" * 5000, "%F0%9F%91%97", "..%2f.."])
def test_similar__odd_keys(client, indexed, key):
    response = client.get(f"/api/visual-search/products/{key}/similar/")
    assert response.status_code == 404


def test_docs__load_nothing_from_elsewhere(client, db):
    page = client.get("/api/docs/").content.decode()
    assert "/static/drf_spectacular_sidecar/" in page
    assert "https://" not in page


def test_schema__describes_the_search(client, db):
    schema = client.get("/api/schema/?format=json").json()
    search = schema["paths"]["/api/visual-search/search/"]["post"]
    assert {"multipart/form-data", "application/json"} <= set(search["requestBody"]["content"])


def test_search__overloaded(client, indexed, configure):
    configure(MAX_QUEUE=1)
    with searches_running():
        response = upload(client, PHOTO)
    refused(response, 503, "search_overloaded")
    assert int(response["Retry-After"]) >= 1
    assert upload(client, PHOTO).status_code == 200


def test_search__overloaded_is_said_before_the_photo_is_read(client, indexed, configure):
    configure(MAX_QUEUE=1)
    with searches_running():
        refused(upload(client, b"no photo at all"), 503, "search_overloaded")


def test_search__respond_async_without_workers_is_answered_at_once(client, indexed):
    file = SimpleUploadedFile("photo.jpg", PHOTO, content_type="image/jpeg")
    response = client.post(URL, {"image": file}, headers={"Prefer": "respond-async"})
    assert response.status_code == 200
    assert keys(response)[0] == "P3"
