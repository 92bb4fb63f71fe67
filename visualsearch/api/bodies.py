"""How much of requests' bodies a process holds at a time: a few dozen large ones would end it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .. import conf
from ..exceptions import Overloaded

# Of all requests together, in times the largest of one. As base64 a photo is there about three
# times while it is read.
ROOM = 2

_held = 0
_counting = threading.Lock()
_mine: ContextVar[list[int] | None] = ContextVar("bytes of the body of this request", default=None)


@contextmanager
def held() -> Iterator[None]:
    """Around a request: what :func:`hold` counts meanwhile is free at its end."""
    global _held
    mine = [0]
    token = _mine.set(mine)
    try:
        yield
    finally:
        _mine.reset(token)
        with _counting:
            _held -= mine[0]


def hold(size: int) -> None:
    """Count bytes that arrived and stay; raises Overloaded where there is no room for them.

    What has arrived counts, and not what was announced: a client that sends nothing takes none.
    """
    global _held
    mine = _mine.get()
    if mine is None:
        return
    most = ROOM * max(conf.get("MAX_BATCH_BYTES"), conf.get("MAX_PHOTO_BYTES"))
    with _counting:
        if _held + size > most:
            raise Overloaded
        _held += size
        mine[0] += size
