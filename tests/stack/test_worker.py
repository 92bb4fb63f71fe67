"""Search, indexing and admin with workers in separate processes."""

from __future__ import annotations

import os
import re
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
import redis

from tests.helpers.pictures import encoded, picture
from tests.stack import admin
from tests.stack.conftest import PRODUCTS
from tests.stack.holding import reading
from tests.stack.stack import START, Stack, until
from visualsearch.conf import DEFAULTS

# Seconds to wait until a change in the shop shows in the search.
SOON = START


@pytest.fixture(autouse=True)
def no_traceback(stack):
    """Fail if a log contains a traceback."""
    yield
    for name in ("web", "search", "index"):
        assert "Traceback" not in stack.log(name), stack.log(name)


def photo(seed: int) -> bytes:
    """Return a photo of picture(seed) with another size and compression than the shop's."""
    return encoded(picture(seed, (480, 640)), quality=75)


def found(stack: Stack, seed: int, **options: object) -> list[str]:
    """Return the keys of the products found for a photo, best first."""
    answer = stack.browser().search(photo(seed), **options)
    assert answer.status == 200, answer.text
    return [each["product"]["key"] for each in answer.json["results"]]


def ranked(stack: Stack) -> int:
    """Return how many products can be found."""
    return stack.browser().search(photo(0), limit=1).json["count"]


def test_search(stack):
    answer = stack.browser().search(photo(3))
    assert answer.status == 200
    best = answer.json["results"][0]
    assert best["product"]["key"] == "P3"
    assert best["score"] > 0.9
    assert len(answer.json["results"]) == 12
    assert answer.json["query_id"]
    print(f"search through the worker: {answer.seconds * 1000:.0f} ms")


def test_search__nothing_of_it_stays_in_redis(stack):
    with closing(redis.Redis(port=stack.redis_port)) as client:
        before = set(client.keys("*"))  # such as an answer that came too late
        assert found(stack, 1, limit=1) == ["P1"]
        after = set(client.keys("visualsearch:*")) - before
        kinds = {key.split(b":")[1] for key in after}
        assert kinds == {b"taken"}
        assert all(client.ttl(key) > 0 for key in client.scan_iter("visualsearch:*"))


def test_search__many_at_once(stack):
    with ThreadPoolExecutor(4) as visitors:
        first = list(visitors.map(lambda n: found(stack, n, limit=1), range(PRODUCTS)))
    assert first == [[f"P{n}"] for n in range(PRODUCTS)]


def test_search__category(stack):
    answer = stack.browser().search(photo(2), query="?category=shirts", limit=100)
    assert answer.json["count"] == PRODUCTS / 2
    assert {each["product"]["category"] for each in answer.json["results"]} == {"Shirts"}


def test_search__crop(stack):
    wide = picture(5, (480, 640))
    collage = picture(40, (960, 640))
    collage.paste(wide, (480, 0))
    answer = stack.browser().search(encoded(collage), crop="0.5,0,0.5,1", limit=1)
    assert answer.json["results"][0]["product"]["key"] == "P5"


def test_search__searcher_frozen(stack):
    assert found(stack, 1, limit=1) == ["P1"]
    stack.pause("search")
    try:
        answer = stack.browser().search(photo(1))
    finally:
        stack.resume("search")
    # The response came while the worker was frozen and before the deadline (search_timeout).
    assert (answer.status, answer.code) == (503, "search_unavailable")
    took = until(lambda: stack.browser().search(photo(1)).status == 200, SOON, "no search")
    print(
        f"frozen searcher: refused after {answer.seconds:.1f} s; back {took:.1f} s after its thaw"
    )


def test_search__web_processes_hold_neither_model_nor_index(stack):
    if not Path("/proc/self/maps").exists():
        pytest.skip("the libraries of a process can be read from /proc only")
    assert found(stack, 1, limit=1) == ["P1"]
    workers = stack.children("web")
    assert len(workers) == 2
    for worker in workers:
        mapped = Path(f"/proc/{worker}/maps").read_text()
        assert "_imaging" in mapped  # it does decode
        assert "onnxruntime" not in mapped
        assert "faiss" not in mapped


def test_search__corrupt_photo(stack):
    answer = stack.browser().search(photo(1)[:2000])
    assert (answer.status, answer.code) == (422, "image_corrupt")


def test_search__not_a_photo(stack):
    answer = stack.browser().search(b"%PDF-1.4 is no photo")
    assert (answer.status, answer.code) == (415, "unsupported_image")


def test_query__pages(stack):
    answer = stack.browser().search(photo(0), limit=5)
    pages = [answer.json]
    while following := pages[-1]["next"]:
        pages.append(stack.browser().get(following).json)
    keys = [each["product"]["key"] for page in pages for each in page["results"]]
    scores = [each["score"] for page in pages for each in page["results"]]
    assert len(keys) == len(set(keys)) == answer.json["count"] >= PRODUCTS
    assert scores == sorted(scores, reverse=True)
    assert keys[0] == "P0"


def test_query__unknown(stack):
    path = "/api/visual-search/queries/00000000-0000-4000-8000-000000000000/"
    answer = stack.browser().get(path)
    assert (answer.status, answer.code) == (404, "query_not_found")


