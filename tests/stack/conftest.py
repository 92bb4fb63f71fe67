"""One running shop per test module."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shop.tools.compose import ROOT
from shop.tools.stack import APP
from tests.helpers.pictures import encoded, picture
from tests.stack.stack import START, Stack, until

PRODUCTS = 16
# Grants access to the metrics.
TOKEN = "of the tests"


@pytest.fixture(scope="session")
def static_files(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The folder of static files, collected once per session."""
    folder = str(tmp_path_factory.mktemp("static"))
    collect = [sys.executable, "-m", "django", "collectstatic", "--noinput", "--verbosity=0"]
    environment = {"DEBUG": "false", "SECRET_KEY": "of the tests", "STATIC_ROOT": folder}
    subprocess.run(collect, env={**os.environ, **environment}, cwd=ROOT, check=True)
    return folder


@pytest.fixture(scope="module")
def environment() -> dict[str, str]:
    """Additional environment variables of the shop; override it per module."""
    return {}


@pytest.fixture(scope="module")
def stack(
    tmp_path_factory: pytest.TempPathFactory, static_files: str, environment: dict[str, str]
) -> Iterator[Stack]:
    """A shop with :data:`PRODUCTS` indexed products P0, P1… that show picture(0), picture(1)…"""
    environment = {"STATIC_ROOT": static_files, "METRICS_TOKEN": TOKEN, **environment}
    stack = Stack(tmp_path_factory.mktemp("stack"), **environment)
    try:
        stack.start_servers()
        for name in APP:
            stack.start(name)
        stack.make_owner()
        stack.manage("load_catalog", str(write_catalog(stack.folder / "catalog")))
        for name in APP:
            stack.ready(name)
        until(lambda: searchable(stack) == PRODUCTS, START, lambda: stack.tail("index"))
        yield stack
    finally:
        stack.stop_all()


@contextmanager
def without_redis(folder: Path, **environment: str) -> Iterator[Stack]:
    """Prepare a shop without Redis, on SQLite; the catalog is in ``catalog``, nothing runs yet."""
    stack = Stack(
        folder,
        REDIS_URL="",
        DATABASE_URL=f"sqlite:///{folder}/db.sqlite3",
        **environment,
    )
    try:
        stack.manage("migrate", "--verbosity", "0")
        write_catalog(folder / "catalog")
        yield stack
    finally:
        stack.stop_all()


def write_catalog(folder: Path) -> Path:
    """Write a catalog CSV with its pictures into a new folder; return its path."""
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
    """Return the number of encoded images."""
    query = "SELECT count(*) FROM visualsearch_embedding WHERE NOT removed AND error = ''"
    return stack.rows(query)[0][0]
