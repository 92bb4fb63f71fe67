"""The Celery tasks. They are thin, and safe to run twice."""

from __future__ import annotations

from contextlib import suppress

from celery import shared_task
from celery.signals import worker_ready
from django.core.cache import cache
from django.db import DatabaseError, OperationalError, connections
from django.db.models import Min
from django.utils import timezone

from .. import conf
from ..broker import CatalogTask, arguments_for_catalog, enqueue
from ..catalogs import catalog_names, current_catalog_name, using_catalog
from ..exceptions import IndexNotReady
from ..models import Embedding, Run
from . import embeddings, repair, retries, runs, unknown_keys

# Seconds between attempts while the database is down, and how many: an hour in all.
DATABASE_WAIT, DATABASE_ATTEMPTS = 5, 720
# Longest delay of a planned attempt, in seconds.
LONGEST_WAIT = 900.0


class IndexTask(CatalogTask):
    """A task that is retried if its process is killed, for example for lack of memory.

    At most ``max_retries`` times, in case the task itself kills the process.
    """

    acks_late = True
    retry_on_worker_lost = True
    max_retries = 3
    default_retry_delay = 1  # seconds


@shared_task(name="visualsearch.index_items", base=IndexTask)
def index_items(keys: list[str], given: list[str] | None = None) -> dict[str, int]:
    """Bring the embeddings of these items, and of items due for a retry, up to date.

    ``keys``: keys of the items; ``given``: those that the shop's own code named, which are reported
    if no item has them. Returns counts of images by outcome, as
    :func:`visualsearch.reindex.embeddings.refresh_items` does.
    """
    counts = embeddings.refresh_items([*keys, *retries.due_for_retry()])
    retry_later()
    unknown_keys.warn_of_unknown(given or [])
    return dict(counts)


@shared_task(name="visualsearch.index_retry", base=IndexTask)
def index_retry() -> None:
    """Retry the unreadable images whose next attempt is due."""
    cache.delete(retry_planned())
    embeddings.refresh_items(retries.due_for_retry())
    retry_later()


def retry_later() -> None:
    """Schedule a task for the next attempt at unreadable images, if one is planned.

    Without Celery nothing is scheduled; the next change of any product retries them.
    """
    if not conf.get("USE_CELERY"):
        return
    waiting = Embedding.objects.filter(removed=False, retry_at__isnull=False)
    first = waiting.aggregate(first=Min("retry_at"))["first"]
    if first is not None:
        # Less than a broker's visibility timeout, after which it would deliver the task again.
        seconds = min(max(1.0, (first - timezone.now()).total_seconds()), LONGEST_WAIT)
        if cache.add(retry_planned(), True, timeout=seconds):
            index_retry.apply_async(
                kwargs=arguments_for_catalog(), countdown=seconds, ignore_result=True
            )


def retry_planned() -> str:
    """Return the key in the cache that exists while a task is scheduled."""
    return f"visualsearch-retry-planned:{current_catalog_name()}"


@shared_task(name="visualsearch.index_run", base=IndexTask, bind=True)
def index_run(self: IndexTask, run_id: int) -> str:
    """Execute a run and return its state; do nothing if it is closed or has another process.

    ``run_id``: primary key of the Run. While the database is down, the task is retried.
    """
    run = Run.objects.get(pk=run_id)
    try:
        runs.execute(run)
    except runs.TakenOver:
        run.refresh_from_db()
    except OperationalError as error:
        # The database is down. The run is unchanged, so retry it later.
        if self.request.is_eager:
            raise  # an eager task would retry without waiting
        raise self.retry(
            exc=error, countdown=DATABASE_WAIT, max_retries=DATABASE_ATTEMPTS
        ) from error
    retry_later()
    return run.state


@shared_task(name="visualsearch.index_repair", base=IndexTask)
def index_repair() -> None:
    """Find and mend what no signal told, in each catalog; schedule it with Celery beat."""
    for name in catalog_names():
        with using_catalog(name), suppress(IndexNotReady):
            if not run_after_upgrade():
                repair.repair()


def run_after_upgrade() -> bool:
    """Start a run if an upgrade needs one, and return whether it does."""
    run = repair.request_run_after_upgrade()
    if run is not None:
        enqueue(index_run, run.pk)
    return run is not None


@worker_ready.connect
def resume_open_run(**kwargs: object) -> None:
    """When a worker starts, resume each open run if the process that executed it has died.

    The death of a process on another machine shows only by missing heartbeats, so the task then
    waits for ``RUN_TIMEOUT`` first.
    """
    with suppress(DatabaseError):
        for name in catalog_names():
            with using_catalog(name):
                resume_run()
    connections.close_all()


def resume_run() -> None:
    """Send a task for the current catalog's open run, to be started when it counts as dead.

    Without one, start a run if an upgrade needs it.
    """
    run = Run.objects.filter(open=True).first()
    if run is None:
        run_after_upgrade()
    elif run.state == Run.State.RUNNING:
        wait = 0 if run.is_dead else conf.get("RUN_TIMEOUT") + 1
        index_run.apply_async(
            args=(run.pk,), kwargs=arguments_for_catalog(), countdown=wait, ignore_result=True
        )
