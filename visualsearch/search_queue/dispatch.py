"""Carry out requests for web processes, in this process or in a search worker.

With the setting ``USE_CELERY`` a search worker does, and the web process loads neither model nor
index.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from celery import group
from django.utils.translation import get_language

from .. import broker, conf
from ..catalogs import current_catalog_name
from ..encoders.preprocess import InputSpec
from ..photos.crops import Crop
from ..photos.decode import Photo, open_photo
from ..search.cards import with_cards_for_request
from ..search.requests import ClassifyRequest, PageRequest, Request, SearchRequest, SimilarRequest
from ..search.results import Classification, SearchResult, Stopwatch
from ..serving import loaded_versions
from ..signals import job_posted
from . import jobs, redis_queue, tasks
from .admission import running_search
from .messages import Job, Reply, encode_request
from .photo_packing import pack

R = TypeVar("R")


@dataclass(frozen=True, kw_only=True)
class DecodedPhoto:
    """A photo, and the milliseconds spent on it so far by stage.

    ``spec``: input format of the model, None if it is unknown.
    """

    photo: Photo
    stages: dict[str, float]
    spec: InputSpec | None


def decode_photo(data: bytes, crop: Crop | None = None) -> DecodedPhoto:
    """Decode the bytes of an image file, or its part ``crop``.

    ``crop``: x, y, w, h in fractions of the upright photo. Call it inside
    :func:`.admission.running_search`. Raises PhotoError if the photo cannot be used; before
    decoding, Overloaded or BackendUnavailable if no worker would take the search.
    """
    away = conf.get("USE_CELERY")
    spec = redis_queue.worker_input() if away else loaded_versions.common_input_spec()
    limits = conf.limits(spec.size if spec else None)
    watch = Stopwatch()
    with watch.stage("decode"):
        photo = open_photo(data, limits=limits, crop=crop, budget=conf.decode_budget())
    return DecodedPhoto(photo=photo, stages=watch.stages, spec=spec)


def search(photo: DecodedPhoto, request: SearchRequest) -> SearchResult:
    """Search by photo; see :func:`visualsearch.search.by_photo.search`.

    Raises ServiceUnavailable if the search cannot run or takes too long, ValidationError for an
    invalid filter value.
    """
    return ask(request, photo)


def page(request: PageRequest) -> SearchResult:
    """Return another page of a search; see :func:`visualsearch.search.later_pages.later_page`."""
    return ask(request)


def similar(request: SimilarRequest) -> SearchResult:
    """Return the items most like an item; see :mod:`visualsearch.search.similar_items`."""
    return ask(request)


def classify(photo: DecodedPhoto) -> Classification:
    """Return the most probable classes of a photo.

    Raises ServiceUnavailable if the model cannot run now.
    """
    return ask(ClassifyRequest(), photo)


def ask(request: Request[R], photo: DecodedPhoto | None = None) -> R:
    """Carry out a request in this process or in a search worker, and return its result.

    Raises the error that the worker reported; Overloaded if too many searches run,
    BackendUnavailable if Redis is down or no worker is alive, SearchTimeout after
    ``SEARCH_TIMEOUT`` seconds.
    """
    with running_search():
        if conf.get("USE_CELERY"):
            if photo is None:
                redis_queue.worker_input()  # for a photo, decode() did this
            name, seconds = uuid.uuid4().hex, conf.get("SEARCH_TIMEOUT")
            redis_queue.post(job_of(request, photo, seconds), name)
            return result_of_worker(redis_queue.wait(name, request.kind, seconds))
        return result_of(reply_here(request, photo))


def reply_here(request: Request[R], photo: DecodedPhoto | None) -> Reply[R]:
    """Carry out a request in this process."""
    reply = jobs.reply_to(
        request,
        photo.photo if photo else None,
        stages=photo.stages if photo else None,
        language=get_language() or "en",
    )
    jobs.send_searched(request.kind, reply)
    return reply


def result_of(reply: Reply[R]) -> R:
    """Return the result in a reply; raise the error of a failure."""
    if reply.failure:
        raise reply.failure.error()
    assert reply.result is not None
    return reply.result


def result_of_worker(reply: Reply[R]) -> R:
    """Return the result in a worker's reply, with cards for the request that is being answered."""
    result: Any = result_of(reply)
    if isinstance(result, SearchResult):
        result = with_cards_for_request(result)
    return result


def search_many(photos: Sequence[DecodedPhoto], request: SearchRequest) -> list[SearchResult]:
    """Search by each of several photos, with ``USE_CELERY`` at the same time in all workers.

    Raises as :func:`search` does if any of the searches fails; each may take ``SEARCH_TIMEOUT``.
    """
    with running_search():
        if not (photos and conf.get("USE_CELERY")):
            return [result_of(reply_here(request, photo)) for photo in photos]
        seconds = conf.get("SEARCH_TIMEOUT") * len(photos)
        names = [uuid.uuid4().hex for _ in photos]
        for name, photo in zip(names, photos, strict=True):
            redis_queue.store(job_of(request, photo, seconds), name)
        broker.publish(group(tasks.search.s(name) for name in names).apply_async)
        replies = [redis_queue.wait(name, request.kind, seconds) for name in names]
        return [result_of_worker(reply) for reply in replies]


def search_later(photo: DecodedPhoto, request: SearchRequest) -> str | None:
    """Send a search as a Celery task; return its query id, None if ``USE_CELERY`` is off.

    Poll :func:`is_pending` with the id, then call :func:`page` for the result. Raises Overloaded if
    too many searches wait, BackendUnavailable without a search worker.
    """
    if not conf.get("USE_CELERY"):
        return None
    query_id = str(uuid.uuid4())
    name = job_name(query_id, request.caller.storefront)
    seconds = conf.get("ASYNC_TIMEOUT")
    job = job_of(replace(request, query_id=query_id), photo, seconds)
    redis_queue.store_for_later(job, name)
    broker.enqueue(tasks.search, name)
    return query_id


def is_pending(query_id: str, *, storefront: int | None = None) -> bool:
    """Return whether a search from :func:`search_later` is still waiting or running.

    False if it is done, unknown, or of another storefront. Raises the error with which the search
    failed, BackendUnavailable if Redis is down or no living worker can finish the search.
    """
    return conf.get("USE_CELERY") and redis_queue.is_pending(job_name(query_id, storefront))


def job_name(query_id: str, storefront: int | None) -> str:
    """Return the job id of a search that nobody waits for.

    It contains the storefront's id, so that other storefronts cannot poll the search.
    """
    return query_id if storefront is None else f"{query_id}-{storefront}"


def job_of(request: Request[Any], photo: DecodedPhoto | None, seconds: float) -> Job:
    """Return the job that asks a worker to carry out a request in the active language.

    ``seconds``: time until the job expires. Sends the signal ``job_posted``, whose receivers may
    add values to the job's ``context``.
    """
    context: dict[str, Any] = {}
    job_posted.send_robust(sender=None, context=context)
    return Job(
        kind=request.kind,
        request=encode_request(request),
        photo=pack(photo.photo, photo.spec) if photo else None,
        stages=photo.stages if photo else {},
        language=get_language() or "en",
        catalog=current_catalog_name(),
        seconds=seconds,
        context=context,
    )
