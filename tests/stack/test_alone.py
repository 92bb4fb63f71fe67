"""A shop without Redis: one web process, and reindexing in a separate process."""

from __future__ import annotations

import pytest

from tests.helpers.pictures import encoded, picture
from tests.stack import admin
from tests.stack.conftest import PRODUCTS, without_redis
from tests.stack.stack import START, until

NEWEST = "SELECT state, encoded, unchanged, worker FROM visualsearch_run ORDER BY id DESC LIMIT 1"


@pytest.fixture(scope="module")
def stack(tmp_path_factory, static_files):
    folder = tmp_path_factory.mktemp("alone")
    with without_redis(folder, STATIC_ROOT=static_files, WEB_CONCURRENCY="1") as stack:
        stack.make_owner()
        stack.manage("load_catalog", str(folder / "catalog" / "catalog.csv"), "--no-index")
        stack.start("web")
        stack.ready("web")
        yield stack


def test_reindex__in_a_process_of_its_own(stack):
    owner = stack.owner()
    admin.reindex(owner, "all")
    until(lambda: stack.rows(NEWEST)[0][0] == "finished", START, lambda: str(stack.rows(NEWEST)))
    _state, new, unchanged, worker = stack.rows(NEWEST)[0]
    assert new + unchanged == PRODUCTS
    assert int(worker.split(":")[-2]) not in stack.children("web")
    found = stack.browser().search(encoded(picture(3, (480, 640)), quality=75))
    assert found.json["results"][0]["product"]["key"] == "P3"

    admin.reindex(owner, "all")
    until(lambda: stack.rows(NEWEST)[0][2] == PRODUCTS, START, lambda: str(stack.rows(NEWEST)))


SEARCHES_BEFORE_IT_FORKS = """
from shop.gunicorn import *

def when_ready(server):
    from django.db import connections
    from visualsearch.search import by_photo
    by_photo.warm_up()
    connections.close_all()
"""


def test_web_forked_after_loading(stack, tmp_path):
    """Gunicorn with --preload, whose parent has already used model and index."""
    admin.reindex(stack.owner(), "all")
    until(lambda: stack.rows(NEWEST)[0][0] == "finished", START, lambda: str(stack.rows(NEWEST)))
    config = tmp_path / "forks.py"
    config.write_text(SEARCHES_BEFORE_IT_FORKS)
    usual = stack.commands["web"]
    stack.stop("web")
    stack.commands["web"] = [str(config) if "gunicorn.py" in word else word for word in usual]
    assert stack.commands["web"] != usual
    try:
        stack.start("web")
        stack.ready("web")
        found = stack.browser().search(encoded(picture(5, (480, 640)), quality=75))
    finally:
        stack.stop("web")
        stack.commands["web"] = usual
        stack.start("web")
        stack.ready("web")
    assert found.json["results"][0]["product"]["key"] == "P5"
