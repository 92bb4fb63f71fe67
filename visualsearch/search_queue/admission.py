"""Reject searches over the limit of what one process runs at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .. import conf
from ..exceptions import Overloaded
from . import redis_queue

_busy = 0
_counting = threading.Lock()


@contextmanager
def place() -> Iterator[None]:
    """Count the ``with`` block as a running search of this process.

    Raises Overloaded if ``MAX_QUEUE`` searches are running already.
    """
    global _busy
    with _counting:
        admit()
        _busy += 1
    try:
        yield
    finally:
        with _counting:
            _busy -= 1


def check() -> None:
    """Raise an error if a search would be rejected now, before the client's photo is read.

    Overloaded if too many searches run or wait, BackendUnavailable without Redis or a search
    worker.
    """
    admit()
    if conf.get("USE_CELERY"):
        redis_queue.admit()


def admit() -> None:
    """Raise Overloaded if this process is already running ``MAX_QUEUE`` searches."""
    if _busy >= conf.get("MAX_QUEUE"):
        raise Overloaded
