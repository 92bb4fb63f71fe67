"""Questions to servers that may hang: who asks is told in time, whatever becomes of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from typing import TypeVar

from django.db import connections

T = TypeVar("T")

# Questions at a time: where all of them hang, another one would, too.
PLACES = 8

_places = threading.BoundedSemaphore(PLACES)


class Hanging(Exception):
    """There was no answer in time."""


def within(seconds: float, ask: Callable[[], T]) -> T:
    """The answer of ``ask``, in a thread of its own; raises what it raises, or Hanging.

    Not in a pool's: Python would wait for those before it ends.
    """
    if not _places.acquire(blocking=False):
        raise Hanging("too many questions hang already")
    answer: Future[T] = Future()

    def work() -> None:
        try:
            answer.set_result(ask())
        except BaseException as error:
            answer.set_exception(error)
        finally:
            connections.close_all()
            _places.release()

    threading.Thread(target=work, name="visualsearch-probe", daemon=True).start()
    try:
        return answer.result(seconds)
    except TimeoutError as error:
        raise Hanging(f"no answer within {seconds} s") from error
