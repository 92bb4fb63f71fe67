"""The component's files: how large they are, when they are loaded, and under which names."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest

SOURCE = Path(__file__).resolve().parents[2] / "visualsearch/static/visualsearch"
FILES = sorted(SOURCE.glob("visual-search*.js"))
# Files of other languages have names like visual-search.fr.js.
ENGLISH = [path for path in FILES if path.name.count(".") == 1]
STORAGES = {
    "manifest": "django.contrib.staticfiles.storage.ManifestStaticFilesStorage",
    "whitenoise": "whitenoise.storage.CompressedManifestStaticFilesStorage",
    "rewriting": "tests.browser.rewriting_storage.RewritingStorage",
}
MOST_AT_START, MOST, MOST_COMPRESSED = 10_000, 45_000, 16_400  # bytes


@pytest.fixture
def photo(storefront):
    return storefront.photos()[0]


def watch(visitor):
    """Record the responses with the component's files."""
    loaded = []
    visitor.page.on(
        "response",
        lambda response: response.url.endswith(".js") and loaded.append(response),
    )
    return loaded


def test_files__are_small():
    assert len(ENGLISH) == 4
    assert sum(path.stat().st_size for path in FILES) <= MOST
    assert sum(len(gzip.compress(path.read_bytes(), 9)) for path in ENGLISH) <= MOST_COMPRESSED


def test_page_without_a_search__loads_the_start_only(visit):
    visitor = visit("about:blank")
    loaded = watch(visitor)
    visitor.page.goto("/tag/plain/", wait_until="networkidle")
    visitor.part("drop").wait_for()
    assert [response.url.rpartition("/")[2] for response in loaded] == ["visual-search.js"]
    assert sum(len(response.body()) for response in loaded) <= MOST_AT_START


@pytest.mark.parametrize("name", STORAGES)
def test_hashed_files(visit, storefront, photo, tmp_path, name):
    production = {
        "DEBUG": "0",
        "HTTPS": "0",
        "SECRET_KEY": "of this test",
        "SERVE_MEDIA": "1",
        "STATIC_ROOT": str(tmp_path / "static"),
        "STATIC_STORAGE": STORAGES[name],
        "VISUALSEARCH_THROTTLE": "0",
    }
    storefront.manage("collectstatic", "--no-input", **production)
    with storefront.served(production) as origin:
        visitor = visit("about:blank", origin=origin, locale="fr")
        loaded = watch(visitor)
        visitor.page.goto("/search/photo/")
        visitor.search(photo)
        assert visitor.heading.text_content() == "Des produits comme sur votre photo"
        assert {response.status for response in loaded} == {200}
        names = {response.url.rpartition("/")[2] for response in loaded}
        assert len(names) == 5
        hashed = [each for each in names if len(each.split(".")) - (".fr." in each) == 3]
        # The element and its language have hashed names in the page itself.
        assert len(hashed) == (5 if name == "rewriting" else 2)
        visitor.context.close()
