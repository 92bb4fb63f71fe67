"""The Celery tasks: thin, safe to run twice, the same with and without a worker.

Search tasks answer refusals as values, because an exception does not keep its code on the way
through a result backend.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import wraps
from typing import Any

from celery import Task, shared_task
from django.core.exceptions import ValidationError
from django.utils import translation

from . import conf, indexing, searching
from .exceptions import VisualSearchError
from .models import Run
from .photos import Crop, open_photo

Answer = dict[str, Any]


def answered(function: Callable[..., Answer]) -> Callable[..., Answer]:
    """Turn a refusal into ``{"refused": code, …}`` and speak the customer's language."""

    @wraps(function)
    def run(*args: Any, language: str = "en", **kwargs: Any) -> Answer:
        with translation.override(language):
            try:
                return function(*args, **kwargs)
            except VisualSearchError as error:
                return {"refused": error.code, "params": error.params}
            except ValidationError as error:
                return {"refused": "invalid", "messages": error.message_dict}

    return run


@shared_task(name="visualsearch.search_photo", serializer="msgpack")
@answered
def search_photo(photo: bytes, *, crop: Crop | None, limit: int, filters: dict[str, str]) -> Answer:
    """Search by the bytes of a photo."""
    watch = searching.Stopwatch()
    with watch.stage("decode"):
        opened = open_photo(photo, limits=conf.limits(), crop=crop)
    return searching.search(opened, limit=limit, filters=filters, watch=watch).as_dict()


@shared_task(name="visualsearch.search_page", serializer="msgpack")
@answered
def search_page(query_id: str, *, limit: int, offset: int, filters: dict[str, str]) -> Answer:
    """Go on with an earlier search."""
    return searching.page(query_id, limit=limit, offset=offset, filters=filters).as_dict()


@shared_task(name="visualsearch.search_similar", serializer="msgpack")
@answered
def search_similar(item: str, *, limit: int) -> Answer:
    """Find what looks like an item."""
    return searching.similar(item, limit=limit).as_dict()


@shared_task(name="visualsearch.search_classify", serializer="msgpack")
@answered
def classify(photo: bytes, *, crop: Crop | None) -> Answer:
    """The classes of a photo."""
    opened = open_photo(photo, limits=conf.limits(), crop=crop)
    predictions = searching.classify(opened)
    return {"predictions": [vars(each) for each in predictions], "warnings": opened.warnings}


class IndexTask(Task[Any, Any]):
    """A process that is killed at work, out of memory say, leaves its task to the next one.

    Not for ever, in case the task itself is what kills it.
    """

    acks_late = True
    retry_on_worker_lost = True
    max_retries = 3
    default_retry_delay = 1  # seconds


@shared_task(name="visualsearch.index_items", base=IndexTask)
def index_items(keys: list[str]) -> dict[str, int]:
    """Bring these items' embeddings up to date."""
    return dict(indexing.refresh(keys))


@shared_task(name="visualsearch.index_run", base=IndexTask)
def index_run(run_id: int) -> str:
    """Do a run that was asked for; a finished one is not done again."""
    run = Run.objects.get(pk=run_id)
    if run.finished is None:
        indexing.execute(run)
    return run.state
