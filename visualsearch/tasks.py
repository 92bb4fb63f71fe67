"""The Celery tasks: thin, and safe to run twice."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from celery import Task, shared_task
from celery.signals import worker_ready
from django.core.cache import cache
from django.db import DatabaseError, OperationalError, connections
from django.db.models import Min
from django.utils import timezone

from . import conf, indexing, runs
from . import worker as worker  # its signals belong to the process that has these tasks
from .models import Embedding, Run

# Seconds between attempts while the database is away, and how many: an hour.
DATABASE_WAIT, DATABASE_ATTEMPTS = 5, 720
# Seconds until a planned attempt at most.
LONGEST_WAIT = 900.0
RETRY_PLANNED = "visualsearch-retry-planned"


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
    """Bring these items' embeddings up to date, and those whose next attempt has come."""
    counts = indexing.refresh([*keys, *indexing.due_for_retry()])
    retry_later()
    return dict(counts)


@shared_task(name="visualsearch.index_retry", base=IndexTask)
def index_retry() -> None:
    """Try again what could not be read, where its time has come."""
    cache.delete(RETRY_PLANNED)
    indexing.refresh(indexing.due_for_retry())
    retry_later()


def retry_later() -> None:
    """Plan the next attempt at files that could not be read, once for all of them.

    Without workers there is nobody to wait: then the next change of any product tries again.
    """
    if not conf.get("USE_CELERY"):
        return
    waiting = Embedding.objects.filter(removed=False, retry_at__isnull=False)
    first = waiting.aggregate(first=Min("retry_at"))["first"]
    if first is not None:
        # Sooner than a broker gives a waiting task to another worker.
        seconds = min(max(1.0, (first - timezone.now()).total_seconds()), LONGEST_WAIT)
        if cache.add(RETRY_PLANNED, True, timeout=seconds):
            index_retry.apply_async(countdown=seconds, ignore_result=True)


@shared_task(name="visualsearch.index_run", base=IndexTask, bind=True)
def index_run(self: Task[Any, Any], run_id: int) -> str:
    """Do a run that was asked for; one that another process works on, or that ended, is left."""
    run = Run.objects.get(pk=run_id)
    try:
        runs.execute(run)
    except runs.Taken:
        run.refresh_from_db()
    except OperationalError as error:
        # The database is away. The run is where it was; somebody must go on with it.
        if self.request.is_eager:
            raise  # nobody would wait between the attempts
        raise self.retry(
            exc=error, countdown=DATABASE_WAIT, max_retries=DATABASE_ATTEMPTS
        ) from error
    retry_later()
    return run.state


@worker_ready.connect
def go_on_with_open_run(**kwargs: object) -> None:
    """A machine that went down took its worker and the run with it: the next worker has it.

    Not at once: whether a process of another machine is dead shows by its silence.
    """
    with suppress(DatabaseError):
        run = Run.objects.filter(open=True, state=Run.State.RUNNING).first()
        if run is not None:
            wait = 0 if run.is_dead else conf.get("RUN_TIMEOUT") + 1
            index_run.apply_async(args=(run.pk,), countdown=wait, ignore_result=True)
    connections.close_all()
