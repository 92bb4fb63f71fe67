"""Admit photos to decoding only while their memory fits into what a process may use for it."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ..exceptions import Overloaded

# Files with the memory limit of a container: of control groups 2 and 1.
LIMITS = (Path("/sys/fs/cgroup/memory.max"), Path("/sys/fs/cgroup/memory/memory.limit_in_bytes"))
# Share of the container's memory that one process uses for decoding by default.
SHARE = 4


class DecodeBudget:
    """The memory of a process for decoding: ``capacity`` in bytes, ``wait`` in seconds."""

    def __init__(self, capacity: int, wait: float):
        self.capacity, self.wait = capacity, wait
        self.used = 0
        self.changed = threading.Condition()

    @contextmanager
    def admit(self, size: int) -> Iterator[None]:
        """Run the ``with`` block when ``size`` bytes are free.

        A photo that needs more than the capacity is decoded alone. Raises Overloaded if it cannot
        begin within :attr:`wait` seconds.
        """
        with self.changed:
            if not self.changed.wait_for(lambda: self.fits(size), self.wait):
                raise Overloaded
            self.used += size
        try:
            yield
        finally:
            with self.changed:
                self.used -= size
                self.changed.notify_all()

    def fits(self, size: int) -> bool:
        """Return whether ``size`` bytes are free, or no photo is being decoded."""
        return self.used == 0 or self.used + size <= self.capacity


def usual_capacity() -> int:
    """Return the default capacity of a process: a quarter of the memory of its container."""
    found = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    for path in LIMITS:
        try:
            found.append(int(path.read_text("ascii")))
        except (OSError, ValueError):  # no such group, or "max"
            continue
    return min(found) // SHARE
