"""Count items and groups of items; no request waits for the count of a large catalog."""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import dataclass, field

from django.db import Error, connections

from ..catalogs import current_catalog_name
from ..models import Embedding

logger = logging.getLogger(__name__)

# Catalogs up to this size are counted at once, larger ones in the background.
COUNTED_AT_ONCE = 10_000
# Pause after a count in the background: so many seconds, and so many times its duration.
PAUSE, REST = 10.0, 50


@dataclass
class Count:
    """The last count of a catalog's items, and when the next may begin, by time.monotonic.

    ``waiting``: functions to call with the next count; a thread counts if there are any.
    """

    items: int
    next: float = 0.0
    waiting: list[Callable[[int], object]] = field(default_factory=list)


_counts: dict[tuple[str, str], Count] = {}
_lock = threading.Lock()


def searchable_items(
    encoder: str, last: int, then: Callable[[int], object] = lambda items: None
) -> int:
    """Return the number of items with a searchable embedding of this encoder; see counted()."""
    return counted(encoder, last, lambda: count_items(encoder), then)


def counted(
    name: str,
    last: int,
    count: Callable[[], int],
    then: Callable[[int], object] = lambda found: None,
) -> int:
    """Return what ``count`` returns, or for a large catalog what it returned some time ago.

    ``name``: of what is counted in the current catalog. ``last``: an earlier count or an estimate.
    If it is large, it or a newer one is returned. ``then`` is called with the returned count, and
    later, in another thread, with the present one.
    """
    if last <= COUNTED_AT_ONCE:
        found = count()
        then(found)
        return found
    with _lock:
        known = _counts.setdefault((current_catalog_name(), name), Count(last))
        found, idle = known.items, not known.waiting
        then(found)  # before another thread can call it with a newer count
        known.waiting.append(then)
    if idle:
        # A new thread would not know the catalog.
        run = copy_context().run
        threading.Thread(
            target=run, args=(count_later, count, known), name="visualsearch-count", daemon=True
        ).start()
    return found


def count_later(count_now: Callable[[], int], count: Count) -> None:
    """Count until nobody waits, with pauses; an error leaves the last count."""
    while count.waiting:
        time.sleep(max(0.0, count.next - time.monotonic()))
        with _lock:
            told = list(count.waiting)
        start = time.monotonic()
        try:
            count.items = count_now()
        except Error:
            logger.warning("The items of the catalog could not be counted.", exc_info=True)
        finally:
            connections.close_all()
        count.next = time.monotonic() + max(PAUSE, REST * (time.monotonic() - start))
        for then in told:
            then(count.items)
        with _lock:
            del count.waiting[: len(told)]


def count_items(encoder: str) -> int:
    """Return the number of items with a searchable embedding of this encoder, counted now."""
    searchable = Embedding.objects.filter(encoder=encoder).searchable()
    return searchable.values("item").distinct().count()


def forget() -> None:
    """Forget all counts in a forked child, which has none of its parent's threads."""
    global _lock
    _lock = threading.Lock()
    _counts.clear()


os.register_at_fork(after_in_child=forget)
