"""Reindexing runs: one at a time; each can be paused, cancelled, killed, and resumed."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError, connections
from django.db.models import F, QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from ..encoders.base import Encoder
from ..models import IndexVersion, Run
from ..models.primary import atomic
from ..models.process_names import this_process
from ..serving import processor_check
from ..signals import images_indexed
from ..versions import gate, lifecycle
from . import catalog_images, embeddings, scopes

# Seconds between heartbeats.
BEAT = 5.0

# Runs that this process is executing.
_working: set[int] = set()

COUNTS = ("encoded", "unchanged", "removed", "failed")


# Characters of a user name to record; with a shop's own user model it may be longer.
LONGEST_NAME = 150


class NotPossible(Exception):
    """Raised if a run cannot be started, paused, cancelled or resumed now; the message says why."""


class TakenOver(Exception):
    """Raised if this process may not execute a run: it is closed or another process executes it."""


class Stopped(Exception):
    """Raised if somebody asked to pause or cancel the run; ``args[0]`` is the :class:`Run.Wish`."""


def request(
    scope: str, *, keys: Sequence[str] = (), activate: bool = True, by: str = ""
) -> tuple[Run, bool]:
    """Return ``(run, True)`` for a new queued run, or ``(run, False)`` for the one already open.

    ``scope``: a value of :class:`Run.Scope`. ``keys``: keys of the items of a run with the scope
    ``chosen``. ``activate``: whether to activate the version that the run builds. ``by``: the user
    name to record. Pass a new run to :func:`visualsearch.reindex.launch.start_run`. Raises
    NotPossible if ``scope`` is ``fit`` and no transform can be fitted now (see
    :func:`visualsearch.versions.lifecycle.reason_not_to_fit`), or if other runs start and end
    meanwhile.
    """
    refuse_fit(scope)
    for _attempt in range(3):
        running = Run.objects.filter(open=True).first()
        if running is not None:
            return running, False
        with suppress(IntegrityError), atomic():
            values = {"scope": scope, "keys": list(keys), "activate": activate}
            return Run.objects.create(**values, requested_by=by[:LONGEST_NAME]), True
    raise NotPossible(_("Another reindex has just started. Try again."))


def refuse_fit(scope: str) -> None:
    """Raise NotPossible if ``scope`` is ``fit`` and no transform can be fitted now."""
    reason = lifecycle.reason_not_to_fit() if scope == Run.Scope.FIT else ""
    if reason:
        raise NotPossible(reason)


def pause(run: Run) -> None:
    """Ask the run's process to pause after its current batch; pause a queued run at once.

    Raises NotPossible unless the run is queued or running.
    """
    ask_process(run, Run.Wish.PAUSE, Run.State.PAUSED, {Run.State.QUEUED, Run.State.RUNNING})


def cancel(run: Run) -> None:
    """Ask the run's process to end after its current batch; cancel one without a process at once.

    Encoded images are kept. Raises NotPossible unless the run is queued, running or paused.
    """
    ask_process(
        run,
        Run.Wish.CANCEL,
        Run.State.CANCELLED,
        {Run.State.QUEUED, Run.State.RUNNING, Run.State.PAUSED},
    )


def ask_process(run: Run, what: Run.Wish, then: Run.State, allowed: set[Run.State]) -> None:
    """Store a pause or cancel request for the process that executes the run.

    If no process executes the run, the run gets the state ``then`` at once. Raises NotPossible
    unless the run's state is in ``allowed``.
    """
    with atomic():
        now = Run.objects.select_for_update().get(pk=run.pk)
        if now.state not in allowed:
            raise NotPossible(
                _("Run %(run)s is %(state)s.") % {"run": run.pk, "state": now.get_state_display()}
            )
        now.wish = what
        now.save(update_fields=["wish"])
        if now.state != Run.State.RUNNING or now.is_dead:
            pause_or_cancel(now, then)
    run.refresh_from_db()


def resume(run: Run) -> None:
    """Requeue a run that is paused or whose process died; a queued run stays queued.

    This does not start the run: pass it to :func:`visualsearch.reindex.launch.start_run`, and it
    continues where it stopped. Raises NotPossible for any other run.
    """
    with atomic():
        now = Run.objects.select_for_update().get(pk=run.pk)
        if not (now.state in (Run.State.QUEUED, Run.State.PAUSED) or now.is_dead):
            raise NotPossible(
                _("Run %(run)s is %(state)s and cannot be resumed. Start a new one.")
                % {"run": run.pk, "state": now.get_state_display()}
            )
        now.state, now.wish, now.worker = Run.State.QUEUED, "", ""
        now.save(update_fields=["state", "wish", "worker"])
    run.refresh_from_db()


def claim(run: Run) -> None:
    """Mark a run as executed by this process; raise TakenOver if it cannot be claimed.

    A run can be claimed if it is queued, if its process died, or if this process stopped executing
    it after an error. The check is needed because Celery may deliver a task twice.
    """
    with atomic():
        now = Run.objects.select_for_update().get(pk=run.pk)
        left = (
            now.state == Run.State.RUNNING
            and now.worker == this_process()
            and now.pk not in _working
        )
        if not (now.state == Run.State.QUEUED or now.is_dead or left):
            raise TakenOver
        now.state, now.worker, now.heartbeat = Run.State.RUNNING, this_process(), timezone.now()
        now.save(update_fields=["state", "worker", "heartbeat"])
    run.refresh_from_db()


def own_row(run: Run) -> QuerySet[Run]:
    """Return a queryset of the run's row; it is empty if another process has taken the run over."""
    return Run.objects.filter(pk=run.pk, worker=this_process(), state=Run.State.RUNNING)


