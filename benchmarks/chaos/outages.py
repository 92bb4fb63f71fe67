"""The times at which a service may be away, stated before each disturbance."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

# Seconds after a service answers again in which requests may still be refused.
GRACE = 2.0


@dataclass(kw_only=True)
class Outage:
    """The time from ``start`` to ``end`` in which ``service`` may be away, by time.monotonic."""

    service: str
    start: float
    end: float | None = None


class Outages:
    """All stated outages of a run."""

    def __init__(self, grace: float = GRACE) -> None:
        self.grace = grace
        self.all: list[Outage] = []
        self.lock = threading.Lock()

    @contextmanager
    def stated(self, service: str) -> Iterator[None]:
        """State an outage of ``service`` during the block and ``grace`` seconds after it."""
        outage = Outage(service=service, start=time.monotonic())
        with self.lock:
            self.all.append(outage)
        try:
            yield
            time.sleep(self.grace)
        finally:
            outage.end = time.monotonic()

    def during(self, start: float, end: float) -> set[str]:
        """Return the services that may have been away at some time from ``start`` to ``end``."""
        with self.lock:
            return {
                one.service
                for one in self.all
                if one.start <= end and (one.end is None or one.end >= start)
            }
