"""Run searches for web processes, in this process or in a search worker.

With the setting ``USE_CELERY`` a search worker runs them, and the web process loads neither model
nor index. Without the setting, this process runs the same jobs.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ValidationError
from django.utils.translation import get_language

from .. import conf, exceptions
from ..encoders.preprocess import InputSpec
from ..exceptions import VisualSearchError
from ..photos.crops import Crop
from ..photos.decode import Photo, open_photo
from ..search.callers import NOBODY, Caller
from ..search.results import Prediction, SearchResult, Stopwatch
from ..signals import job_posted
from . import jobs, redis_queue
from .admission import place
from .photo_packing import pack


def search(
    data: bytes,
    *,
    crop: Crop | None = None,
    limit: int = 12,
    filters: Mapping[str, Any] | None = None,
    version: int | None = None,
    caller: Caller = NOBODY,
) -> SearchResult:
    """Search by the bytes of an image file; see :func:`visualsearch.search.by_photo.search`.

    ``crop``: x, y, w, h in fractions of the upright photo. Raises PhotoError for an unusable photo,
    ServiceUnavailable if the search cannot run or takes too long, ValidationError for an invalid
    filter value.
    """
    options = {"limit": limit, "filters": dict(filters or {}), "version": version}
    options["caller"] = asdict(caller)
    return SearchResult.from_dict(ask("search", data, crop, **options))


def search_later(
    data: bytes,
    *,
    crop: Crop | None = None,
    filters: Mapping[str, Any] | None = None,
    caller: Caller = NOBODY,
) -> str | None:
    """Queue a search and return its query id; return None if ``USE_CELERY`` is off.

    Poll :func:`is_pending` with the id, then call :func:`page` for the result. Raises PhotoError
    for an unusable photo, Overloaded if too many searches wait, BackendUnavailable without a search
    worker.
    """
    if not conf.get("USE_CELERY"):
        return None
    query_id = str(uuid.uuid4())
    seconds = conf.get("ASYNC_TIMEOUT")
    options = {"limit": 12, "filters": dict(filters or {}), "query_id": query_id}
    options["caller"] = asdict(caller)
    with place():
        arguments = prepared(data, crop, redis_queue.admit()) | options
        name = job_name(query_id, caller.storefront)
        redis_queue.post(job_of("search", arguments, seconds), seconds, name)
    return query_id


def is_pending(query_id: str, *, storefront: int | None = None) -> bool:
    """Return whether a search from :func:`search_later` is still waiting or running.

    False if it is done, unknown, or of another storefront. Raises the error with which the search
    failed, BackendUnavailable if Redis is down or no living worker can finish the search.
    """
    found = redis_queue.look(job_name(query_id, storefront)) if conf.get("USE_CELERY") else None
    if found and "refused" in found:
        raise refusal(found)
    return found == {}


def job_name(query_id: str, storefront: int | None) -> str:
    """Return the job id of a queued search.

    It contains the storefront's id, so that other storefronts cannot poll the search.
    """
    return query_id if storefront is None else f"{query_id}-{storefront}"


def page(
    query_id: str,
    *,
    limit: int = 12,
    offset: int = 0,
    filters: Mapping[str, Any] | None = None,
    ordering: str = "",
    with_facets: bool = False,
    crop: Crop | None = None,
    storefront: int | None = None,
) -> SearchResult:
    """Return another page of a search; see :func:`visualsearch.search.later_pages.page`."""
    options: dict[str, Any] = {"limit": limit, "offset": offset, "filters": dict(filters or {})}
    options |= {"ordering": ordering, "with_facets": with_facets, "crop": crop}
    options["storefront"] = storefront
    return SearchResult.from_dict(ask("page", query_id=query_id, **options))


def similar(item: str, *, limit: int = 12) -> SearchResult:
    """Return the items that look most like an item; see :mod:`.search.similar_items`."""
    return SearchResult.from_dict(ask("similar", item=item, limit=limit))


def classify(data: bytes, *, crop: Crop | None = None) -> list[Prediction]:
    """Return the most probable classes of a photo, best first; ``data``: the image file.

    Raises PhotoError for an unusable photo, ServiceUnavailable if the model cannot run now.
    """
    return [Prediction(**each) for each in ask("classify", data, crop)["predictions"]]


def ask(
    what: str, data: bytes | None = None, crop: Crop | None = None, /, **arguments: Any
) -> dict[str, Any]:
    """Run a job in this process or in a search worker; return its result as JSON values.

    ``what``: name of the job in :data:`visualsearch.search_queue.jobs.JOBS`; ``arguments``: the
    job's. ``data`` and ``crop``: image file and crop, if the job needs a photo. If the job failed,
    raises the error that it reported. Raises Overloaded if too many searches run,
    BackendUnavailable if Redis is down or no worker is alive, SearchTimeout after
    ``SEARCH_TIMEOUT`` seconds, PhotoError for an unusable photo.
    """
    with place():
        if conf.get("USE_CELERY"):
            spec = redis_queue.admit()
            if data is not None:
                arguments |= prepared(data, crop, spec)
            seconds = conf.get("SEARCH_TIMEOUT")
            job = redis_queue.post(job_of(what, arguments, seconds), seconds)
            answer = redis_queue.wait(job, seconds)
        else:
            if data is not None:
                photo, stages = opened(data, crop)
                arguments |= {"photo": photo, "stages": stages}
            answer = jobs.JOBS[what](language=get_language() or "en", **arguments)
            jobs.report(what, answer)
    if "refused" in answer:
        raise refusal(answer)
    return answer


def opened(data: bytes, crop: Crop | None) -> tuple[Photo, dict[str, float]]:
    """Decode a photo, or its part ``crop``; return it and the milliseconds of each stage.

    Raises PhotoError if the photo cannot be used.
    """
    watch = Stopwatch()
    with watch.stage("decode"):
        photo = open_photo(data, limits=conf.limits(), crop=crop)
    return photo, watch.stages


def prepared(data: bytes, crop: Crop | None, spec: InputSpec | None) -> dict[str, Any]:
    """Decode a photo; return a dict of the job arguments ``photo`` and ``stages``.

    ``photo``: packed for a worker; ``stages``: milliseconds by stage. ``spec``: input format of the
    workers' model, None if unknown. Raises PhotoError for an unusable photo.
    """
    photo, stages = opened(data, crop)
    return {"photo": pack(photo, spec), "stages": stages}


def job_of(what: str, arguments: dict[str, Any], seconds: float) -> redis_queue.Job:
    """Return the message that asks a worker to run the job named ``what`` in the active language.

    ``seconds``: time until the job expires. Sends the signal ``job_posted``, whose receivers may
    add values to the message's ``context``.
    """
    language, context = get_language() or "en", dict[str, Any]()
    job_posted.send_robust(sender=None, context=context)
    return {
        "what": what,
        "arguments": {"language": language, **arguments},
        "seconds": seconds,
        "context": context,
    }


def refusal(answer: dict[str, Any]) -> Exception:
    """Return the exception that a failed job's answer describes, to be raised by the caller.

    ``refused`` in the answer is "invalid" for a ValidationError, else the code of a
    VisualSearchError.
    """
    if answer["refused"] == "invalid":
        return ValidationError(answer["messages"])
    return by_code()[answer["refused"]](**answer["params"])


def by_code() -> dict[str, type[VisualSearchError]]:
    """Return all classes of VisualSearchError, by their ``code``."""
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    return {kind.code: kind for kind in kinds if issubclass(kind, VisualSearchError)}