@contextmanager
def heartbeats(run: Run) -> Iterator[None]:
    """Update the run's heartbeat in a background thread during the ``with`` block."""
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(BEAT):
                with suppress(DatabaseError):  # busy, or down for a moment
                    own_row(run).update(heartbeat=timezone.now())
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
    """Execute a run from where it stopped: encode its items, build a version, activate it.

    Returns the updated run. ``progress``: called with the number of items just done. A run with
    failed images, or whose version was built and not activated because it is no better, ends as
    ``WITH_FAILURES``; any other error is stored in the run and raised. A requested pause or
    cancellation ends the call without an error. Raises TakenOver if another process executes the
    run or the run is closed, OperationalError if the database is down.
    """
    claim(run)
    _working.add(run.pk)
    try:
        with heartbeats(run):
            encode_items(run, progress)
            if run.version is None and scopes.needs_fit():
                run.version = lifecycle.create_version()
                save_fields(run, "version")
            if run.version is not None:
                build_version(run, run.version)
        close(run, Run.State.WITH_FAILURES if run.failed or run.error else Run.State.FINISHED)
    except Stopped as stopped:
        pause_or_cancel(
            run, Run.State.PAUSED if stopped.args[0] == Run.Wish.PAUSE else Run.State.CANCELLED
        )
    except (TakenOver, OperationalError):
        raise  # taken over, or the database is down: the next claim continues the run
    except Exception as error:
        run.error = str(error)[:300]
        close(run, Run.State.FAILED)
        raise
    finally:
        _working.discard(run.pk)
    return run


def encode_items(run: Run, progress: Callable[[int], object]) -> None:
    """Bring the embeddings of all items in the run's scope up to date.

    Starts after the item ``run.cursor``, the last one done. Does nothing if the run is past that
    stage. ``progress``: called with the number of items just done. Raises Stopped if a pause or
    cancellation was requested, TakenOver if another process has taken the run over, NotPossible if
    its scope is ``fit`` and no transform can be fitted now.
    """
    if run.stage not in ("", Run.Stage.ENCODING):
        return
    refuse_fit(run.scope)
    encoder = scopes.encoder_for(run)
    processor_check.check_this_processor(encoder)
    if run.version is not None and lifecycle.is_outdated(run.version):
        # The settings changed since the interruption: start again with the new encoder.
        abandon_version(run)
        for name in ("done", *COUNTS):
            setattr(run, name, 0)
        run.cursor = ""
    if run.version is None and scopes.makes_version(run):
        # Made first, so that products saved meanwhile are encoded with its encoder, too.
        run.version = lifecycle.create_version()
    keys = sorted(set(scopes.keys_in_scope(run)))
    todo = [key for key in keys if key > run.cursor]
    run.items, run.stage = len(todo) + run.done, Run.Stage.ENCODING
    save_fields(run, "version", "items", "stage", "cursor", "done", *COUNTS)
    progress(run.done)
    others = scopes.other_encoders(encoder)
    since = time.monotonic()
    with catalog_images.thread_pool() as pool:
        for step in scopes.steps(encoder, todo, pool):
            for other in others if step.batch else ():
                batch = catalog_images.gather_batch(other, step.changed, pool)
                embeddings.refresh_batch(other, batch, pool)
            process_step(run, encoder, step, pool, since)
            since = time.monotonic()
            progress(step.items)


