"""A reindex by several index workers: what they lose, and what customers change meanwhile."""

from __future__ import annotations

from collections import Counter
from contextlib import closing

import pytest
import redis

from tests.stack.index_workers import (
    IMAGES,
    PRODUCTS,
    add_worker,
    ask_for_run,
    encoded_images,
    has_chunk,
    not_indexed,
    rows,
    run,
)
from tests.stack.stack import START, Stack, until

WORKERS = ("index", "index2", "index3")
FORGET = (
    "from visualsearch.models import *\n"
    "Run.objects.all().delete(); Embedding.objects.all().delete()\n"
    "IndexVersion.objects.all().delete()"
)
# The last product in the order of the run.
EDIT = """
from django.core.files.base import ContentFile
from shop.models import Product
from tests.helpers.pictures import encoded, picture
content = ContentFile(encoded(picture(9999, (24, 24)), "PNG"), "edited.png")
Product.objects.get(sku="P99").images.create(image=content, position=9)
"""


@pytest.fixture(scope="module")
def servers(tmp_path_factory):
    """PostgreSQL, Redis, a catalog, and the commands of three index workers."""
    stack = Stack(tmp_path_factory.mktemp("workers"))
    stack.environment["DJANGO_SETTINGS_MODULE"] = "tests.stack.counting_settings"
    stack.environment["ENCODED"] = str(stack.folder / "encoded.log")
    for name in WORKERS[1:]:
        add_worker(stack, name)
    with not_indexed(stack):
        yield stack


@pytest.fixture
def stack(servers):
    """Nothing is indexed, no worker runs, and no task of another test waits."""
    servers.manage("shell", "-c", FORGET)
    with closing(redis.Redis(port=servers.redis_port)) as client:
        client.flushall()
    yield servers
    for name in WORKERS:
        if name in servers.running:
            servers.kill(name)


def freeze_with_chunk(stack: Stack, name: str) -> bool:
    """Freeze a worker if it has a chunk; return whether it had."""
    stack.pause(name)
    frozen = has_chunk(stack, name)
    if not frozen:
        stack.resume(name)
    return frozen


def written(stack: Stack) -> list[tuple]:
    """Return the stored embeddings with the time and revision of their last change."""
    return stack.rows("SELECT id, revision, updated FROM visualsearch_embedding ORDER BY id")


def finished(stack: Stack) -> bool:
    return run(stack)[0] == "finished"


def test_reindex__one_worker_killed_and_one_frozen(stack):
    for name in WORKERS:
        stack.start(name)
    for name in WORKERS:
        stack.ready(name)
    before = len(encoded_images(stack))
    ask_for_run(stack)
    for name in WORKERS:
        until(lambda name=name: has_chunk(stack, name), START, lambda: stack.tail("index"))
    stack.kill("index2")
    until(lambda: freeze_with_chunk(stack, "index3"), START, lambda: stack.tail("index3"))
    frozen = stack.children("index3")
    until(lambda: finished(stack), START, lambda: f"{run(stack)} {stack.tail('index')}")
    assert run(stack) == ("finished", PRODUCTS, IMAGES)
    ended, after = written(stack), rows(stack)
    encoded = len(encoded_images(stack)) - before

    stack.resume("index3")
    stack.ready("index3")
    assert stack.children("index3") == frozen
    # Its next task starts when it has given up its chunk.
    stack.stop("index")
    stack.manage("shell", "-c", EDIT)
    until(lambda: len(rows(stack)) == IMAGES + 1, START, lambda: stack.tail("index3"))
    log = stack.log("index3") + stack.log("index")
    assert "raised unexpected" not in log, log
    assert run(stack) == ("finished", PRODUCTS, IMAGES)
    assert set(ended) <= set(written(stack))
    print(f"{encoded - IMAGES} of {IMAGES} images encoded twice by other workers")

    stack.stop("index3")
    remove_edited(stack)
    stack.manage("shell", "-c", FORGET)
    stack.manage("visualsearch_index")
    assert rows(stack) == after
    assert len(after) == IMAGES


def test_reindex__an_edited_product_does_not_wait_for_it(stack):
    stack.environment["ENCODING_SECONDS"] = "0.5"
    try:
        stack.start("index")
        stack.ready("index")
        ask_for_run(stack)
        until(lambda: has_chunk(stack, "index"), START, lambda: stack.tail("index"))
        stack.manage("shell", "-c", EDIT)
        query = "SELECT count(*) FROM visualsearch_embedding WHERE item = 'P99'"
        until(lambda: stack.rows(query)[0][0] == 5, START, lambda: stack.tail("index"))
        state, done, _images = run(stack)
        assert (state, done < PRODUCTS) == ("running", True)
        stack.kill("index")
    finally:
        del stack.environment["ENCODING_SECONDS"]
    stack.start("index")
    until(lambda: finished(stack), START, lambda: stack.tail("index"))
    assert run(stack)[1] == PRODUCTS
    assert Counter(item for item, _image in rows(stack))["P99"] == 5
    stack.stop("index")
    remove_edited(stack)


def remove_edited(stack: Stack) -> None:
    """Remove the picture that a test has added."""
    code = (
        "from shop.models import *; ProductImage.objects.filter(image__contains='edited').delete()"
    )
    stack.manage("shell", "-c", code)
