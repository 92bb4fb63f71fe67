"""Limit the memory that the request bodies of a process take.

Without a limit, a few dozen large uploads at the same time would crash the process.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .. import conf

# Limit for all requests together, as a multiple of the largest body of one. While a base64 photo is
# read, it is in memory about three times.
ROOM = 2

_reserved = 0
_counting = threading.Lock()
_mine: ContextVar[list[int] | None] = ContextVar("bytes of the body of this request", default=None)


@contextmanager
def request_budget() -> Iterator[None]:
    """Count the bytes that :func:`reserve` reserves in the block; release them at its end."""
    token = _mine.set([0])
    try:
        yield
    finally:
        release_all()
        _mine.reset(token)


def reserve(size: int) -> bool:
    """Reserve ``size`` more bytes for this request; return whether they fit in the limit.

    If they do not fit, the caller must read and discard the rest of the body before it raises
    Overloaded: a client that is still sending does not read a response. Reserve bytes only when
    they have arrived, not by the announced length, so that an idle client takes up no memory.
    """
    global _reserved
    mine = _mine.get()
    if mine is None:
        return True
    most = ROOM * max(conf.get("MAX_BATCH_BYTES"), conf.get("MAX_PHOTO_BYTES"))
    with _counting:
        if _reserved + size > most:
            return False
        _reserved += size
        mine[0] += size
    return True


def release_all() -> None:
    """Release all bytes that this request has reserved."""
    global _reserved
    mine = _mine.get()
    if mine is not None:
        with _counting:
            _reserved -= mine[0]
            mine[0] = 0
