"""Searches are stored after their answers; whoever comes before that finds them."""

from __future__ import annotations

from contextlib import closing

import pytest
import redis

from tests.helpers.pictures import encoded, picture
from tests.stack.conftest import PRODUCTS, without_redis
from tests.stack.stack import START, Stack, until

SEARCHES = 30
STORED = "SELECT count(*) FROM visualsearch_query"
QUERY = "/api/visual-search/queries/{}/?limit=3&offset=3"


@pytest.fixture(scope="module")
def environment():
    """Workers store searches an hour after their answers, or when they end."""
    return {"WRITE_DELAY": "3600"}


def search(stack: Stack, number: int = 3) -> str:
    found = stack.browser().search(encoded(picture(number, (480, 640)), quality=75))
    assert found.json["results"][0]["product"]["key"] == f"P{number}"
    return found.json["query_id"]


def stored(stack: Stack) -> int:
    return stack.rows(STORED)[0][0]


def test_page_and_event__of_a_killed_worker(stack):
    before = stored(stack)
    paged, clicked, lost = (search(stack) for _ in range(3))
    assert stored(stack) == before
    stack.kill("search")
    stack.start("search")
    stack.ready("search")
    browser = stack.browser()
    assert len(browser.get(QUERY.format(paged)).json["results"]) == 3
    event = {"query_id": clicked, "event": "click", "product": "P3"}
    assert browser.post_json("/api/visual-search/events/", event).status == 201
    assert stored(stack) == before + 2
    assert browser.get(QUERY.format(lost)).status == 200


def test_stopped_worker__stores_what_waits(stack):
    before = stored(stack)
    for _ in range(3):
        search(stack)
    stack.stop("search")
    try:
        assert stored(stack) == before + 3
        with closing(redis.Redis(port=stack.redis_port)) as client:
            assert client.keys("visualsearch:query:*") == []
    finally:
        stack.start("search")
        stack.ready("search")


@pytest.fixture(scope="module")
def alone(tmp_path_factory, static_files):
    """A shop without Redis that has two web processes."""
    folder = tmp_path_factory.mktemp("alone")
    options = {"WEB_CONCURRENCY": "2", "WRITE_DELAY": "0.1"}
    with without_redis(folder, STATIC_ROOT=static_files, **options) as stack:
        stack.manage("load_catalog", str(folder / "catalog" / "catalog.csv"))
        stack.start("web")
        stack.ready("web")
        yield stack


def test_page__at_another_web_process(alone):
    """Each request opens a connection of its own, which either process may accept."""
    for number in range(SEARCHES):
        query = search(alone, number % PRODUCTS)
        assert len(alone.browser().get(QUERY.format(query)).json["results"]) == 3
    until(lambda: stored(alone) == SEARCHES, START, lambda: alone.tail("web"))
