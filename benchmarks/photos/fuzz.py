"""Decode damaged files: each must become an image or a refusal, in bounded time and memory."""

from __future__ import annotations

import argparse
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.photos.catalog import limits
from benchmarks.search.report import table as markdown
from tests.corpus import __main__ as corpus
from tests.corpus import fuzz, memory
from visualsearch.exceptions import PhotoError
from visualsearch.photos.decode import open_photo

# Seconds of processor time after which a file counts as hanging.
LONGEST = 20
SAMPLES = 60


class Hanging(Exception):
    """A file took too much processor time."""


@contextmanager
def bounded() -> Iterator[None]:
    """Raise Hanging when the block has used too much processor time."""

    def stop(*_: object) -> None:
        raise Hanging

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, LONGEST)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def answer(data: bytes) -> str:
    """Decode a file; return the code of its refusal, or what else happened."""
    try:
        with bounded():
            photo = open_photo(data, limits=limits())
    except PhotoError as error:
        return error.code
    except Exception as error:
        return f"FAILED {type(error).__name__}"
    return "searched with a warning" if photo.warnings else "searched"


def table(args: argparse.Namespace) -> int:
    """Print what became of the files; return 1 for a failure or growing memory."""
    with TemporaryDirectory() as place:
        folder = Path(place)
        fuzz.generate(folder, args.files, args.seed)
        status = decoded(sorted(folder.iterdir()))
        if args.url:
            print(flush=True)
            status |= corpus.main([place, "--url", args.url])
    return status


def decoded(files: list[Path]) -> int:
    """Decode all files and print the table."""
    answers: Counter[tuple[str, str]] = Counter()
    slowest, measured, failures = (0.0, ""), [], []
    for number, path in enumerate(files):
        start = time.process_time()
        found = answer(path.read_bytes())
        slowest = max(slowest, (time.process_time() - start, path.name))
        answers[found, path.suffix] += 1
        if found.startswith("FAILED"):
            failures.append(f"{path.name}: {found}")
        if number % max(1, len(files) // SAMPLES) == 0:
            measured.append(memory.used(os.getpid()))
    kinds = [f".{suffix}" for suffix in fuzz.SUFFIXES]
    rows = [
        [name, *(answers[name, kind] for kind in kinds)] for name in sorted({a for a, _ in answers})
    ]
    print(markdown(["", *kinds], rows))
    first, last = memory.growth(measured)
    print(f"\nslowest: {slowest[0]:.2f} s of processor time, {slowest[1]}")
    print(f"memory: {first:.0f} MB in the first third, {last:.0f} MB in the last")
    print(*failures, sep="\n")
    return 1 if failures or memory.grows(measured) else 0