def process_step(
    run: Run, encoder: Encoder, step: scopes.Step, pool: Executor, since: float
) -> None:
    """Encode and store the items of a step, and the run's progress in the same transaction.

    ``since``: monotonic time at which work on the step began. Raises Stopped if a pause or
    cancellation was requested, TakenOver if another process has taken the run over.
    """

    def also(counts: Counter[str]) -> None:
        advance(run, counts + Counter(unchanged=step.unchanged), step, time.monotonic() - since)

    if step.batch is None:
        also(Counter())
    else:
        embeddings.refresh_batch(encoder, step.batch, pool, also)
    skipped = Counter(unchanged=step.unchanged)
    images_indexed.send_robust(sender=None, encoder=encoder.id, counts=skipped)
    run.refresh_from_db(fields=["wish", "done", "worked", *COUNTS])
    if run.wish:
        raise Stopped(run.wish)


def advance(run: Run, counts: Counter[str], step: scopes.Step, seconds: float) -> None:
    """Add the counts of one step to the run's row; raise TakenOver if another process took it over.

    ``seconds``: time spent on the step.
    """
    values: dict[str, Any] = {name: F(name) + counts[name] for name in COUNTS}
    values |= {"done": F("done") + step.items, "worked": F("worked") + seconds}
    updated = own_row(run).update(**values, cursor=step.cursor, heartbeat=timezone.now())
    if not updated:
        raise TakenOver


def build_version(run: Run, version: IndexVersion) -> None:
    """Build the run's version, evaluate it, and activate it unless there is a reason not to.

    The reason is stored in ``run.error``; see
    :func:`visualsearch.versions.gate.reason_to_hold_back`.
    """
    if version.state == IndexVersion.State.BUILDING:
        run.stage = Run.Stage.BUILDING
        save_fields(run, "stage")
        lifecycle.build(version, by_labels=run.scope == Run.Scope.FIT)
    if version.state == IndexVersion.State.READY:
        run.stage = Run.Stage.EVALUATING
        save_fields(run, "stage")
        gate.evaluate_version(version)
        run.error = gate.reason_to_hold_back(version) if run.activate else ""
        if run.activate and not run.error:
            lifecycle.activate(version)
    lifecycle.delete_old_versions()


def save_fields(run: Run, *fields: str) -> None:
    """Save the named fields of the run, and update its heartbeat.

    Raises TakenOver if another process has taken the run over, Stopped if a pause or cancellation
    was requested.
    """
    values = {name: getattr(run, name) for name in fields}
    with atomic():  # the thread of the heartbeats may be writing the row
        saved = own_row(run).update(**values, heartbeat=timezone.now())
    if not saved:
        raise TakenOver
    run.refresh_from_db(fields=["wish"])
    if run.wish:
        raise Stopped(run.wish)


def close(run: Run, state: Run.State) -> None:
    """Close a run with its final state; raise TakenOver if another process has it now."""
    values: dict[str, Any] = {"state": state, "error": run.error, "finished": timezone.now()}
    if state in (Run.State.FAILED, Run.State.CANCELLED):
        abandon_version(run)
    if not own_row(run).update(**values, open=None, wish="", version=run.version):
        raise TakenOver
    run.refresh_from_db()


def pause_or_cancel(run: Run, state: Run.State) -> None:
    """Set a run to paused, or close it as cancelled; its encoded images are kept."""
    values: dict[str, Any] = {"state": state, "wish": "", "worker": ""}
    if state == Run.State.CANCELLED:
        abandon_version(run)
        values |= {"finished": timezone.now(), "open": None, "version": None}
    Run.objects.filter(pk=run.pk).update(**values)
    run.refresh_from_db()


def abandon_version(run: Run) -> None:
    """Delete the run's version if it is still being built; keep a failed one with its error."""
    version = run.version
    if version is not None and version.state == IndexVersion.State.BUILDING:
        run.version = None
        lifecycle.delete_version(version)
