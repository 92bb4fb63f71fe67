"""The row of a run: which process may change it, and how the run stops and ends."""

from __future__ import annotations

from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from ..models import IndexVersion, Run, RunChunk
from ..models.primary import atomic
from ..models.process_names import this_process
from ..versions import lifecycle
from . import chunks
from .chunks import Claims, TakenOver

# Runs that this process is preparing or building.
working: set[int] = set()


class NotPossible(Exception):
    """Raised if a run cannot be started, paused, cancelled or resumed now; the message says why."""


class Stopped(Exception):
    """Raised if somebody asked to pause or cancel the run; ``args[0]`` is the :class:`Run.Wish`."""


def claim(run: Run) -> bool:
    """Claim a run to prepare it or to build its version; return False if its chunks need workers.

    A run can be claimed if it is queued, if its processes died, or if this process stopped working
    on it after an error. Raises TakenOver if another process has claimed it or it is closed; Celery
    may deliver a task twice.
    """
    with atomic():
        now = Run.objects.select_for_update().get(pk=run.pk)
        running = now.state == Run.State.RUNNING
        left = running and now.worker == this_process() and now.pk not in working
        claimed = now.state == Run.State.QUEUED or now.is_dead or left
        if claimed:
            now.state, now.worker, now.heartbeat = Run.State.RUNNING, this_process(), timezone.now()
            if now.stage == Run.Stage.ENCODING:
                now.stage = ""
            now.save(update_fields=["state", "stage", "worker", "heartbeat"])
            working.add(run.pk)
        elif not (running and now.stage == Run.Stage.ENCODING and now.part):
            raise TakenOver
    run.refresh_from_db()
    return claimed


def own_row(run: Run, leads: bool = True) -> QuerySet[Run]:
    """Return a queryset of the run's row; it is empty if this process may not change it.

    ``leads``: whether this process has claimed the run to prepare or build it; if not, it may
    change the row while chunks are encoded.
    """
    rows: QuerySet[Run] = Run.objects.filter(pk=run.pk, state=Run.State.RUNNING)
    if leads:
        return rows.filter(worker=this_process())
    return rows.filter(worker="", stage=Run.Stage.ENCODING)


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


def close(run: Run, state: Run.State, leads: bool = True) -> None:
    """Close a run with its final state; raise TakenOver if another process has it now.

    ``leads``: see :func:`own_row`.
    """
    values: dict[str, Any] = {"state": state, "error": run.error, "finished": timezone.now()}
    if state in (Run.State.FAILED, Run.State.CANCELLED):
        abandon_version(run)
    with atomic():
        if not own_row(run, leads).update(**values, open=None, wish="", version=run.version):
            raise TakenOver
        RunChunk.objects.filter(run=run).delete()
    run.refresh_from_db()


def stop(run: Run, claims: Claims) -> None:
    """Pause or cancel a run as requested, unless other processes still work on their batches."""
    claims.release()
    with atomic():
        now = Run.objects.select_for_update().get(pk=run.pk)
        busy = now.stage == Run.Stage.ENCODING and not chunks.nobody_works(now)
        if now.state == Run.State.RUNNING and now.wish and not busy:
            paused = now.wish == Run.Wish.PAUSE
            pause_or_cancel(now, Run.State.PAUSED if paused else Run.State.CANCELLED)
    run.refresh_from_db()


def pause_or_cancel(run: Run, state: Run.State) -> None:
    """Set a run to paused, or close it as cancelled; its encoded images are kept."""
    values: dict[str, Any] = {"state": state, "wish": "", "worker": ""}
    if state == Run.State.CANCELLED:
        abandon_version(run)
        RunChunk.objects.filter(run=run).delete()
        values |= {"finished": timezone.now(), "open": None, "version": None}
    Run.objects.filter(pk=run.pk).update(**values)
    run.refresh_from_db()


def abandon_version(run: Run) -> None:
    """Delete the run's version if it is still being built; keep a failed one with its error."""
    version = run.version
    if version is not None and version.state == IndexVersion.State.BUILDING:
        run.version = None
        lifecycle.delete_version(version)


def refuse_fit(scope: str) -> None:
    """Raise NotPossible if ``scope`` is ``fit`` and no transform can be fitted now."""
    reason = lifecycle.reason_not_to_fit() if scope == Run.Scope.FIT else ""
    if reason:
        raise NotPossible(reason)
