"""What a search process can be asked for, by name.

Refusals are answered as values, because an exception does not keep its code between processes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, connections
from django.utils import translation

from . import looking, searching
from .callers import Caller
from .exceptions import BackendUnavailable, VisualSearchError
from .photos import Photo
from .results import Stopwatch
from .signals import searched

logger = logging.getLogger(__name__)

Answer = dict[str, Any]
JOBS: dict[str, Callable[..., Answer]] = {}


def job(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Speak the customer's language, and turn a refusal into ``{"refused": code, …}``."""

    @wraps(function)
    def run(*, language: str = "en", **kwargs: Any) -> Answer:
        with translation.override(language):
            try:
                return twice(function, kwargs)
            except VisualSearchError as error:
                return {"refused": error.code, "params": error.params}
            except ValidationError as error:
                return {"refused": "invalid", "messages": error.message_dict}
            except (OperationalError, InterfaceError, MemoryError):
                # The database is away, or memory at its end: nobody's fault who asked.
                logger.exception("%s was not done", function.__name__)
                return {"refused": BackendUnavailable.code, "params": {}}

    JOBS[function.__name__] = run
    return run


def twice(function: Callable[..., Answer], kwargs: dict[str, Any]) -> Answer:
    """Call again where a connection turns out to be one that the database closed, by a restart.

    To ask before each search whether it still works would cost each of them a round trip.
    """
    try:
        return function(**kwargs)
    except (OperationalError, InterfaceError):
        broken = [
            each
            for each in connections.all(initialized_only=True)
            if not (each.in_atomic_block or each.is_usable())
        ]
        if not broken:
            raise
    for each in broken:
        each.close()
    return function(**kwargs)


def report(what: str, answer: Answer) -> None:
    """Say that a search was done; call it once the answer is on its way."""
    if "took_ms" in answer:
        names = ("took_ms", "matched", "model", "index_version")
        searched.send_robust(sender=None, what=what, **{name: answer[name] for name in names})


@job
def search(
    *,
    photo: Photo,
    stages: dict[str, float],
    limit: int,
    filters: dict[str, str],
    version: int | None = None,
    query_id: str | None = None,
    caller: dict[str, Any] | None = None,
) -> Answer:
    """Search by a photo; ``stages``: milliseconds that were spent on it before."""
    options: dict[str, Any] = {"limit": limit, "filters": filters, "version": version}
    options |= {"query_id": query_id, "caller": Caller(**(caller or {}))}
    return searching.search(photo, watch=Stopwatch(stages), **options).as_dict()


@job
def page(
    *,
    query_id: str,
    limit: int,
    offset: int,
    filters: dict[str, str],
    ordering: str = "",
    with_facets: bool = False,
    crop: Sequence[float] | None = None,
    storefront: int | None = None,
) -> Answer:
    """Go on with an earlier search."""
    options: dict[str, Any] = {"limit": limit, "offset": offset, "filters": filters}
    options |= {"ordering": ordering, "with_facets": with_facets, "storefront": storefront}
    options["crop"] = tuple(crop) if crop else None
    return searching.page(query_id, **options).as_dict()


@job
def similar(*, item: str, limit: int) -> Answer:
    """Find what looks like an item."""
    return searching.similar(item, limit=limit).as_dict()


@job
def classify(*, photo: Photo, stages: dict[str, float]) -> Answer:
    """The classes of a photo."""
    return {"predictions": [vars(each) for each in looking.classify(photo)]}
