"""Reindexing runs: one at a time; each can be paused, cancelled, killed, and resumed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError, connections, transaction
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from . import indexing, processors, scopes, versions
from .encoders.base import Encoder
from .models import IndexVersion, Run
from .processes import this_worker
from .signals import images_indexed

# Seconds between heartbeats.
BEAT = 5.0

# Runs that this process is executing.
_working: set[int] = set()

COUNTS = ("encoded", "unchanged", "removed", "failed")


class NotPossible(Exception):
    """The request does not fit the run's state; the message says what does."""


class Taken(Exception):
    """Another process executes the run, or it has ended."""


class Stopped(Exception):
    """Somebody asked to pause or cancel the run; ``args[0]`` is the :class:`Run.Wish`."""


def request(
    scope: str, *, keys: Sequence[str] = (), activate: bool = True, by: str = ""
) -> tuple[Run, bool]:
    """Return a new run and True, or the run that is already open and False.

    Raises NotPossible for a fit if :func:`visualsearch.versions.why_not_fit` gives a reason.
    """
    refuse_fit(scope)
    for _attempt in range(3):
        running = Run.objects.filter(open=True).first()
        if running is not None:
            return running, False
        with suppress(IntegrityError), transaction.atomic():
            values = {"scope": scope, "keys": list(keys), "activate": activate}
            return Run.objects.create(**values, requested_by=by), True
    raise NotPossible(_("Others start and end runs right now. Try again."))


def refuse_fit(scope: str) -> None:
    """Raise NotPossible if the run would fit the index and that is impossible now."""
    reason = versions.why_not_fit() if scope == Run.Scope.FIT else ""
    if reason:
        raise NotPossible(reason)


def pause(run: Run) -> None:
    """Request a pause after the current batch; raise NotPossible."""
    wish(run, Run.Wish.PAUSE, Run.State.PAUSED, {Run.State.QUEUED, Run.State.RUNNING})


def cancel(run: Run) -> None:
    """Request an end after the current batch, keeping what was encoded; raise NotPossible."""
    wish(
        run,
        Run.Wish.CANCEL,
        Run.State.CANCELLED,
        {Run.State.QUEUED, Run.State.RUNNING, Run.State.PAUSED},
    )


def wish(run: Run, what: Run.Wish, then: Run.State, allowed: set[Run.State]) -> None:
    """Store a pause or cancel request for the run's process, or apply it if there is none.

    Raises NotPossible unless the run's state is ``allowed``.
    """
    with transaction.atomic():
        now = Run.objects.select_for_update().get(pk=run.pk)
        if now.state not in allowed:
            raise NotPossible(
                _("Run %(run)s is %(state)s.") % {"run": run.pk, "state": now.get_state_display()}
            )
        now.wish = what
        now.save(update_fields=["wish"])
        if now.state != Run.State.RUNNING or now.is_dead:
            stop(now, then)
    run.refresh_from_db()


def resume(run: Run) -> None:
    """Queue a run again that is paused or whose process died; raise NotPossible.

    Pass it to :func:`visualsearch.dispatch.start` to continue where it stopped.
    """
    with transaction.atomic():
        now = Run.objects.select_for_update().get(pk=run.pk)
        if not (now.state in (Run.State.QUEUED, Run.State.PAUSED) or now.is_dead):
            raise NotPossible(
                _("Run %(run)s is %(state)s; there is nothing to go on with. Start a new one.")
                % {"run": run.pk, "state": now.get_state_display()}
            )
        now.state, now.wish, now.worker = Run.State.QUEUED, "", ""
        now.save(update_fields=["state", "wish", "worker"])
    run.refresh_from_db()


def claim(run: Run) -> None:
    """Make this process the one that executes a run; raise Taken.

    Only a queued run, or one whose process died, can be claimed: Celery may deliver a task twice.
    """
    with transaction.atomic():
        now = Run.objects.select_for_update().get(pk=run.pk)
        left = (
            now.state == Run.State.RUNNING
            and now.worker == this_worker()
            and now.pk not in _working
        )
        if not (now.state == Run.State.QUEUED or now.is_dead or left):
            raise Taken
        now.state, now.worker, now.heartbeat = Run.State.RUNNING, this_worker(), timezone.now()
        now.save(update_fields=["state", "worker", "heartbeat"])
    run.refresh_from_db()


def mine(run: Run) -> QuerySet[Run]:
    """Return the row of a run, as a queryset that is empty if another process took the run over."""
    return Run.objects.filter(pk=run.pk, worker=this_worker(), state=Run.State.RUNNING)


