"""Reindexing runs: one at a time; each can be paused, cancelled, killed, and resumed.

A run has three stages. One process prepares it; then any number of processes encode its chunks; the
one that finds all chunks done builds and activates the version.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from math import inf

from django.db import DatabaseError, IntegrityError, OperationalError, connections
from django.utils import timezone
from django.utils.translation import gettext as _

from ..models import IndexVersion, Run
from ..models.primary import atomic
from ..versions import gate, lifecycle
from . import chunks, encoding, placeholders, run_row, scopes
from .chunks import Claims, TakenOver
from .run_row import NotPossible, Stopped

# Seconds between heartbeats.
BEAT = 5.0

# Characters of a user name to record; with a shop's own user model it may be longer.
LONGEST_NAME = 150


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
    run_row.refuse_fit(scope)
    for _attempt in range(3):
        running = Run.objects.filter(open=True).first()
        if running is not None:
            return running, False
        with suppress(IntegrityError), atomic():
            values = {"scope": scope, "keys": list(keys), "activate": activate}
            return Run.objects.create(**values, requested_by=by[:LONGEST_NAME]), True
    raise NotPossible(_("Another reindex has just started. Try again."))


def pause(run: Run) -> None:
    """Ask the run's processes to pause after their current batches; pause a queued run at once.

    Raises NotPossible unless the run is queued or running.
    """
    ask_process(run, Run.Wish.PAUSE, Run.State.PAUSED, {Run.State.QUEUED, Run.State.RUNNING})


def cancel(run: Run) -> None:
    """Ask the run's processes to end after their current batches; without any, cancel it at once.

    Encoded images are kept. Raises NotPossible unless the run is queued, running or paused.
    """
    ask_process(
        run,
        Run.Wish.CANCEL,
        Run.State.CANCELLED,
        {Run.State.QUEUED, Run.State.RUNNING, Run.State.PAUSED},
    )


def ask_process(run: Run, what: Run.Wish, then: Run.State, allowed: set[Run.State]) -> None:
    """Store a pause or cancel request for the processes that work on the run.

    If no process works on the run, the run gets the state ``then`` at once. Raises NotPossible
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
        idle = now.stage == Run.Stage.ENCODING and chunks.nobody_works(now)
        if now.state != Run.State.RUNNING or idle or now.is_dead:
            run_row.pause_or_cancel(now, then)
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


@contextmanager
def heartbeats(run: Run, claims: Claims) -> Iterator[None]:
    """Update the heartbeats of run and chunks in a background thread during the ``with`` block."""
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(BEAT):
                with suppress(DatabaseError):  # busy, or down for a moment
                    run_row.own_row(run, claims.leads).update(heartbeat=timezone.now())
                    claims.beat()
        finally:
            connections.close_all()

    thread = threading.Thread(target=beat, name="visualsearch-heartbeat", daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def execute(
    run: Run,
    progress: Callable[[], object] = lambda: None,
    *,
    seconds: float = inf,
    joined: Callable[[], object] = lambda: None,
) -> Run:
    """Work on a run, beside other processes: encode items, build a version, activate it.

    Returns the updated run, which is still open if ``seconds`` are over, if it was paused, or if
    only other processes have chunks left. ``progress``: called after each step. ``joined``: called
    when this process has found work. A run with failed images, or whose version was built and not
    activated because it is no better, ends as ``WITH_FAILURES``; any other error is stored in the
    run and raised. A requested pause or cancellation ends the call without an error. Raises
    TakenOver if this process may not work on the run now, OperationalError if the database is down.
    """
    claims = Claims(run)
    try:
        claims.leads = run_row.claim(run)
        with heartbeats(run, claims):
            if not encoding.encode_items(run, claims, progress, seconds, joined):
                return run
            claims.leads = True
            joined()
            if run.version is None and scopes.needs_fit():
                run.version = lifecycle.create_version()
                run_row.save_fields(run, "version")
            placeholders.leave_out_all(scopes.encoder_for(run))
            if run.version is not None:
                build_version(run, run.version)
        run_row.close(
            run, Run.State.WITH_FAILURES if run.failed or run.error else Run.State.FINISHED
        )
    except Stopped:
        run_row.stop(run, claims)
    except TakenOver:
        claims.release()
        raise
    except OperationalError:
        raise  # the database is down: the next claim continues the run
    except Exception as error:
        if claims.lost():
            raise TakenOver from error
        run.error = str(error)[:300]
        run_row.close(run, Run.State.FAILED, claims.leads)
        raise
    finally:
        if claims.leads:
            run_row.working.discard(run.pk)
        claims.abandon()
    return run


def build_version(run: Run, version: IndexVersion) -> None:
    """Build the run's version, evaluate it, and activate it unless there is a reason not to.

    The reason is stored in ``run.error``; see
    :func:`visualsearch.versions.gate.reason_to_hold_back`.
    """
    if version.state == IndexVersion.State.BUILDING:
        run.stage = Run.Stage.BUILDING
        run_row.save_fields(run, "stage")
        lifecycle.build(version, by_labels=run.scope == Run.Scope.FIT)
    if version.state == IndexVersion.State.READY:
        run.stage = Run.Stage.EVALUATING
        run_row.save_fields(run, "stage")
        gate.evaluate_version(version)
        run.error = gate.reason_to_hold_back(version) if run.activate else ""
        if run.activate and not run.error:
            lifecycle.activate(version)
    lifecycle.delete_old_versions()
