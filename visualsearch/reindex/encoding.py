"""Encode the chunks of a run: claim them one by one, and find out when all are done."""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from functools import partial

from django.utils import timezone

from ..encoders.base import Encoder
from ..exceptions import ModelUnavailable
from ..models import Run, RunChunk
from ..models.primary import atomic
from ..models.process_names import this_process
from ..serving import processor_check
from ..signals import images_indexed
from ..versions import lifecycle
from . import catalog_images, chunks, embeddings, run_row, scopes
from .chunks import Claims, TakenOver
from .run_row import Stopped

logger = logging.getLogger(__name__)

COUNTS = ("encoded", "unchanged", "removed", "failed")

# Encoders whose known answers this process has compared.
_checked: set[str] = set()


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
        run_row.working.discard(run.pk)
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
    run_row.refuse_fit(run.scope)
    processor_check.check_this_processor(encoder)
    _checked.add(encoder.id)
    outdated = run.version is not None and lifecycle.is_outdated(run.version)
    if outdated:
        run_row.abandon_version(run)
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
    run_row.save_fields(run, *fields)


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
            run_row.working.add(run.pk)
    run.refresh_from_db()
    if encoding and now.wish:
        raise Stopped(now.wish)
    return claimed