@contextmanager
def alive(run: Run) -> Iterator[None]:
    """Send heartbeats in the background while a batch or a build takes long."""
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(BEAT):
                with suppress(DatabaseError):  # busy, or down for a moment
                    mine(run).update(heartbeat=timezone.now())
        finally:
            connections.close_all()

    thread = threading.Thread(target=beat, name="visualsearch-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def execute(run: Run, progress: Callable[[int], object] = lambda count: None) -> Run:
    """Execute a run, or the rest of it: refresh its items, build a version, activate it.

    ``progress`` is called with the number of items just done. A run with failed images ends as
    ``WITH_FAILURES``; any other error is stored in the run and raised. Raises Taken.
    """
    claim(run)
    _working.add(run.pk)
    try:
        with alive(run):
            encode_items(run, progress)
            if run.version is None and scopes.needs_fit():
                run.version = versions.make()
                save(run, "version")
            if run.version is not None:
                build_version(run, run.version)
        end(run, Run.State.WITH_FAILURES if run.failed or run.error else Run.State.FINISHED)
    except Stopped as stopped:
        stop(run, Run.State.PAUSED if stopped.args[0] == Run.Wish.PAUSE else Run.State.CANCELLED)
    except (Taken, OperationalError):
        raise  # taken over, or the database is down: the next claim continues the run
    except Exception as error:
        run.error = str(error)[:300]
        end(run, Run.State.FAILED)
        raise
    finally:
        _working.discard(run.pk)
    return run


def encode_items(run: Run, progress: Callable[[int], object]) -> None:
    """Bring the rows of all items in the run's scope up to date, from its cursor on."""
    if run.stage not in ("", Run.Stage.ENCODING):
        return
    refuse_fit(run.scope)
    encoder = scopes.encoder_for(run)
    processors.compare(encoder)
    if run.version is not None and versions.is_outdated(run.version):
        # The settings changed since the interruption: start again with the new encoder.
        abandon_version(run)
        for name in ("done", *COUNTS):
            setattr(run, name, 0)
        run.cursor = ""
    if run.version is None and scopes.makes_version(run):
        # Made first, so that products saved meanwhile are encoded with its encoder, too.
        run.version = versions.make()
    keys = sorted(set(scopes.keys_in_scope(run)))
    todo = [key for key in keys if key > run.cursor]
    run.items, run.stage = len(todo) + run.done, Run.Stage.ENCODING
    save(run, "version", "items", "stage", "cursor", "done", *COUNTS)
    progress(run.done)
    others = scopes.others_to_keep_up(encoder)
    since = time.monotonic()
    with indexing.threads() as pool:
        for step in scopes.steps(encoder, todo, pool):
            for other in others if step.batch else ():
                batch = indexing.gather(other, step.changed, pool)
                indexing.refresh_batch(other, batch, pool)
            finish(run, encoder, step, pool, since)
            since = time.monotonic()
            progress(step.items)


def finish(run: Run, encoder: Encoder, step: scopes.Step, pool: Executor, since: float) -> None:
    """Encode and store a step, and the run's progress in the same transaction; raise Stopped.

    ``since``: monotonic time at which work on the step began.
    """

    def also(counts: Counter[str]) -> None:
        advance(run, counts + Counter(unchanged=step.unchanged), step, time.monotonic() - since)

    if step.batch is None:
        also(Counter())
    else:
        indexing.refresh_batch(encoder, step.batch, pool, also)
    skipped = Counter(unchanged=step.unchanged)
    images_indexed.send_robust(sender=None, encoder=encoder.id, counts=skipped)
    run.refresh_from_db(fields=["wish", "done", "worked", *COUNTS])
    if run.wish:
        raise Stopped(run.wish)


def advance(run: Run, counts: Counter[str], step: scopes.Step, seconds: float) -> None:
    """Store the progress of one step; raise Taken if another process took the run over."""
    values: dict[str, Any] = {name: F(name) + counts[name] for name in COUNTS}
    values |= {"done": F("done") + step.items, "worked": F("worked") + seconds}
    updated = mine(run).update(**values, cursor=step.cursor, heartbeat=timezone.now())
    if not updated:
        raise Taken


def build_version(run: Run, version: IndexVersion) -> None:
    """Build the run's version, evaluate it, and activate it unless it is worse."""
    if version.state == IndexVersion.State.BUILDING:
        run.stage = Run.Stage.BUILDING
        save(run, "stage")
        versions.build(version, by_labels=run.scope == Run.Scope.FIT)
    if version.state == IndexVersion.State.READY:
        run.stage = Run.Stage.EVALUATING
        save(run, "stage")
        versions.evaluate(version)
        run.error = versions.reason_to_hold_back(version) if run.activate else ""
        if run.activate and not run.error:
            versions.activate(version)
    versions.prune()


def save(run: Run, *fields: str) -> None:
    """Store some fields; raise Taken, or Stopped if a pause or an end was requested."""
    values = {name: getattr(run, name) for name in fields}
    if not mine(run).update(**values, heartbeat=timezone.now()):
        raise Taken
    run.refresh_from_db(fields=["wish"])
    if run.wish:
        raise Stopped(run.wish)


def end(run: Run, state: Run.State) -> None:
    """Close a run that this process executes; raise Taken."""
    values: dict[str, Any] = {"state": state, "error": run.error, "finished": timezone.now()}
    if state in (Run.State.FAILED, Run.State.CANCELLED):
        abandon_version(run)
    if not mine(run).update(**values, open=None, wish="", version=run.version):
        raise Taken
    run.refresh_from_db()


def stop(run: Run, state: Run.State) -> None:
    """Pause a run or close it as cancelled; its encoded images are kept."""
    values: dict[str, Any] = {"state": state, "wish": "", "worker": ""}
    if state == Run.State.CANCELLED:
        abandon_version(run)
        values |= {"finished": timezone.now(), "open": None, "version": None}
    Run.objects.filter(pk=run.pk).update(**values)
    run.refresh_from_db()


def abandon_version(run: Run) -> None:
    """Delete the run's unfinished version; one that failed is kept with its error."""
    version = run.version
    if version is not None and version.state == IndexVersion.State.BUILDING:
        run.version = None
        versions.delete(version)
