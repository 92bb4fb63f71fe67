"""Block an indexing process while it reads a picture."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from tests.stack.stack import START, Stack, until


def picture_file(stack: Stack, sku: str) -> Path:
    """Return the path of a product's picture."""
    ((name,),) = stack.rows(f"SELECT image FROM visualsearch_embedding WHERE item = '{sku}'")
    return stack.folder / "media" / name


@contextmanager
def reading(stack: Stack, sku: str, begin: Callable[[], object]) -> Iterator[None]:
    """Call ``begin`` and block the process that then reads a product's picture.

    On exit the file is restored, and the blocked process reads an empty file.
    """
    path = picture_file(stack, sku)
    aside = path.with_suffix(".aside")
    path.rename(aside)
    os.mkfifo(path)  # reading from it blocks
    try:
        begin()
        with until_read(path):
            try:
                yield
            finally:
                # Before the other end is closed: a process that opened the FIFO again would block.
                aside.replace(path)
    finally:
        if aside.exists():
            aside.replace(path)


@contextmanager
def until_read(path: Path) -> Iterator[None]:
    """Wait until a process reads a FIFO, and keep the other end open."""
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
