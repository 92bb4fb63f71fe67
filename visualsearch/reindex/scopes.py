"""Decide which items a run processes, with which encoder, and in which steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from itertools import chain

from django.db.models import QuerySet

from .. import conf
from ..batched import batched
from ..catalogs import catalog
from ..encoders.base import Encoder
from ..models import Embedding, Experiment, Run, RunChunk
from ..serving import version_encoders
from ..versions import lifecycle, transforms
from . import catalog_images, embeddings

# Steps to decode in advance, so that threads always have work: one while the step before it is
# encoded, and one while that step is written.
AHEAD = 2

# Items to compare with their rows at a time.
SCAN = 200
# Lists of keys, and those that the items of each scope come from. "gone": items that have rows and
# are no longer visible.
VISIBLE, GONE, MISSING, FAILED, CHOSEN = "visible", "gone", "missing", "failed", "chosen"
PARTS: dict[str, tuple[str, ...]] = {
    Run.Scope.ALL: (VISIBLE, GONE),
    Run.Scope.MISSING: (MISSING,),
    Run.Scope.FAILED: (FAILED,),
    Run.Scope.CHOSEN: (CHOSEN,),
    Run.Scope.FIT: (),
}


def makes_version(run: Run) -> bool:
    """Return whether a run builds an index version from its start.

    True for the scopes ``all`` and ``fit``, and for ``missing`` if the settings changed since the
    active version was built or none was built. False for ``chosen`` and ``failed``. Any run may
    also build a version at its end, see :func:`needs_fit`.
    """
    if run.scope in (Run.Scope.CHOSEN, Run.Scope.FAILED):
        return False
    active = lifecycle.active_version()
    outdated = active is None or not active.figures or lifecycle.is_outdated(active)
    return run.scope in (Run.Scope.ALL, Run.Scope.FIT) or outdated


def needs_fit() -> bool:
    """Return whether a run should build a version at its end, with a transform fitted anew.

    True if the catalog has changed so much that the newest transform no longer fits (see
    :func:`visualsearch.versions.transforms.is_due`). False while an experiment runs, because
    activating a version would end it.
    """
    active = lifecycle.active_version()
    if active is None or lifecycle.is_outdated(active):
        return False
    if Experiment.objects.filter(running=True).exists():
        return False
    return transforms.is_due(version_encoders.encoder_of(active))


def encoder_for(run: Run) -> Encoder:
    """Return the encoder that a run encodes images with.

    For the scopes ``chosen`` and ``failed`` the active version's, else the one in the settings.
    Raises ModelUnavailable if it cannot be loaded.
    """
    if run.scope in (Run.Scope.CHOSEN, Run.Scope.FAILED):
        return version_encoders.active_encoder()
    return version_encoders.configured_encoder()


def list_keys(
    run: Run, part: int, after: str, upto: str = "", limit: int | None = None
) -> list[str]:
    """Return keys of a part of a run above ``after`` and up to ``upto``, in the part's order.

    ``part``: number of the part of the run's scope in :data:`PARTS`, from 1. "" means without a
    bound; ``limit``: most keys to return. Not all of them need work, see :func:`keys_to_do`.
    """
    what = PARTS[run.scope][part - 1]
    if what == CHOSEN:
        keys = sorted({str(key) for key in run.keys if str(key) > after})
        return [key for key in keys if not upto or key <= upto][:limit]
    if what in (VISIBLE, MISSING):
        return catalog().keys_between(after, upto, limit)
    rows = rows_of(run).filter(item__gt=after)
    if what == FAILED:
        rows = rows.exclude(error="")
    if upto:
        rows = rows.filter(item__lte=upto)
    return list(rows.order_by("item").values_list("item", flat=True).distinct()[:limit])


def keys_to_do(run: Run, chunk: RunChunk) -> list[str]:
    """Return the keys that are left to do in a chunk; the last one may be less than ``upto``."""
    keys = list_keys(run, chunk.part, chunk.after, chunk.upto)
    what = PARTS[run.scope][chunk.part - 1]
    if what == MISSING:
        return items_missing_an_image(keys, rows_of(run))
    if what == GONE:
        visible = catalog().keys_visible(keys)
        return [key for key in keys if key not in visible]
    return keys


def rows_of(run: Run) -> QuerySet[Embedding]:
    """Return the rows of the images that are on sale, by the run's encoder."""
    rows: QuerySet[Embedding] = Embedding.objects.filter(encoder=run.encoder, removed=False)
    return rows


