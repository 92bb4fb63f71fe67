"""Run searches for web processes, in this process or in a search worker.

With ``USE_CELERY`` a search worker does the work, and the web process loads neither model nor
index. Without it, this process does the same job.
"""

from __future__ import annotations

import contextvars
import os
import subprocess
import sys
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import kombu.exceptions
from celery import Task
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import get_language
from redis.exceptions import RedisError

from . import conf, exceptions, index_files, jobs, relay, tasks
from .callers import NOBODY, Caller
from .encoders.preprocess import InputSpec
from .exceptions import BackendUnavailable, Overloaded, VisualSearchError
from .models import Run
from .photos import Crop, Photo, open_photo
from .results import Prediction, SearchResult, Stopwatch
from .signals import job_posted
from .small import pack

# Raised by a broker that is down, with retries off.
BROKER_ERRORS = (kombu.exceptions.OperationalError, RedisError, OSError, RuntimeError)

# Seconds. A failure this quick is a closed connection, which is worth one retry.
AT_ONCE = 0.5


def search(
    data: bytes,
    *,
    crop: Crop | None = None,
    limit: int = 12,
    filters: Mapping[str, Any] | None = None,
    version: int | None = None,
    caller: Caller = NOBODY,
) -> SearchResult:
    """Search by the bytes of a photo; see :func:`visualsearch.searching.search`.

    Raises any VisualSearchError, or ValidationError for a filter's value.
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
    """Queue a search and return the id of its query, or None without workers.

    :func:`is_pending` says whether it is done, and :func:`page` returns its result. Raises the
    errors of :func:`search` that can be known before the search runs.
    """
    if not conf.get("USE_CELERY"):
        return None
    query_id = str(uuid.uuid4())
    seconds = conf.get("ASYNC_TIMEOUT")
    options = {"limit": 12, "filters": dict(filters or {}), "query_id": query_id}
    options["caller"] = asdict(caller)
    with place():
        arguments = prepared(data, crop, relay.admit()) | options
        name = job_name(query_id, caller.storefront)
        relay.post(job_of("search", arguments, seconds), seconds, name)
    return query_id


def is_pending(query_id: str, *, storefront: int | None = None) -> bool:
    """Return whether a search from :func:`search_later` is still to come; raise its refusal.

    False for an unknown search, and for one of another storefront.
    """
    found = relay.look(job_name(query_id, storefront)) if conf.get("USE_CELERY") else None
    if found and "refused" in found:
        raise refusal(found)
    return found == {}


def job_name(query_id: str, storefront: int | None) -> str:
    """Return the relay name of a search; including the storefront keeps others from polling it."""
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
    """Return another page of an earlier search; see :func:`visualsearch.searching.page`."""
    options: dict[str, Any] = {"limit": limit, "offset": offset, "filters": dict(filters or {})}
    options |= {"ordering": ordering, "with_facets": with_facets, "crop": crop}
    options["storefront"] = storefront
    return SearchResult.from_dict(ask("page", query_id=query_id, **options))


def similar(item: str, *, limit: int = 12) -> SearchResult:
    """Return items that look like an item; see :func:`visualsearch.searching.similar`."""
    return SearchResult.from_dict(ask("similar", item=item, limit=limit))


def classify(data: bytes, *, crop: Crop | None = None) -> list[Prediction]:
    """Return the classes of a photo, most probable first."""
    return [Prediction(**each) for each in ask("classify", data, crop)["predictions"]]


def ask(
    what: str, data: bytes | None = None, crop: Crop | None = None, /, **arguments: Any
) -> dict[str, Any]:
    """Run a job, here or in a worker, and return its answer.

    Raises the job's own refusal, or BackendUnavailable, Overloaded or SearchTimeout.
    """
    with place():
        if conf.get("USE_CELERY"):
            spec = relay.admit()
            if data is not None:
                arguments |= prepared(data, crop, spec)
            seconds = conf.get("SEARCH_TIMEOUT")
            job = relay.post(job_of(what, arguments, seconds), seconds)
            answer = relay.wait(job, seconds)
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
    """Return the decoded photo, and the milliseconds spent by stage."""
    watch = Stopwatch()
    with watch.stage("decode"):
        photo = open_photo(data, limits=conf.limits(), crop=crop)
    return photo, watch.stages


def prepared(data: bytes, crop: Crop | None, spec: InputSpec | None) -> dict[str, Any]:
    """Decode a photo and pack it for a worker; an invalid photo is refused here."""
    photo, stages = opened(data, crop)
    return {"photo": pack(photo, spec), "stages": stages}


def job_of(what: str, arguments: dict[str, Any], seconds: float) -> relay.Job:
    """Return a job for the relay, in the active language."""
    language, context = get_language() or "en", dict[str, Any]()
    job_posted.send_robust(sender=None, context=context)
    return {
        "what": what,
        "arguments": {"language": language, **arguments},
        "seconds": seconds,
        "context": context,
    }


_busy = 0
_counting = threading.Lock()


@contextmanager
def place() -> Iterator[None]:
    """Occupy a search slot of this process in the block; raise Overloaded if all are taken."""
    global _busy
    with _counting:
        admit()
        _busy += 1
    try:
        yield
    finally:
        with _counting:
            _busy -= 1


def check() -> None:
    """Raise BackendUnavailable or Overloaded if a search would be refused now."""
    admit()
    if conf.get("USE_CELERY"):
        relay.admit()


def admit() -> None:
    """Raise Overloaded if this process is running ``MAX_QUEUE`` searches."""
    if _busy >= conf.get("MAX_QUEUE"):
        raise Overloaded


def refresh(keys: list[str]) -> None:
    """Reindex the images of these items, in a worker with Celery; raise BackendUnavailable."""
    enqueue(tasks.index_items, keys)


def start(run: Run) -> None:
    """Hand a run to the index worker; raise BackendUnavailable.

    Without Celery the run gets a background process, to keep the web process free. With
    ``RUN_IN_BACKGROUND`` off, it is done before this returns, and an error is stored in the run.
    """
    if not conf.get("USE_CELERY") and conf.get("RUN_IN_BACKGROUND"):
        start_process(run)
        return
    try:
        enqueue(tasks.index_run, run.pk)
    except BackendUnavailable as error:
        # The run never reached the queue, so no worker will take it.
        run.state, run.error, run.finished = Run.State.FAILED, str(error), timezone.now()
        run.open = None
        run.save()
        raise


def start_process(run: Run) -> None:
    """Continue a run in a process that outlives the request and this process.

    Its output is appended to ``runs.log`` beside the index files.
    """
    path = os.pathsep.join(entry for entry in sys.path if entry)
    with (index_files.folder() / "runs.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "django", "visualsearch_index", "--run", str(run.pk)],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def enqueue(task: Task, *args: Any) -> None:
    """Send a task and ignore its result; without Celery, run it here."""
    if conf.get("USE_CELERY"):
        publish(task, *args)
    else:
        # As in a worker: errors are logged, and context variables that the task sets (through a
        # logging library, say) do not leak into the request.
        contextvars.copy_context().run(task.apply, args=args, throw=False)


def publish(task: Task, *args: Any) -> None:
    """Send a task to its queue; raise BackendUnavailable.

    A connection that the broker closed by restarting fails only when used, so a quick failure is
    retried once.
    """
    start = time.monotonic()
    for last in (False, True):
        try:
            task.apply_async(args=args, ignore_result=True)
            return
        except BROKER_ERRORS as error:
            if last or time.monotonic() - start > AT_ONCE:
                raise BackendUnavailable from error


def refusal(answer: dict[str, Any]) -> Exception:
    """Return the exception for a job's refusal."""
    if answer["refused"] == "invalid":
        return ValidationError(answer["messages"])
    return by_code()[answer["refused"]](**answer["params"])


def by_code() -> dict[str, type[VisualSearchError]]:
    """Return all exception classes by their code."""
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    return {kind.code: kind for kind in kinds if issubclass(kind, VisualSearchError)}
