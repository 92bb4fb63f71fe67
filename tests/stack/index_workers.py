"""A catalog of many small pictures that index workers encode, and what they have done."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shop.tools.ports import free_port
from tests.helpers.pictures import encoded, picture
from tests.stack.stack import Stack

PRODUCTS, PICTURES = 500, 4
IMAGES = PRODUCTS * PICTURES


@contextmanager
def not_indexed(stack: Stack) -> Iterator[Stack]:
    """Run the servers of a stack, whose catalog is loaded and not indexed; yield the stack."""
    try:
        stack.start_servers()
        catalog = write_catalog(stack.folder / "catalog")
        stack.manage("load_catalog", str(catalog), "--no-index")
        yield stack
    finally:
        stack.stop_all()


def add_worker(stack: Stack, name: str) -> None:
    """Let a stack start another index worker under this name, without a schedule of its own."""
    words = [word for word in stack.commands["index"] if word != "-B"]
    stack.commands[name] = [word.replace("index@", f"{name}@") for word in words]
    stack.own_environment[name] = {
        **stack.own_environment["index"],
        "HEARTBEAT_FILE": str(stack.folder / f"{name}.alive"),
        "METRICS_PORT": str(free_port()),
    }


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


def owners(stack: Stack) -> set[int]:
    """Return the process ids of the workers that have a chunk now."""
    query = "SELECT DISTINCT owner FROM visualsearch_runchunk WHERE owner <> ''"
    return {int(owner.split(":")[-2]) for (owner,) in stack.rows(query)}


def has_chunk(stack: Stack, name: str) -> bool:
    """Return whether a process of a worker has a chunk now."""
    return bool(owners(stack) & set(stack.children(name)))
