"""How web processes search: through the tasks, wherever those run.

With ``USE_CELERY`` a search worker does the work, and the web process holds neither model nor
index. Without it the same task is called right here.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from collections.abc import Mapping
from typing import Any

import celery.exceptions
import kombu.exceptions
from celery import Task
from django.core.exceptions import ValidationError
from django.utils import timezone
from django.utils.translation import get_language
from redis.exceptions import RedisError

from . import conf, exceptions, index_files, tasks
from .exceptions import BackendUnavailable, SearchTimeout, VisualSearchError
from .models import Run
from .photos import Crop, open_photo
from .searching import Prediction, SearchResult

JPEG_QUALITY = 95

# What a broker or a result backend that is down raises, once retries are off.
BROKER_ERRORS = (kombu.exceptions.OperationalError, RedisError, OSError, RuntimeError)


def search(
    data: bytes,
    *,
    crop: Crop | None = None,
    limit: int = 12,
    filters: Mapping[str, Any] | None = None,
    version: int | None = None,
) -> SearchResult:
    """Search by the bytes of a photo; see :func:`visualsearch.searching.search`.

    Raises any VisualSearchError, or ValidationError for a filter's value.
    """
    photo, crop = to_send(data, crop)
    options = {"limit": limit, "filters": dict(filters or {}), "version": version}
    return SearchResult.from_dict(call(tasks.search_photo, photo, crop=crop, **options))


def page(
    query_id: str, *, limit: int = 12, offset: int = 0, filters: Mapping[str, Any] | None = None
) -> SearchResult:
    """More of an earlier search; see :func:`visualsearch.searching.page`."""
    answer = call(
        tasks.search_page, query_id, limit=limit, offset=offset, filters=dict(filters or {})
    )
    return SearchResult.from_dict(answer)


def similar(item: str, *, limit: int = 12) -> SearchResult:
    """What looks like an item; see :func:`visualsearch.searching.similar`."""
    return SearchResult.from_dict(call(tasks.search_similar, item, limit=limit))


def classify(data: bytes, *, crop: Crop | None = None) -> list[Prediction]:
    """The classes of a photo, most probable first."""
    photo, crop = to_send(data, crop)
    answer = call(tasks.classify, photo, crop=crop)
    return [Prediction(**each) for each in answer["predictions"]]


def to_send(data: bytes, crop: Crop | None) -> tuple[bytes, Crop | None]:
    """What goes into the task: the photo itself, or for another process a small upright JPEG.

    Checked here, so that what is no photo never reaches a worker.
    """
    if not conf.get("USE_CELERY"):
        return data, crop
    small = io.BytesIO()
    image = open_photo(data, limits=conf.limits(), crop=crop).image
    image.save(small, "JPEG", quality=JPEG_QUALITY, subsampling=0)
    return small.getvalue(), None


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
    if not conf.get("USE_CELERY"):
        task.apply(args=args, throw=False)  # as from a worker: what goes wrong is logged
        return
    try:
        task.apply_async(args=args, ignore_result=True)
    except BROKER_ERRORS as error:
        raise BackendUnavailable from error


def call(task: Task, *args: Any, **kwargs: Any) -> dict[str, Any]:
    """Run a task and wait for its answer; raises what it refused with, or why there is none."""
    kwargs["language"] = get_language() or "en"
    answer = ask_worker(task, args, kwargs) if conf.get("USE_CELERY") else task(*args, **kwargs)
    if "refused" in answer:
        raise refusal(answer)
    return answer


def ask_worker(task: Task, args: tuple[Any, ...], kwargs: dict[str, Any]) -> dict[str, Any]:
    """Send a task and wait; raises SearchTimeout or BackendUnavailable."""
    timeout = conf.get("SEARCH_TIMEOUT")
    try:
        sent = task.apply_async(args=args, kwargs=kwargs, expires=timeout)
        answer: dict[str, Any] = sent.get(timeout=timeout, disable_sync_subtasks=False)
    except celery.exceptions.TimeoutError as error:
        raise SearchTimeout from error
    except celery.exceptions.WorkerLostError as error:
        raise BackendUnavailable from error  # its process was killed, and another one starts
    except BROKER_ERRORS as error:
        raise BackendUnavailable from error
    return answer


def refusal(answer: dict[str, Any]) -> Exception:
    """The exception that a task's refusal stands for."""
    if answer["refused"] == "invalid":
        return ValidationError(answer["messages"])
    return by_code()[answer["refused"]](**answer["params"])


def by_code() -> dict[str, type[VisualSearchError]]:
    """All refusals by their code."""
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    return {kind.code: kind for kind in kinds if issubclass(kind, VisualSearchError)}
