"""Decide which items a run processes, with which encoder, and in which steps."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from django.db.models import QuerySet

from .. import conf
from ..batched import batched
from ..catalogs import catalog
from ..encoders.base import Encoder
from ..models import Embedding, Experiment, Run
from ..serving import version_encoders
from ..versions import lifecycle, transforms
from . import catalog_images, embeddings

# Steps to decode in advance, so that threads always have work: one while the step before it is
# encoded, and one while that step is written.
AHEAD = 2

# Items to compare with their rows at a time.
SCAN = 200


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


def keys_in_scope(run: Run) -> list[str]:
    """Return the keys of the items that a run processes; a key may be repeated.

    By scope: ``all``: visible items, and items that are no longer visible but have rows.
    ``missing``: visible items with an image that has no row. ``failed``: items with a failed image.
    ``chosen``: the keys stored in the run. ``fit``: [].
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
    """Return those of ``keys`` whose item is visible and has an image without a row in ``rows``."""
    present = set(rows.values_list("item", "image"))
    source, missing = catalog(), []
    for batch in batched(keys, 500):
        for key, item in source.by_key(batch).items():
            names = catalog_images.files_by_name(source.safe_files(item))
            if any((key, name) not in present for name in names):
                missing.append(key)
    return missing


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
    """Consecutive items that a run processes and saves together.

    ``changed``: keys of the items to encode; ``batch``: their images, being read, None without
    changed items. ``items``: number of all items; ``unchanged``: number of unchanged images.
    ``cursor``: key of the last item, from which an interrupted run continues.
    """

    changed: list[str]
    batch: catalog_images.Batch | None
    items: int
    unchanged: int
    cursor: str


def steps(encoder: Encoder, keys: Sequence[str], pool: Executor) -> Iterator[Step]:
    """Yield the items of a run in steps, each with about ``BATCH_SIZE`` images to encode at most.

    Images of the next two steps are decoded in advance, but encoded only when the caller is done
    with the step before. So a killed process loses at most one encoded batch.
    """
    ahead: deque[Step] = deque()
    for changed, found, items, unchanged, cursor in group_items(encoder, keys, pool):
        if len(ahead) == AHEAD:
            begin_step(encoder, ahead[0], pool)
        batch = catalog_images.gather_batch(encoder, changed, pool, found) if changed else None
        ahead.append(Step(changed, batch, items, unchanged, cursor))
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
    encoder: Encoder, keys: Sequence[str], pool: Executor
) -> Iterator[tuple[list[str], catalog_images.ImageFiles, int, int, str]]:
    """Yield ``(changed, images, items, unchanged, cursor)`` for each step.

    ``changed``: keys of the items to encode, and ``images``: their files. ``items``: number of all
    items in the step; ``unchanged``: number of unchanged images; ``cursor``: key of the last item.
    """
    size = conf.get("BATCH_SIZE")
    for scanned in batched(keys, SCAN):
        changed: list[str] = []
        found: catalog_images.ImageFiles = {}
        items = unchanged = waiting = 0
        for key, images, same in embeddings.unchanged_items(encoder, scanned, pool):
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
