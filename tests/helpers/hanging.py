"""Helpers to test that calls do not wait for a hanging server."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Seconds that a hang lasts: far beyond every timeout that a test sets.
HANGS = 60.0


@contextmanager
def before_the_hang_ends(release: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Fail if the block takes longer than :data:`HANGS` seconds; then ``release`` is called.

    This tests an order of events, not a duration: a call with a timeout of a second returns before
    the hang ends even on a slow machine, and a call without a timeout never does.
    """
    ended = threading.Event()

    def end() -> None:
        ended.set()
        release()

    timer = threading.Timer(HANGS, end)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
        timer.join()
    assert not ended.is_set(), "the call waited until the hang ended"


def until(check: Callable[[], object], what: str = "it never happens") -> None:
    """Wait until the check is true; fail after :data:`HANGS` seconds."""
    end = time.monotonic() + HANGS
    while not check():
        assert time.monotonic() < end, what
        time.sleep(0.02)
