"""Carry out requests and turn errors into values; run the jobs that web processes stored."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any, TypeVar

from django.core.exceptions import ValidationError
from django.db import InterfaceError, OperationalError, connections
from django.utils import translation

from ..catalogs import using_catalog
from ..exceptions import BackendUnavailable, VisualSearchError
from ..photos.decode import Photo
from ..search import by_photo, encode_photo, later_pages, query_log, similar_items
from ..search.cards import cards_made_later
from ..search.requests import (
    ClassifyRequest,
    EmbedRequest,
    PageRequest,
    Request,
    SearchRequest,
    SimilarRequest,
)
from ..search.results import SearchResult, Stopwatch
from ..signals import job_done, job_dropped, job_taken, searched
from . import redis_queue
from .messages import Failure, Reply, decode_request
from .photo_packing import unpack

logger = logging.getLogger(__name__)

R = TypeVar("R")


def reply_to(
    request: Request[R],
    photo: Photo | None = None,
    *,
    stages: dict[str, float] | None = None,
    language: str,
) -> Reply[R]:
    """Carry out a request, and return its result or its failure.

    ``photo``: the decoded photo, if the request needs one; ``stages``: milliseconds spent on it so
    far. ``language``: language code of error messages. Raises what is neither the client's fault
    nor an outage.
    """
    with translation.override(language):
        try:
            return Reply(
                result=retry_on_broken_connection(lambda: carry_out(request, photo, stages or {}))
            )
        except VisualSearchError as error:
            return Reply(failure=Failure(code=error.code, params=error.params))
        except ValidationError as error:
            return Reply(failure=Failure(code="invalid", messages=error.message_dict))
        except (OperationalError, InterfaceError, MemoryError):
            # The database is down or memory is exhausted: not the client's fault.
            logger.exception(
                "The database is down or memory is exhausted: %s failed.", request.kind
            )
            return Reply(failure=Failure(code=BackendUnavailable.code))


def carry_out(request: Request[R], photo: Photo | None, stages: dict[str, float]) -> R:
    """Return the result of a request; raises the errors of the function that carries it out."""
    result: Any
    match request:
        case SearchRequest() if photo:
            result = by_photo.search(photo, request, watch=Stopwatch(dict(stages)))
        case PageRequest():
            result = later_pages.later_page(request)
        case SimilarRequest():
            result = similar_items.find_similar(request)
        case ClassifyRequest() if photo:
            result = encode_photo.classify(photo)
        case EmbedRequest() if photo:
            result = encode_photo.embed(photo)
        case _:
            raise TypeError(f"{request} cannot be carried out")
    return result


def retry_on_broken_connection(work: Callable[[], R]) -> R:
    """Call ``work``; close broken database connections and retry once if the database failed.

    Testing the connection before each search would cost a round trip each time. Raises the
    database's error if no connection is broken or the retry fails.
    """
    try:
        return work()
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
    return work()


def copy_of_query(reply: Reply[Any]) -> tuple[str, bytes] | None:
    """Return key and value of a copy of the query behind a reply, until the query is stored."""
    result = reply.result
    return query_log.copy_of(result.query_id) if isinstance(result, SearchResult) else None


def send_searched(kind: str, reply: Reply[Any]) -> None:
    """Send the signal ``searched`` if a search succeeded.

    Call it after the reply was sent to the client, who must not wait for the receivers.
    """
    result = reply.result
    if isinstance(result, SearchResult):
        searched.send_robust(
            sender=None,
            what=kind,
            took_ms=result.took_ms,
            matched=result.matched,
            model=result.model,
            index_version=result.index_version,
        )


def run(name: str, worker: str) -> Failure | None:
    """Run the job with the id ``name`` and send its reply, unless the job has expired.

    ``worker``: name of this process's heartbeats. Returns why the job failed, None if it succeeded
    or has expired. An unexpected error is logged and sent as ``search_failed``. Raises RedisError
    if Redis is down.
    """
    job = redis_queue.take(name, worker)
    if job is None:
        logger.warning(
            "Job %s expired before a worker was free. Start more workers if this happens often.",
            name,
        )
        job_dropped.send_robust(sender=None)
        return None
    job_taken.send_robust(sender=None, what=job.kind, context=job.context)
    try:
        photo = unpack(job.photo) if job.photo else None
        stages = {**job.stages, "queue": job.waited}
        with using_catalog(job.catalog), cards_made_later():
            reply = reply_to(decode_request(job), photo, stages=stages, language=job.language)
    except Exception:
        logger.exception("Job %s failed.", name)
        reply = Reply(failure=Failure(code=VisualSearchError.code))
    try:
        redis_queue.reply(name, reply, copy_of_query(reply))
    except (TypeError, ValueError, OverflowError):
        logger.exception("Job %s failed: CatalogSource.card() must return JSON values.", name)
        reply = Reply(failure=Failure(code=VisualSearchError.code))
        redis_queue.reply(name, reply)
    send_searched(job.kind, reply)
    job_done.send_robust(sender=None, refused=reply.failure.code if reply.failure else "")
    return reply.failure