def test_similar(stack):
    answer = stack.browser().get("/api/visual-search/products/P4/similar/?limit=100")
    assert answer.status == 200
    keys = {each["product"]["key"] for each in answer.json["results"]}
    assert "P4" not in keys
    assert len(keys) == answer.json["count"] >= PRODUCTS - 1


def test_similar__unknown_product_in_the_customers_language(stack):
    path = "/api/visual-search/products/no-such/similar/"
    answer = stack.browser().get(path, **{"Accept-Language": "fr"})
    assert (answer.status, answer.code) == (404, "item_not_found")
    assert "produit" in answer.json["errors"][0]["detail"]


def test_classify(stack):
    files = {"image": ("photo.jpg", "image/jpeg", photo(1))}
    answer = stack.browser().post("/api/visual-search/classify/", {}, files)
    assert answer.status == 200
    probabilities = [each["probability"] for each in answer.json["predictions"]]
    assert len(probabilities) == DEFAULTS["PREDICTIONS"]
    assert probabilities == sorted(probabilities, reverse=True)
    assert 0 < sum(probabilities) <= 1.001


def test_search_page(stack):
    visitor = stack.browser()
    visitor.get("/search/photo/")
    answer = visitor.post("/search/photo/", {}, {"image": ("photo.jpg", "image/jpeg", photo(7))})
    assert answer.status == 200
    assert "Product 7" in answer.text


def test_product__saved_hidden_published_deleted(stack):
    owner = stack.owner()
    before = ranked(stack)

    admin.add_product(owner, "NEW", 101)
    took = {"saved": until(lambda: found(stack, 101)[0] == "NEW", SOON, "saved, not found")}
    assert ranked(stack) == before + 1

    # Results omit it as soon as it is hidden; the count follows soon after.
    admin.hide_product(owner, "NEW")
    assert "NEW" not in found(stack, 101, limit=100)
    took["hidden"] = until(lambda: ranked(stack) == before, SOON, "hidden, still in the index")

    admin.publish_product(owner, "NEW")
    took["published"] = until(lambda: found(stack, 101)[0] == "NEW", SOON, "published, not found")

    admin.delete_product(owner, "NEW")
    assert "NEW" not in found(stack, 101, limit=100)
    took["deleted"] = until(lambda: ranked(stack) == before, SOON, "deleted, still in the index")
    print({name: f"{seconds:.2f} s" for name, seconds in took.items()})


def test_product__saved_while_the_indexer_is_away(stack):
    owner = stack.owner()
    before = ranked(stack)
    stack.stop("index")
    try:
        admin.add_product(owner, "AWAY", 103)
        assert "AWAY" not in found(stack, 103, limit=100)
    finally:
        stack.start("index")
    stack.ready("index")
    until(lambda: found(stack, 103)[0] == "AWAY", SOON, lambda: stack.tail("index"))
    admin.delete_product(owner, "AWAY")
    until(lambda: ranked(stack) == before, SOON, "deleted, still in the index")


def test_search__searcher_restarted(stack):
    stack.stop("search")
    stack.start("search")
    stack.ready("search")
    assert found(stack, 9, limit=1) == ["P9"]


def kill_at_work(stack: Stack, sku: str, begin: Callable[[], object]) -> None:
    """Start a task of the index worker and kill its process while it reads a picture."""
    child = stack.child("index")
    with reading(stack, sku, begin):
        os.kill(child, signal.SIGKILL)


def test_product__process_of_the_indexer_killed_at_work(stack):
    owner = stack.owner()
    before = ranked(stack)
    admin.hide_product(owner, "P10")
    until(lambda: ranked(stack) == before - 1, SOON, "hidden, still in the index")
    kill_at_work(stack, "P10", lambda: admin.publish_product(owner, "P10"))
    took = until(lambda: ranked(stack) == before, START, lambda: stack.tail("index"))
    assert found(stack, 10, limit=1) == ["P10"]
    print(f"product found {took:.1f} s after the process that worked on it was killed")


def test_reindex__process_of_the_indexer_killed_at_work(stack):
    owner = stack.owner()
    newest = "SELECT state, items, done FROM visualsearch_run ORDER BY id DESC LIMIT 1"
    kill_at_work(stack, "P11", lambda: admin.reindex(owner, "all"))
    took = until(lambda: stack.rows(newest)[0][0] == "finished", START, lambda: stack.tail("index"))
    _, items, done = stack.rows(newest)[0]
    assert items == done >= PRODUCTS
    assert re.search(r"Task visualsearch.index_run\S+ retry", stack.log("index"))
    print(f"reindex finished {took:.1f} s after its process was killed")


def test_reindex(stack):
    newest = "SELECT id, state, items, failed FROM visualsearch_run ORDER BY id DESC LIMIT 1"
    version = stack.browser().search(photo(6), limit=1).json["index_version"]
    page = admin.reindex(stack.owner(), "all").text
    took = until(
        lambda: stack.rows(newest)[0][1] == "finished", START, lambda: str(stack.rows(newest))
    )
    _, _, items, failed = stack.rows(newest)[0]
    assert (items >= PRODUCTS, failed) == (True, 0)
    # Either message is right, as the worker may be faster than the page.
    assert "has started" in page or "is done" in page
    assert "Task visualsearch.index_run" in stack.log("index")
    answer = stack.browser().search(photo(6), limit=1).json
    assert answer["results"][0]["product"]["key"] == "P6"
    assert answer["index_version"] > version
    print(f"reindex of {items} unchanged products: {took:.1f} s")
