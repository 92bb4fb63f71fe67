"""Read everything from the databases that are written to, related rows included."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.db import router

_active: ContextVar[bool] = ContextVar("reading the primary", default=False)


class PrimaryReads:
    """A database router that sends reads to the databases for writes, in :func:`primary_reads`."""

    def db_for_read(self, model: Any, **hints: Any) -> str | None:
        """Return the alias of the database for writes, None outside of the block."""
        return router.db_for_write(model, **hints) if _active.get() else None


@contextmanager
def primary_reads() -> Iterator[None]:
    """Read from the primary databases in the ``with`` block, also what a shop's code reads.

    A replica may lack the change because of which items are read.
    """
    routers = router.routers
    if routers and not isinstance(routers[0], PrimaryReads):
        routers.insert(0, PrimaryReads())
    before = _active.set(True)
    try:
        yield
    finally:
        _active.reset(before)