def count_items(run: Run) -> int:
    """Return about how many items a run has; the chunks correct the number.

    Of the scope ``missing`` all visible items are counted, and of the scope ``all`` no items that
    are no longer visible: only the chunks find out which of them need work.
    """
    if run.scope == Run.Scope.FIT:
        return 0
    if run.scope == Run.Scope.CHOSEN:
        return len({str(key) for key in run.keys})
    if run.scope == Run.Scope.FAILED:
        return rows_of(run).exclude(error="").values("item").distinct().count()
    return catalog().count_visible()


def items_missing_an_image(keys: list[str], rows: QuerySet[Embedding]) -> list[str]:
    """Return those of ``keys`` whose item is visible and has an image without a row in ``rows``."""
    present = set(rows.filter(item__in=keys).values_list("item", "image"))
    source = catalog()
    found = source.by_key(keys)
    return [
        key
        for key in keys
        if key in found
        and any(
            (key, name) not in present
            for name in catalog_images.files_by_name(source.safe_files(found[key]))
        )
    ]


def other_encoders(encoder: Encoder) -> list[Encoder]:
    """Return the encoders of other versions, with which changed items must be encoded as well.

    [] if ``encoder`` is not the active version's, because a run with a new encoder does not need
    the old ones. The active version's model may even be missing, and such a run may replace it.
    """
    active = lifecycle.active_version()
    if active is not None and active.encoder != encoder.id:
        return []
    return [other for other in lifecycle.encoders_to_keep_current() if other.id != encoder.id]


@dataclass
class Step:
    """Consecutive items of a chunk that a run processes and saves together.

    ``changed``: keys of the items to encode; ``found``: their files; ``batch``: their images, being
    read, None without changed items. ``items``: number of all items; ``unchanged``: number of
    unchanged images. ``cursor``: key of the last item, from which an interrupted run continues.
    """

    chunk: RunChunk
    cursor: str
    changed: list[str] = field(default_factory=list)
    found: catalog_images.ImageFiles = field(default_factory=dict)
    items: int = 0
    unchanged: int = 0
    batch: catalog_images.Batch | None = None


def steps(encoder: Encoder, groups: Iterable[Step], pool: Executor) -> Iterator[Step]:
    """Yield ``groups`` after starting to encode them, each with about ``BATCH_SIZE`` images.

    Images of the next two steps are decoded in advance, but encoded only when the caller is done
    with the step before. So a killed process loses at most one encoded batch.
    """
    ahead: deque[Step] = deque()
    for step in groups:
        if len(ahead) == AHEAD:
            begin_step(encoder, ahead[0], pool)
        if step.changed:
            step.batch = catalog_images.gather_batch(encoder, step.changed, pool, step.found)
        ahead.append(step)
        if len(ahead) > AHEAD:
            yield ahead.popleft()
    while ahead:
        begin_step(encoder, ahead[0], pool)
        yield ahead.popleft()


def begin_step(encoder: Encoder, step: Step, pool: Executor) -> None:
    """Start encoding a step's images in ``pool``; do nothing if no item of the step changed."""
    if step.batch is not None:
        catalog_images.begin_encoding(encoder, step.batch, pool)


def group_items(
    encoder: Encoder, chunk: RunChunk, keys: Sequence[str], pool: Executor
) -> Iterator[Step]:
    """Yield the items of a chunk in steps, each with about ``BATCH_SIZE`` images to encode.

    ``keys``: those that are left to do. The last step ends the chunk.
    """
    size, waiting = conf.get("BATCH_SIZE"), 0
    step = Step(chunk, chunk.upto)
    if not keys:
        yield step
    scanned = (embeddings.unchanged_items(encoder, some, pool) for some in batched(keys, SCAN))
    for key, images, same in chain.from_iterable(scanned):
        step.items += 1
        if same:
            step.unchanged += len(images)
        else:
            step.changed.append(key)
            step.found |= images
            waiting += max(1, len(images))
        last = key == keys[-1]
        if waiting >= size or last:
            step.cursor = chunk.upto if last else key
            yield step
            step, waiting = Step(chunk, chunk.upto), 0
