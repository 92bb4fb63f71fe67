"""Reject searches over the limit of what one process runs at a time."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .. import conf
from ..exceptions import Overloaded
from . import redis_queue

_running = 0
_counting = threading.Lock()
_counted: ContextVar[bool] = ContextVar("counted", default=False)


@contextmanager
def running_search() -> Iterator[None]:
    """Count the ``with`` block as a running search of this process.

    A block inside another one counts once. Raises Overloaded if ``MAX_QUEUE`` searches are running
    already.
    """
    global _running
    if _counted.get():
        yield
        return
    with _counting:
        check_capacity()
        _running += 1
    counted = _counted.set(True)
    try:
        yield
    finally:
        _counted.reset(counted)
        with _counting:
            _running -= 1


def check() -> None:
    """Raise an error if a search would be rejected now, before the client's photo is read.

    Overloaded if too many searches run or wait, BackendUnavailable without Redis or a search
    worker.
    """
    check_capacity()
    if conf.get("USE_CELERY"):
        redis_queue.worker_input()


def check_capacity() -> None:
    """Raise Overloaded if this process is already running ``MAX_QUEUE`` searches."""
    if _running >= conf.get("MAX_QUEUE"):
        raise Overloaded
