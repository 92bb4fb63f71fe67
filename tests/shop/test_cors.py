import pytest

from visualsearch.models import Query

SEARCH = "/api/visual-search/search/"
BLOG = "https://blog.example"


@pytest.fixture(autouse=True)
def allowed(settings):
    settings.CORS_ALLOWED_ORIGINS = [BLOG]


def preflight(client, path=SEARCH, origin=BLOG):
    return client.options(
        path,
        headers={
            "origin": origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "accept-language",
        },
    )


def test_cors__an_allowed_origin_may_search(client, db):
    response = preflight(client)
    assert response["access-control-allow-origin"] == BLOG
    assert "POST" in response["access-control-allow-methods"]
    assert {"accept-language", "content-type", "prefer"} <= {
        name.strip() for name in response["access-control-allow-headers"].split(",")
    }
    assert "access-control-allow-credentials" not in response


def test_cors__a_refusal_can_be_read_too(client, db):
    response = client.post(SEARCH, {}, headers={"origin": BLOG})
    assert response.status_code == 400
    assert response["access-control-allow-origin"] == BLOG
    assert "Retry-After" in response["access-control-expose-headers"]
    assert not Query.objects.exists()


def test_cors__nobody_else(client, db):
    assert "access-control-allow-origin" not in preflight(client, origin="https://evil.example")


@pytest.mark.parametrize("path", ["/", "/admin/login/", "/search/photo/", "/i18n/setlang/"])
def test_cors__nowhere_else(client, db, path):
    response = client.get(path, headers={"origin": BLOG})
    assert "access-control-allow-origin" not in response


def test_cors__nobody_by_default(client, db, settings):
    settings.CORS_ALLOWED_ORIGINS = []
    assert "access-control-allow-origin" not in preflight(client)
