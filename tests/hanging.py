"""Servers that hang, and calls that must not wait for them."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

# Seconds that a hang lasts: far beyond every limit that a test sets.
HANGS = 60.0


@contextmanager
def before_the_hang_ends(release: Callable[[], object] = lambda: None) -> Iterator[None]:
    """Fail unless the block ends first; otherwise call ``release`` after :data:`HANGS` seconds.

    What is judged is the order of two events, not a time: a call with a limit of a second returns
    first on the slowest machine, and a call without a limit never does.
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
