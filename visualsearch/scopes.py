"""Decide which items a run processes, with which encoder, and in which steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from django.db.models import QuerySet

from . import conf, encoding, fits, indexing, versions
from .batches import batched
from .catalogs import catalog
from .encoders.base import Encoder
from .models import Embedding, Experiment, Run

# Steps to decode ahead, so that threads always have work: one while the step before it is encoded,
# one while that is written.
AHEAD = 2

# Items to compare with their rows at a time.
SCAN = 200


def makes_version(run: Run) -> bool:
    """Return whether a run builds a version: for all items, a fit, or changed settings.

    Runs of chosen or failed items never do at the start, but see :func:`needs_fit`.
    """
    if run.scope in (Run.Scope.CHOSEN, Run.Scope.FAILED):
        return False
    active = versions.active()
    outdated = active is None or not active.figures or versions.is_outdated(active)
    return run.scope in (Run.Scope.ALL, Run.Scope.FIT) or outdated


def needs_fit() -> bool:
    """Return whether a run without a version should build one because the catalog outgrew its fit.

    False while an experiment runs, because activating a version would end it.
    """
    active = versions.active()
    if active is None or versions.is_outdated(active):
        return False
    if Experiment.objects.filter(running=True).exists():
        return False
    return fits.is_due(encoding.of(active))


def encoder_for(run: Run) -> Encoder:
    """Return the active version's encoder for chosen or failed items, else the configured one."""
    if run.scope in (Run.Scope.CHOSEN, Run.Scope.FAILED):
        return encoding.answering()
    return encoding.configured()


def keys_in_scope(run: Run) -> list[str]:
    """Return the keys of the items that a run processes; they may repeat.

    ``all`` includes items that are no longer visible but have rows; ``missing`` are visible items
    with an image that has no row; ``failed`` are those with an image that failed; ``fit`` has none.
    """
    if run.scope == Run.Scope.FIT:
        return []
    rows = Embedding.objects.filter(encoder=encoder_for(run).id, removed=False)
    if run.scope == Run.Scope.CHOSEN:
        return [str(key) for key in run.keys]
    if run.scope == Run.Scope.FAILED:
        failed = rows.exclude(error="")
        return list(failed.order_by("item").values_list("item", flat=True).distinct())
    visible = catalog().visible_keys()
    if run.scope == Run.Scope.MISSING:
        return items_missing_an_image(visible, rows)
    indexed = rows.values_list("item", flat=True).distinct()
    return [*visible, *indexed]


def items_missing_an_image(keys: list[str], rows: QuerySet[Embedding]) -> list[str]:
    """Return the visible items with an image that has no row."""
    present = set(rows.values_list("item", "image"))
    source = catalog()
    return [
        key
        for batch in batched(keys, 500)
        for key, item in source.by_key(batch).items()
        if any((key, name) not in present for name in indexing.files_by_name(source.images(item)))
    ]


def others_to_keep_up(encoder: Encoder) -> list[Encoder]:
    """Return the other kept versions' encoders, which must encode changed items as well.

    [] for the first run of a new encoder, in which only the encoder is new. The active version's
    model may be missing by then, and this run may be what replaces it.
    """
    active = versions.active()
    if active is not None and active.encoder != encoder.id:
        return []
    return [other for other in versions.followed() if other.id != encoder.id]


@dataclass
class Step:
    """Consecutive items of a run: the changed ones are being read, the others only counted."""

    changed: list[str]
    batch: indexing.Batch | None
    items: int
    unchanged: int
    cursor: str


def steps(encoder: Encoder, keys: Sequence[str], pool: Executor) -> Iterator[Step]:
    """Yield the items in steps of at most one batch to encode.

    Images of later steps are decoded in advance, but encoded only when the caller is done with the
    step before. So a killed process loses at most one encoded batch.
    """
    ahead: deque[Step] = deque()
    for changed, found, items, unchanged, cursor in groups(encoder, keys, pool):
        if len(ahead) == AHEAD:
            begin(encoder, ahead[0], pool)
        batch = indexing.gather(encoder, changed, pool, found) if changed else None
        ahead.append(Step(changed, batch, items, unchanged, cursor))
        if len(ahead) > AHEAD:
            yield ahead.popleft()
    while ahead:
        begin(encoder, ahead[0], pool)
        yield ahead.popleft()


def begin(encoder: Encoder, step: Step, pool: Executor) -> None:
    """Start encoding a step's images, if it has any."""
    if step.batch is not None:
        indexing.begin_encoding(encoder, step.batch, pool)


def groups(
    encoder: Encoder, keys: Sequence[str], pool: Executor
) -> Iterator[tuple[list[str], indexing.Pictures, int, int, str]]:
    """Yield the changed items of each step, their images, its counts, and its last item.

    The counts are of all items and of unchanged images.
    """
    size = conf.get("BATCH_SIZE")
    for scanned in batched(keys, SCAN):
        changed: list[str] = []
        found: indexing.Pictures = {}
        items = unchanged = waiting = 0
        for key, images, same in indexing.unchanged_items(encoder, scanned, pool):
            items += 1
            if same:
                unchanged += len(images)
            else:
                changed.append(key)
                found |= images
                waiting += max(1, len(images))
            if waiting >= size or key == scanned[-1]:
                yield changed, found, items, unchanged, key
                changed, found, items, unchanged, waiting = [], {}, 0, 0, 0
