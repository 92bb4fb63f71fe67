"""Reindexing runs: one at a time; each can be paused, cancelled, killed, and resumed.

A run has three stages. One process prepares it; then any number of processes encode its chunks; the
one that finds all chunks done builds and activates the version.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from functools import partial
from math import inf
from typing import Any

from django.db import DatabaseError, IntegrityError, OperationalError, connections
from django.db.models import QuerySet
from django.utils import timezone
from django.utils.translation import gettext as _

from ..encoders.base import Encoder
from ..exceptions import ModelUnavailable
from ..models import IndexVersion, Run, RunChunk
from ..models.primary import atomic
from ..models.process_names import this_process
from ..serving import processor_check
from ..signals import images_indexed
from ..versions import gate, lifecycle
from . import catalog_images, chunks, embeddings, scopes
from .chunks import Claims, TakenOver

logger = logging.getLogger(__name__)

# Seconds between heartbeats.
BEAT = 5.0

# Runs that this process is preparing or building.
_working: set[int] = set()
# Encoders whose known answers this process has compared.
_checked: set[str] = set()

COUNTS = ("encoded", "unchanged", "removed", "failed")


# Characters of a user name to record; with a shop's own user model it may be longer.
LONGEST_NAME = 150


class NotPossible(Exception):
    """Raised if a run cannot be started, paused, cancelled or resumed now; the message says why."""


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


def claim(run: Run) -> bool:
    """Claim a run to prepare it or to build its version; return False if its chunks need workers.

    A run can be claimed if it is queued, if its processes died, or if this process stopped working
    on it after an error. Raises TakenOver if another process has claimed it or it is closed; Celery
    may deliver a task twice.
    """
    with atomic():
        now = Run.objects.select_for_update().get(pk=run.pk)
        running = now.state == Run.State.RUNNING
        left = running and now.worker == this_process() and now.pk not in _working
        claimed = now.state == Run.State.QUEUED or now.is_dead or left
        if claimed:
            now.state, now.worker, now.heartbeat = Run.State.RUNNING, this_process(), timezone.now()
            if now.stage == Run.Stage.ENCODING:
                now.stage = ""
            now.save(update_fields=["state", "stage", "worker", "heartbeat"])
            _working.add(run.pk)
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


@contextmanager
def heartbeats(run: Run, claims: Claims) -> Iterator[None]:
    """Update the heartbeats of run and chunks in a background thread during the ``with`` block."""
    over = threading.Event()

    def beat() -> None:
        try:
            while not over.wait(BEAT):
                with suppress(DatabaseError):  # busy, or down for a moment
                    own_row(run, claims.leads).update(heartbeat=timezone.now())
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
        claims.leads = claim(run)
        with heartbeats(run, claims):
            if not encode_items(run, claims, progress, seconds, joined):
                return run
            claims.leads = True
            joined()
            if run.version is None and scopes.needs_fit():
                run.version = lifecycle.create_version()
                save_fields(run, "version")
            if run.version is not None:
                build_version(run, run.version)
        close(run, Run.State.WITH_FAILURES if run.failed or run.error else Run.State.FINISHED)
    except Stopped:
        stop(run, claims)
    except TakenOver:
        claims.release()
        raise
    except OperationalError:
        raise  # the database is down: the next claim continues the run
    except Exception as error:
        if claims.lost():
            raise TakenOver from error
        run.error = str(error)[:300]
        close(run, Run.State.FAILED, claims.leads)
        raise
    finally:
        if claims.leads:
            _working.discard(run.pk)
        claims.abandon()
    return run


def encode_items(
    run: Run,
    claims: Claims,
    progress: Callable[[], object],
    seconds: float,
    joined: Callable[[], object],
) -> bool:
    """Encode chunks of a run until none is left to claim; return whether to build its version.

    It returns True in one process only, when all chunks are done, and False after ``seconds``.
    Raises Stopped if a pause or cancellation was requested, TakenOver if another process has a
    chunk of this one, NotPossible if the run's scope is ``fit`` and no transform can be fitted now.
    """
    if run.stage not in ("", Run.Stage.ENCODING):
        return True
    if claims.leads:
        encoder = scopes.encoder_for(run)
        prepare(run, encoder)
        claims.leads = False
        _working.discard(run.pk)
    elif run.wish:
        raise Stopped(run.wish)
    else:
        encoder = same_encoder(run)
    if encoder.id not in _checked:
        processor_check.check_this_processor(encoder)
        _checked.add(encoder.id)
    progress()
    others = scopes.other_encoders(encoder)
    since = time.monotonic()
    with catalog_images.thread_pool() as pool:
        groups = claimed_steps(run, encoder, claims, pool, seconds, joined)
        for step in scopes.steps(encoder, groups, pool):
            for other in others if step.batch else ():
                batch = catalog_images.gather_batch(other, step.changed, pool)
                embeddings.refresh_batch(other, batch, pool, partial(claims.confirm, step.chunk))
            process_step(run, encoder, claims, step, pool, since)
            since = time.monotonic()
            progress()
    claims.release()
    return claim_building(run)


def same_encoder(run: Run) -> Encoder:
    """Return the encoder of a run that is being encoded; raise TakenOver without it."""
    try:
        encoder = scopes.encoder_for(run)
    except ModelUnavailable as error:
        logger.warning("This worker cannot help with run %s: %s", run.pk, error)
        raise TakenOver from error
    if encoder.id != run.encoder:
        logger.warning("This worker's settings name another model than run %s uses.", run.pk)
        raise TakenOver
    return encoder


def prepare(run: Run, encoder: Encoder) -> None:
    """Create the run's version if it needs one, and let workers claim its chunks.

    If the settings changed since the run was interrupted, it starts again with the new encoder.
    """
    refuse_fit(run.scope)
    processor_check.check_this_processor(encoder)
    _checked.add(encoder.id)
    outdated = run.version is not None and lifecycle.is_outdated(run.version)
    if outdated:
        abandon_version(run)
    fields = ["version", "stage", "worker"]
    if outdated or run.encoder != encoder.id:
        fields += ["items", "encoder", "part", "cursor", "done", *COUNTS]
        RunChunk.objects.filter(run=run).delete()
        for name in ("done", *COUNTS):
            setattr(run, name, 0)
        run.encoder, run.part, run.cursor = encoder.id, 1, ""
        run.items = scopes.count_items(run)
    if run.version is None and scopes.makes_version(run):
        # Made first, so that products saved meanwhile are encoded with its encoder, too.
        run.version = lifecycle.create_version()
    run.stage, run.worker = Run.Stage.ENCODING, ""
    save_fields(run, *fields)


def claimed_steps(
    run: Run,
    encoder: Encoder,
    claims: Claims,
    pool: Executor,
    seconds: float,
    joined: Callable[[], object],
) -> Iterator[scopes.Step]:
    """Claim chunks, and yield their steps for about ``seconds``, at least one."""
    until = time.monotonic() + seconds
    while chunk := claims.claim():
        joined()
        joined = noop
        keys = scopes.keys_to_do(run, chunk)
        for step in scopes.group_items(encoder, chunk, keys, pool):
            yield step
            if time.monotonic() >= until:
                return


def noop() -> None:
    """Do nothing."""


def process_step(
    run: Run, encoder: Encoder, claims: Claims, step: scopes.Step, pool: Executor, since: float
) -> None:
    """Encode and store the items of a step, and the run's progress in the same transaction.

    ``since``: monotonic time at which work on the step began. Raises Stopped if a pause or
    cancellation was requested, TakenOver if another process has claimed the chunk.
    """

    def also(counts: Counter[str]) -> None:
        seconds = time.monotonic() - since
        images = {name: counts[name] + skipped[name] for name in COUNTS}
        claims.advance(step.chunk, step.cursor, step.items, seconds, images)

    skipped = Counter(unchanged=step.unchanged)
    if step.batch is None:
        with atomic():
            also(Counter())
    else:
        embeddings.refresh_batch(encoder, step.batch, pool, also)
    claims.note(step.chunk, step.cursor, step.items)
    images_indexed.send_robust(sender=None, encoder=encoder.id, counts=skipped)
    run.refresh_from_db(fields=["wish", "items", "done", "worked", *COUNTS])
    if run.wish:
        raise Stopped(run.wish)


def claim_building(run: Run) -> bool:
    """Claim a run to build its version; return False unless all its items are done.

    Raises Stopped if a pause or cancellation was requested.
    """
    with atomic():
        now = Run.objects.select_for_update().get(pk=run.pk)
        encoding = now.state == Run.State.RUNNING and now.stage == Run.Stage.ENCODING
        claimed = encoding and not now.wish and chunks.all_done(now)
        if claimed:
            now.stage, now.worker, now.items = Run.Stage.BUILDING, this_process(), now.done
            now.heartbeat = timezone.now()
            now.save(update_fields=["stage", "worker", "heartbeat", "items"])
            _working.add(run.pk)
    run.refresh_from_db()
    if encoding and now.wish:
        raise Stopped(now.wish)
    return claimed


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
