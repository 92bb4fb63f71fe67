"""The Celery tasks. They are thin, and safe to run twice."""

from __future__ import annotations

import logging
import time
from contextlib import suppress

from celery import shared_task
from celery.signals import worker_ready
from django.core.cache import cache
from django.db import DatabaseError, OperationalError, connections
from django.db.models import F, Min
from django.utils import timezone

from .. import conf
from ..broker import CatalogTask, arguments_for_catalog, enqueue, publish
from ..catalogs import catalog_names, current_catalog_name, using_catalog
from ..exceptions import BackendUnavailable, IndexNotReady
from ..models import Embedding, Run
from . import chunks, embeddings, repair, retries, runs, unknown_keys

logger = logging.getLogger(__name__)

# Seconds between attempts while the database is down, and how many: an hour in all.
DATABASE_WAIT, DATABASE_ATTEMPTS = 5, 720
# Seconds that a task works on a run before other tasks have their turn, seconds until the next look
# at a run whose work others do, and seconds between attempts to send a task.
SLICE, WATCH, BROKER_WAIT = 5.0, 5.0, 5.0
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
def index_run(self: IndexTask, run_id: int, invitation: int | None = None) -> str:
    """Work on a run for :data:`SLICE` seconds and invite other workers; return the run's state.

    Does nothing if the run is closed, or if a later invitation was sent. So each free worker gets
    one task, and tasks that were sent meanwhile have their turn. ``run_id``: primary key of the
    Run. While the database is down, the task is retried. An eager task works on to the end.
    """
    try:
        run = Run.objects.get(pk=run_id)
        if invitation not in (None, run.invitation):
            return run.state
        if self.request.is_eager:
            runs.execute(run)
        else:
            work_and_invite(run)
    except chunks.TakenOver:
        run.refresh_from_db()
    except OperationalError as error:
        # The database is down. The run is unchanged, so retry it later.
        if self.request.is_eager:
            raise  # an eager task would retry without waiting
        raise self.retry(
            args=(run_id,), exc=error, countdown=DATABASE_WAIT, max_retries=DATABASE_ATTEMPTS
        ) from error
    retry_later()
    return run.state


def work_and_invite(run: Run) -> None:
    """Work on a run for :data:`SLICE` seconds; invite others when it starts, and when it ends.

    The second invitation replaces the first, which may be lost or ahead of other tasks. While only
    other workers have work, it comes after :data:`WATCH` seconds, in case they die.
    """

    def joined() -> None:
        with suppress(BackendUnavailable):  # the second one makes up for it
            invite(run)

    wait = WATCH
    try:
        runs.execute(run, seconds=SLICE, joined=joined)
        wait = 0 if chunks.has_work(run) else WATCH
    except chunks.TakenOver:
        run.refresh_from_db()
    while run.state == Run.State.RUNNING:
        try:
            invite(run, wait)
            return
        except BackendUnavailable:
            logger.warning("The broker does not answer; run %s waits for it.", run.pk)
            time.sleep(BROKER_WAIT)
            run.refresh_from_db()


def invite(run: Run, wait: float = 0) -> None:
    """Invite one worker to work on a run, in ``wait`` seconds; earlier invitations expire.

    Raises BackendUnavailable if the broker does not answer.
    """
    Run.objects.filter(pk=run.pk).update(invitation=F("invitation") + 1)
    run.refresh_from_db(fields=["invitation"])
    args, kwargs = (run.pk, run.invitation), arguments_for_catalog()
    publish(
        lambda: index_run.apply_async(args=args, kwargs=kwargs, countdown=wait, ignore_result=True)
    )


@shared_task(name="visualsearch.index_repair", base=IndexTask)
def index_repair() -> None:
    """Find and mend what no signal told, in each catalog; schedule it with Celery beat."""
    for name in catalog_names():
        with using_catalog(name), suppress(IndexNotReady):
            if not resume_run():
                repair.repair()


@worker_ready.connect
def resume_open_run(**kwargs: object) -> None:
    """When a worker starts, let it work on each open run."""
    with suppress(DatabaseError):
        for name in catalog_names():
            with using_catalog(name):
                resume_run()
    connections.close_all()


def resume_run() -> bool:
    """Send a task for the current catalog's open run, in case the last one was lost.

    Without one, start a run if an upgrade needs it. Returns whether there is a run, even a paused
    one.
    """
    run = Run.objects.filter(open=True).first() or repair.request_run_after_upgrade()
    if run is not None and run.state != Run.State.PAUSED:
        enqueue(index_run, run.pk)
    return run is not None
