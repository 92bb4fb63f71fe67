"""The shop on a server that speaks ASGI."""

from __future__ import annotations

import base64
import csv
import io
import subprocess
import sys
from http.cookiejar import Cookie

import pytest

from shop.tools.ports import free_port
from shop.tools.stack import until
from tests.helpers.pictures import encoded, picture
from tests.other_shop.conftest import ROOT, environment_of
from tests.stack.browser import Browser, Unreachable

START = 30
FILL = """
    from tests.other_shop.tour import *
    fill()
    owner = get_user_model().objects.create_superuser("owner")
    client = Client()
    client.force_login(owner)
    print(client.cookies["sessionid"].value)
"""
EXPORT = "/admin/visualsearch/query/insights/searches.csv"


def answers(browser: Browser) -> bool:
    try:
        return browser.get("/api/visual-search/status/").status == 200
    except Unreachable:
        return False


def session(value: str) -> Cookie:
    """Return the cookie of a session on this machine."""
    place = {"port": None, "port_specified": False, "domain": "127.0.0.1", "path": "/"}
    flags = {"domain_specified": False, "domain_initial_dot": False, "path_specified": True}
    end = {"secure": False, "expires": None, "discard": True, "comment": None, "comment_url": None}
    return Cookie(version=0, name="sessionid", value=value, rest={}, **place, **flags, **end)


@pytest.fixture
def owner(run, tmp_path):
    """The shop's owner, logged in on a server with ASGI and asynchronous middleware."""
    pytest.importorskip("uvicorn", reason="uvicorn is missing: pip install uvicorn")
    from tests.other_shop.settings import MIDDLEWARE

    settings = {"MIDDLEWARE": [*MIDDLEWARE, "tests.other_shop.middleware.only_async"]}
    cookie = session(run(FILL, settings))
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "uvicorn", "tests.other_shop.asgi:application", f"--port={port}"],
        cwd=ROOT,
        # Django warns of responses that it must read to their end before it sends them.
        env={
            **environment_of(tmp_path, settings),
            "PYTHONWARNINGS": "error:StreamingHttpResponse must consume:Warning",
        },
        stderr=subprocess.DEVNULL,
    )
    try:
        browser = Browser(f"http://127.0.0.1:{port}")
        until(lambda: answers(browser), START, "uvicorn does not answer")
        browser.cookies.set_cookie(cookie)
        yield browser
    finally:
        server.terminate()
        server.wait(START)


def test_asgi__photo_as_the_request_body(owner):
    """Also one that arrives in several pieces."""
    large = encoded(picture(3, (1500, 2000)), "PNG", compress_level=0)
    assert len(large) > 8_000_000
    for photo, kind in (
        (encoded(picture(3)), "image/jpeg"),
        (encoded(picture(3), "PNG"), "application/octet-stream"),
        (large, "image/png"),
    ):
        found = owner.post_body("/api/visual-search/search/?limit=2", photo, kind)
        assert found.status == 200, found.text
        first, _ = found.json["results"]
        assert first["product"]["key"] == "N3"
        classes = owner.post_body("/api/visual-search/classify/", photo, kind)
        assert (classes.status, bool(classes.json["predictions"])) == (200, True)
    cut = encoded(picture(3), quality=90)[:-2]
    found = owner.post_body("/api/visual-search/search/", cut, "image/jpeg")
    assert (found.status, found.json["warnings"]) == (200, ["image_truncated"])
    refused = owner.post_body("/api/visual-search/search/", b"no photo", "image/jpeg")
    assert (refused.status, refused.json["errors"][0]["code"]) == (415, "unsupported_image")


def test_asgi__search_page_and_admin(owner):
    photo = encoded(picture(3), "PNG")
    found = owner.search(photo).json
    assert found["results"][0]["product"]["key"] == "N3"
    assert len(owner.get(found["next"]).json["results"]) == 8
    text = base64.b64encode(photo).decode()
    again = owner.post_json("/api/visual-search/search/", {"image": text}).json
    assert again["results"] == found["results"]
    assert owner.get("/search/photo/").status == 200
    page = owner.post("/search/photo/", {}, {"image": ("photo.png", "image/png", photo)})
    assert (page.status, "N3" in page.text) == (200, True)
    assert owner.get("/admin/visualsearch/indexversion/overview/").status == 200
    for n in range(3):
        owner.search(encoded(picture(n)))
    export = owner.get(EXPORT)
    assert export.headers["Transfer-Encoding"] == "chunked"
    rows = list(csv.DictReader(io.StringIO(export.text)))
    assert len(rows) == 6
    assert found["query_id"] in {row["id"] for row in rows}
