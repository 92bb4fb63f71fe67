"""Somebody who indexes, held while it reads a picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.stack.stack import START, Stack, until


def picture_file(stack: Stack, sku: str) -> Path:
    """Where a product's picture lies."""
    ((name,),) = stack.rows(f"SELECT image FROM visualsearch_embedding WHERE item = '{sku}'")
    return stack.folder / "media" / name


@contextmanager
def reading(stack: Stack, sku: str, begin: Callable[[], object]) -> Iterator[None]:
    """Begin something that reads a product's picture, and hold it there.

    On leaving, the file is back; who still reads gets nothing.
    """
    path = picture_file(stack, sku)
    aside = path.with_suffix(".aside")
    path.rename(aside)
    os.mkfifo(path)  # a file whose reader waits for more
    try:
        begin()
        with until_read(path):
            yield
    finally:
        aside.replace(path)


@contextmanager
def until_read(path: Path) -> Iterator[None]:
    """Wait until somebody reads a FIFO, and hold its other end."""
    held: list[int] = []

    def has_reader() -> bool:
        with suppress(OSError):
            held.append(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
        return bool(held)

    until(has_reader, START, f"nobody reads {path}")
    try:
        yield
    finally:
        os.close(held[0])
