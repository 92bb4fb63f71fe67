"""The jobs that a search process can run, by name.

Errors are returned as values, because an exception does not keep its code between processes.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import wraps
from typing import Any

from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, connections
from django.utils import translation

from ..exceptions import BackendUnavailable, VisualSearchError
from ..photos.decode import Photo
from ..search import by_photo, encode_photo, later_pages, similar_items
from ..search.callers import Caller
from ..search.results import Stopwatch
from ..signals import searched

logger = logging.getLogger(__name__)

Answer = dict[str, Any]
JOBS: dict[str, Callable[..., Answer]] = {}


def job(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Register a function as a job under its name; a decorator.

    The job takes one more argument, ``language``: the language code of its messages. An error is
    returned as a dict: ``refused`` (its code) and ``params``, or for a ValidationError ``refused``
    ("invalid") and ``messages``. Database and memory errors get the code of BackendUnavailable.
    """

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
                # The database is down or memory is exhausted: not the client's fault.
                logger.exception("%s was not done", function.__name__)
                return {"refused": BackendUnavailable.code, "params": {}}

    JOBS[function.__name__] = run
    return run


def twice(function: Callable[..., Answer], kwargs: dict[str, Any]) -> Answer:
    """Call the function; close broken database connections and retry once if the database failed.

    Testing the connection before each search would cost a round trip each time. Raises the
    database's error if no connection is broken or the retry fails.
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
    """Send the signal ``searched`` if ``answer`` is a search result.

    Call it after the answer was sent to the client, who must not wait for the receivers.
    """
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
    """Search with a photo; ``stages``: milliseconds spent so far (decoding, waiting), by stage.

    The other arguments and the result: see :func:`visualsearch.search.by_photo.search`.
    """
    options: dict[str, Any] = {"limit": limit, "filters": filters, "version": version}
    options |= {"query_id": query_id, "caller": Caller(**(caller or {}))}
    return by_photo.search(photo, watch=Stopwatch(stages), **options).as_dict()


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
    """Return another page of a stored search; see :func:`visualsearch.search.later_pages.page`."""
    options: dict[str, Any] = {"limit": limit, "offset": offset, "filters": filters}
    options |= {"ordering": ordering, "with_facets": with_facets, "storefront": storefront}
    options["crop"] = tuple(crop) if crop else None
    return later_pages.page(query_id, **options).as_dict()


@job
def similar(*, item: str, limit: int) -> Answer:
    """Return the items that look most like an item; see :mod:`.search.similar_items`."""
    return similar_items.similar(item, limit=limit).as_dict()


@job
def classify(*, photo: Photo, stages: dict[str, float]) -> Answer:
    """Return the classes of a photo, best first.

    The answer is ``{"predictions": [{"label": …, "probability": …}, …]}``. ``stages``: milliseconds
    spent so far, by stage; not used, but sent with every photo.
    """
    return {"predictions": [vars(each) for each in encode_photo.classify(photo)]}
