"""Repeated ``kill -9`` of the index worker: nothing is lost, only interrupted batches repeat."""

from __future__ import annotations

import csv
import random
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.helpers.pictures import encoded, picture
from tests.stack.stack import START, Stack, until
from visualsearch.conf import DEFAULTS

PRODUCTS, PICTURES = 500, 4
IMAGES = PRODUCTS * PICTURES
KILLS = 20


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Redis and an index worker, and a catalog that is not indexed yet."""
    stack = Stack(tmp_path_factory.mktemp("killed"))
    stack.environment["DJANGO_SETTINGS_MODULE"] = "tests.stack.counting_settings"
    stack.environment["ENCODED"] = str(stack.folder / "encoded.log")
    try:
        stack.start_servers()
        catalog = write_catalog(stack.folder / "catalog")
        stack.manage("load_catalog", str(catalog), "--no-index")
        yield stack
    finally:
        stack.stop_all()


def write_catalog(folder: Path) -> Path:
    """Write a catalog of products with :data:`PICTURES` small, distinct pictures each."""
    folder.mkdir()
    path = folder / "catalog.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sku", "name", "category", "price", "image", "images"])
        for n in range(PRODUCTS):
            names = [f"{n}-{place}.png" for place in range(PICTURES)]
            for place, name in enumerate(names):
                small = picture(n * PICTURES + place, (24, 24))
                (folder / name).write_bytes(encoded(small, "PNG"))
            writer.writerow(
                [f"P{n}", f"Product {n}", "Things", "9.00", names[0], "|".join(names[1:])]
            )
    return path


def rows(stack: Stack) -> dict[tuple[str, str], tuple[str, bytes]]:
    """Return hash and vector of each stored embedding by item and image."""
    query = "SELECT item, image, content_hash, vector FROM visualsearch_embedding WHERE error = ''"
    return {(item, image): (digest, vector) for item, image, digest, vector in stack.rows(query)}


def run(stack: Stack) -> tuple[str, int, int]:
    """Return state, items done and images encoded of the last run."""
    query = "SELECT state, done, encoded FROM visualsearch_run ORDER BY id DESC LIMIT 1"
    return stack.rows(query)[0]


def encoded_images(stack: Stack) -> list[str]:
    """Return the digests of all images that any process encoded."""
    log = Path(stack.environment["ENCODED"])
    return log.read_text().splitlines() if log.exists() else []


def ask_for_run(stack: Stack) -> None:
    """Request a run as the admin's button does."""
    code = (
        "from visualsearch.reindex import launch, runs\n"
        "launch.start_run(runs.request('all', by='test')[0])"
    )
    stack.manage("shell", "-c", code)


def test_reindex__killed_twenty_times(stack):
    rng = random.Random(0)
    ask_for_run(stack)
    left_over = []
    for _ in range(KILLS):
        stack.start("index")
        before = len(encoded_images(stack))
        until(
            lambda seen=before: len(encoded_images(stack)) > seen or run(stack)[0] == "finished",
            START,
            lambda: stack.tail("index"),
        )
        time.sleep(rng.uniform(0, 0.6))
        stack.kill("index")
        left_over.append(len(encoded_images(stack)) - len(rows(stack)))
    killed_in = run(stack)
    stack.start("index")
    until(lambda: run(stack)[0] == "finished", START, lambda: stack.tail("index"))

    times = Counter(encoded_images(stack))
    assert len(times) == IMAGES
    twice = sum(times.values()) - IMAGES
    batch = DEFAULTS["BATCH_SIZE"]
    # At most the one batch in flight of each kill.
    assert twice == left_over[-1]
    growth = [after - before for before, after in zip([0, *left_over], left_over, strict=False)]
    assert all(0 <= more <= batch for more in growth), growth
    print(f"{KILLS} kills, the last at {killed_in}: {twice} of {IMAGES} images encoded twice")

    state, done, images = run(stack)
    assert (state, done, images) == ("finished", PRODUCTS, IMAGES)
    after_kills = rows(stack)
    stack.manage(
        "shell", "-c", "from visualsearch.models import *; Embedding.objects.all().delete()"
    )
    assert rows(stack) == {}
    stack.manage("visualsearch_index")
    assert rows(stack) == after_kills
    assert len(after_kills) == IMAGES
