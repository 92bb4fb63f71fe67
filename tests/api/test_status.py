import pytest

from tests.helpers.reindex import reindex
from visualsearch.conf import DEFAULTS
from visualsearch.models import IndexVersion

URL = "/api/visual-search/status/"


def test_status__ready(client, sold):
    version = reindex().version
    response = client.get(URL)
    assert response.status_code == 200
    body = response.json()
    assert (body["ready"], body["code"], body["detail"]) == (True, "", "")
    assert (body["model"], body["index_version"]) == (version.encoder, version.pk)
    assert body["products"] == 8
    assert {"JPEG", "PNG"} <= set(body["accepted"])
    assert body["max_photo_bytes"] == DEFAULTS["MAX_PHOTO_BYTES"]
    assert body["max_batch_photos"] == 16


def test_status__nothing_indexed(client, db):
    body = client.get(URL).json()
    assert (body["ready"], body["code"]) == (False, "index_not_ready")
    assert "visualsearch_index" not in body["detail"]  # of no use to shoppers
    assert (body["model"], body["products"]) == (None, None)


def test_status__no_workers(client, sold, configure):
    reindex()
    configure(USE_CELERY=True, REDIS_URL="redis://127.0.0.1:1/0")
    body = client.get(URL).json()
    assert (body["ready"], body["code"]) == (False, "search_unavailable")
    assert body["index_version"] == IndexVersion.objects.get(state="active").pk


@pytest.mark.parametrize("language", ["en", "fr"])
def test_status__in_the_client_s_language(client, db, language):
    body = client.get(URL, headers={"accept-language": language}).json()
    assert ("prête" in body["detail"]) is (language == "fr")
