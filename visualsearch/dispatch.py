"""How web processes search: they have jobs done, wherever that is.

With ``USE_CELERY`` a search worker does the work, and the web process holds neither model nor
index. Without it the same job is done right here.
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

# What a broker that is down raises, once retries are off.
BROKER_ERRORS = (kombu.exceptions.OperationalError, RedisError, OSError, RuntimeError)

# Seconds within which a refused connection is one that can be tried again.
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
    """Have a search done that nobody waits for; the id of its query, or None without workers.

    :func:`is_pending` tells whether :func:`page` has it already. Raises as :func:`search` does, as
    far as that is known before the search.
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
    """Whether a search that nobody waits for is still to be answered; raises what refused it.

    One of another storefront is none.
    """
    found = relay.look(job_name(query_id, storefront)) if conf.get("USE_CELERY") else None
    if found and "refused" in found:
        raise refusal(found)
    return found == {}


def job_name(query_id: str, storefront: int | None) -> str:
    """Under which a search lies that is asked for again: by its own storefront alone."""
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
    """More of an earlier search; see :func:`visualsearch.searching.page`."""
    options: dict[str, Any] = {"limit": limit, "offset": offset, "filters": dict(filters or {})}
    options |= {"ordering": ordering, "with_facets": with_facets, "crop": crop}
    options["storefront"] = storefront
    return SearchResult.from_dict(ask("page", query_id=query_id, **options))


def similar(item: str, *, limit: int = 12) -> SearchResult:
    """What looks like an item; see :func:`visualsearch.searching.similar`."""
    return SearchResult.from_dict(ask("similar", item=item, limit=limit))


def classify(data: bytes, *, crop: Crop | None = None) -> list[Prediction]:
    """The classes of a photo, most probable first."""
    return [Prediction(**each) for each in ask("classify", data, crop)["predictions"]]


def ask(
    what: str, data: bytes | None = None, crop: Crop | None = None, /, **arguments: Any
) -> dict[str, Any]:
    """Have a job done, here or by a worker; raises what it refused with, or why nobody does it."""
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
    """A photo, and the milliseconds that it took to open it."""
    watch = Stopwatch()
    with watch.stage("decode"):
        photo = open_photo(data, limits=conf.limits(), crop=crop)
    return photo, watch.stages


def prepared(data: bytes, crop: Crop | None, spec: InputSpec | None) -> dict[str, Any]:
    """A photo as a worker takes it. What is no photo is refused here and never reaches one."""
    photo, stages = opened(data, crop)
    return {"photo": pack(photo, spec), "stages": stages}


def job_of(what: str, arguments: dict[str, Any], seconds: float) -> relay.Job:
    """What a worker is asked for, in the language of who asks."""
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
    """One of the searches that this process has at a time; raises Overloaded when all are taken."""
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
    """Raise what a search would meet before it begins: BackendUnavailable or Overloaded."""
    admit()
    if conf.get("USE_CELERY"):
        relay.admit()


def admit() -> None:
    """Raise Overloaded while this process has as many searches as it may."""
    if _busy >= conf.get("MAX_QUEUE"):
        raise Overloaded


def refresh(keys: list[str]) -> None:
    """Ask for these items' images to be indexed again; raises BackendUnavailable."""
    enqueue(tasks.index_items, keys)


def start(run: Run) -> None:
    """Hand a run to the index worker; raises BackendUnavailable.

    Without workers it goes on in a process of its own, so that the one that serves pages is free;
    with ``RUN_IN_BACKGROUND`` off it is done on return, and what stopped it stands in the run.
    """
    if not conf.get("USE_CELERY") and conf.get("RUN_IN_BACKGROUND"):
        start_process(run)
        return
    try:
        enqueue(tasks.index_run, run.pk)
    except BackendUnavailable as error:
        # Nobody will ever take it from the queue.
        run.state, run.error, run.finished = Run.State.FAILED, str(error), timezone.now()
        run.open = None
        run.save()
        raise


def start_process(run: Run) -> None:
    """Go on with a run in a process that outlives the request, and this process.

    What it prints is in ``runs.log`` beside the index files.
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
    """Send a task whose answer nobody waits for."""
    if conf.get("USE_CELERY"):
        publish(task, *args)
    else:
        # As in a worker: what goes wrong is logged, and what is bound to the task's context (by a
        # logging library, say) is not bound to the request's.
        contextvars.copy_context().run(task.apply, args=args, throw=False)


def publish(task: Task, *args: Any) -> None:
    """Put a task into its queue; raises BackendUnavailable.

    A connection that the broker closed by its restart shows only when it is used: then once more.
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
    """The exception that a task's refusal stands for."""
    if answer["refused"] == "invalid":
        return ValidationError(answer["messages"])
    return by_code()[answer["refused"]](**answer["params"])


def by_code() -> dict[str, type[VisualSearchError]]:
    """All refusals by their code."""
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    return {kind.code: kind for kind in kinds if issubclass(kind, VisualSearchError)}
