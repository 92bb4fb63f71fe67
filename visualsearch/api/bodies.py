"""How much of requests' bodies a process holds at a time: a few dozen large ones would end it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from .. import conf

# Of all requests together, in times the largest of one. As base64 a photo is there about three
# times while it is read.
ROOM = 2

_held = 0
_counting = threading.Lock()
_mine: ContextVar[list[int] | None] = ContextVar("bytes of the body of this request", default=None)


@contextmanager
def held() -> Iterator[None]:
    """Around a request: what :func:`hold` counts meanwhile is free at its end."""
    token = _mine.set([0])
    try:
        yield
    finally:
        dropped()
        _mine.reset(token)


def hold(size: int) -> bool:
    """Count bytes that arrived, and say whether there is room for them to stay.

    Where there is none, read on without keeping, and raise Overloaded at the end: a client that
    still sends reads no answer. What has arrived counts, and not what was announced: a client that
    sends nothing takes none.
    """
    global _held
    mine = _mine.get()
    if mine is None:
        return True
    most = ROOM * max(conf.get("MAX_BATCH_BYTES"), conf.get("MAX_PHOTO_BYTES"))
    with _counting:
        if _held + size > most:
            return False
        _held += size
        mine[0] += size
    return True


def dropped() -> None:
    """What this request held is free for others."""
    global _held
    mine = _mine.get()
    if mine is not None:
        with _counting:
            _held -= mine[0]
            mine[0] = 0
