"""Call a function in several threads at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from django.db import connections

T = TypeVar("T")


def at_once(call: Callable[[], T], times: int = 6) -> list[T]:
    """Return what each of ``times`` simultaneous calls returned; raise what one of them raised."""
    ready = threading.Barrier(times)

    def run() -> T:
        ready.wait()
        try:
            return call()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(times) as threads:
        return [each.result() for each in [threads.submit(run) for _ in range(times)]]
