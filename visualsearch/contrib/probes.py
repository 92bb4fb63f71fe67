"""Calls with a timeout, for servers that may hang."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import TypeVar

from django.db import connections

T = TypeVar("T")

# Most queries at a time. If all of them hang, another one would hang, too.
PLACES = 8

_places = threading.BoundedSemaphore(PLACES)


class Hanging(Exception):
    """Raised if a call does not return within its timeout."""


def within(seconds: float, ask: Callable[[], T]) -> T:
    """Call ``ask`` in a new thread and return its result, or raise its error.

    Raises Hanging after ``seconds``, or at once if :data:`PLACES` calls are running already. A
    thread pool is not used, because Python waits for its threads at exit.
    """
    if not _places.acquire(blocking=False):
        raise Hanging("too many calls hang already")
    answer: Future[T] = Future()
    context = copy_context()

    def work() -> None:
        try:
            answer.set_result(context.run(ask))
        except BaseException as error:
            answer.set_exception(error)
        finally:
            connections.close_all()
            _places.release()

    threading.Thread(target=work, name="visualsearch-probe", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError as error:
        raise Hanging(f"no response within {seconds} s") from error
