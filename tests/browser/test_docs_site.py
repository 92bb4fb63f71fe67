"""The documentation site builds without warnings and loads nothing from other origins."""

from __future__ import annotations

import functools
import http.server
import json
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.storefront import WAIT

ROOT = Path(__file__).resolve().parent.parent.parent
# Attributes and CSS functions that make a browser load a file.
LOADED = [
    r"<(?:script|img|iframe|source|video|embed)\b[^>]*?\ssrc=[\"']?([^\"'\s>]+)",
    r"<link\b(?=[^>]*\brel=[\"']?(?:stylesheet|preconnect|preload|icon|manifest))[^>]*?"
    r"\shref=[\"']?([^\"'\s>]+)",
    r"url\([\"']?([^\"')]+)",
    r"@import\s+[\"']([^\"']+)",
]


@pytest.fixture(scope="module")
def site(tmp_path_factory) -> Path:
    pytest.importorskip("mkdocs", reason="MkDocs is missing (docs/requirements.txt)")
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(folder)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


@pytest.fixture(scope="module")
def origin(site) -> Iterator[str]:
    """Serve the built site; return its address."""

    class Handler(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args: object) -> None:
            pass

    handler = functools.partial(Handler, directory=str(site))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture
def page(chromium, origin, screen) -> Iterator[object]:
    """A page; fails on requests to other origins and on console messages."""
    width = {"phone": 390, "desktop": 1280}[screen]
    context = chromium.new_context(base_url=origin, viewport={"width": width, "height": 900})
    context.set_default_timeout(WAIT)
    page = context.new_page()
    asked, complaints = [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    yield page
    context.close()
    elsewhere = [url for url in asked if not url.startswith((origin, "data:", "blob:"))]
    assert elsewhere == []
    assert [text for text in complaints if "favicon" not in text] == []


def test_site__loads_nothing_from_elsewhere(site):
    files = [path for path in site.rglob("*") if path.suffix in (".html", ".css")]
    assert len(files) > 20
    for path in files:
        text = path.read_text("utf-8")
        if path.suffix == ".html":  # quoted code is not loaded
            text = re.sub(r"<code\b.*?</code>", "", text, flags=re.DOTALL)
        for pattern in LOADED:
            for target in re.findall(pattern, text):
                assert not target.startswith(("http:", "https:", "//")), f"{path.name}: {target}"


def test_site__links_lead_to_pages_or_to_the_repository(site):
    for path in site.glob("*.html"):
        targets = re.findall(r"<a\b[^>]*?\shref=[\"']?([^\"'\s>#]+)", path.read_text("utf-8"))
        for target in targets:
            if "://" not in target and not target.startswith("mailto:") and path.stem != "404":
                assert (path.parent / target).exists(), f"{path.name}: {target}"
        for target in targets:
            place = re.match(r"https://github.com/visualsearch/visualsearch/\w+/main/(.*)", target)
            assert not place or (ROOT / place[1]).exists(), f"{path.name}: {target}"


def test_site__has_every_page_of_the_docs(site):
    names = {path.stem for path in (ROOT / "docs").glob("*.md")}
    assert names | {"index", "changelog", "rest-reference"} <= {
        path.stem for path in site.glob("*.html")
    }


def test_site__describes_the_api_that_the_shop_serves(site, client):
    served = client.get("/api/schema/", headers={"Accept": "application/json"})
    assert json.loads((site / "openapi.json").read_text("utf-8")) == served.json()


def test_site__search(page, screen):
    page.goto("/index.html")
    if screen == "phone":
        page.locator("label[for=__search]").first.click()
    page.locator("input.md-search__input").press_sequentially("quota")
    page.locator(".md-search-result__link").first.click()
    page.wait_for_url(re.compile(r"/(?!index)[\w-]+\.html\?h="))
    assert "quota" in page.locator("article").text_content().lower()


def test_site__rest_reference(page, site):
    page.goto("/rest-reference.html")
    page.locator(".opblock").first.wait_for()
    paths = json.loads((site / "openapi.json").read_text("utf-8"))["paths"]
    assert page.locator(".opblock").count() == sum(len(methods) for methods in paths.values())
    page.locator(".opblock-summary-control").first.click()
    page.locator(".responses-wrapper").first.wait_for()


@pytest.mark.parametrize("name", ["index", "rest", "rest-reference", "performance", "settings"])
def test_site__fits_the_screen(page, name):
    page.goto(f"/{name}.html")
    page.wait_for_load_state("networkidle")
    assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth")
