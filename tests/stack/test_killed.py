"""Repeated ``kill -9`` of the index worker: nothing is lost, only interrupted batches repeat."""

from __future__ import annotations

import random
import time
from collections import Counter

import pytest

from tests.stack.index_workers import (
    IMAGES,
    PRODUCTS,
    ask_for_run,
    encoded_images,
    not_indexed,
    rows,
    run,
)
from tests.stack.stack import START, Stack, until
from visualsearch.conf import DEFAULTS

KILLS = 20


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """Redis and an index worker, and a catalog that is not indexed yet."""
    stack = Stack(tmp_path_factory.mktemp("killed"))
    stack.environment["DJANGO_SETTINGS_MODULE"] = "tests.stack.counting_settings"
    stack.environment["ENCODED"] = str(stack.folder / "encoded.log")
    with not_indexed(stack):
        yield stack


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
