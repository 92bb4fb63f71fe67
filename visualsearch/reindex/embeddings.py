"""Keep the stored embeddings equal to the catalog: write a batch under one revision."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor
from contextlib import suppress
from itertools import chain, islice
from typing import Any

from django.utils import timezone

from .. import conf
from ..batched import batched
from ..catalogs import ImageFile
from ..encoders.base import Encoder
from ..models import Embedding, Revision
from ..models.primary import atomic
from ..photos.decode import RULES
from ..serving import loaded_versions
from ..signals import images_indexed
from ..versions import lifecycle
from . import placeholders
from .catalog_images import (
    HASHED,
    Batch,
    CatalogImage,
    ImageFiles,
    begin_encoding,
    digests_of,
    gather_batch,
    image_files,
    thread_pool,
)
from .retries import RETRY_AFTER

logger = logging.getLogger(__name__)
MAX_ATTEMPTS = 5
# The fields that identify a row, and those that change with its image.
UNIQUE = ("catalog", "encoder", "item", "image")
UPDATED = (
    "content_hash",
    "rules",
    "vector",
    "removed",
    "error",
    "attempts",
    "retry_at",
    "revision",
    "updated",
    "checked",
    "left_out",
    "traits",
)


class ChangedMeanwhile(Exception):
    """Raised if the catalog or the rows changed while a batch was being encoded."""


InTransaction = Callable[[Counter[str]], None]


def refresh_items(keys: Iterable[str]) -> Counter[str]:
    """Bring the embeddings of these items up to date with the catalog; return counts of images.

    The keys of the counts are ``encoded``, ``unchanged``, ``removed`` and ``failed``. Changed
    images are encoded, and rows of hidden or deleted items are marked as removed. This is done for
    the encoder of every version that has not failed, so that a rollback loses nothing; the counts
    are of the active version's encoder. Raises ModelUnavailable if that encoder cannot be loaded,
    ChangedMeanwhile if other processes keep writing the same rows.
    """
    keys = list(dict.fromkeys(keys))
    counts: list[Counter[str]] = []
    for encoder in lifecycle.encoders_to_keep_current():
        counts.append(Counter(encoded=0, unchanged=0, removed=0, failed=0))
        with thread_pool() as pool:
            for batch in batched(keys, conf.get("BATCH_SIZE")):
                counts[-1] += refresh_batch(encoder, gather_batch(encoder, batch, pool), pool)
    return counts[0]


def refresh_batch(
    encoder: Encoder, batch: Batch, pool: Executor, also: InTransaction = lambda counts: None
) -> Counter[str]:
    """Encode and store a batch from :func:`gather_batch`; return counts of images.

    The keys of the counts are ``encoded``, ``unchanged``, ``removed`` and ``failed``. If another
    process wrote the batch's rows meanwhile, the batch is gathered again; raises ChangedMeanwhile
    after :data:`MAX_ATTEMPTS` attempts. ``also``: called with the counts in the transaction that
    writes the rows.
    """
    for _ in range(MAX_ATTEMPTS):
        with suppress(ChangedMeanwhile):
            counts = encode_and_write(encoder, batch, pool, also)
            images_indexed.send_robust(sender=None, encoder=encoder.id, counts=counts)
            return counts
        batch = gather_batch(encoder, batch.keys, pool)
    raise ChangedMeanwhile(
        f"Other processes changed {', '.join(batch.keys)} {MAX_ATTEMPTS} times in a row."
    )


def encode_and_write(
    encoder: Encoder, batch: Batch, pool: Executor, also: InTransaction
) -> Counter[str]:
    """Encode a batch, write its rows in one transaction, and return the counts of images.

    ``also``: called with the counts in that transaction. Raises ChangedMeanwhile if the catalog or
    the rows have changed since the batch was gathered. That check is in the transaction too;
    otherwise the slower of two tasks could mark a product as removed that was hidden and shown
    again at once.
    """
    if batch.encoding is None:
        begin_encoding(encoder, batch, pool)
    for encoding in batch.encoding or ():
        encoding.result()
    changed = batch.changed
    counts = Counter(unchanged=len(batch.seen) - len(changed))
    with atomic():
        Revision.hold()
        if row_revisions(encoder, batch.keys) != {row.pk: row.revision for row in batch.before}:
            raise ChangedMeanwhile
        if image_files(batch.keys).keys() != {(one.item, one.name) for one in batch.seen}:
            raise ChangedMeanwhile
        if changed or batch.gone:
            lifecycle.ensure_active(encoder)
            revision = Revision.take()
            counts += write_rows(encoder, changed, batch.gone, revision)
            placeholders.leave_out(encoder, (one.content_hash for one in changed), revision)
            loaded_versions.push_changes(encoder, transactional=True)
        also(counts)
    if changed or batch.gone:
        loaded_versions.push_changes(encoder, transactional=False)
    return counts


def unchanged_items(
    encoder: Encoder, keys: Sequence[str], pool: Executor
) -> Iterator[tuple[str, ImageFiles, bool]]:
    """Yield ``(item, images, unchanged)`` for each item, in the order of ``keys``.

    ``images``: the item's files. ``unchanged``: whether all its rows are up to date, by the hashes
    of the files. Files are hashed only if their names match the rows; no image is decoded and no
    row locked.
    """
    known: dict[str, dict[str, str]] = {key: {} for key in keys}
    rows = Embedding.objects.filter(encoder=encoder.id, item__in=keys, removed=False)
    for item, image, digest, error, rules in rows.values_list(
        "item", "image", "content_hash", "error", "rules"
    ):
        known[item][image] = "" if error or rules != RULES else digest
    files: dict[str, dict[str, ImageFile]] = {key: {} for key in keys}
    for (item, name), file in image_files(keys).items():
        files[item][name] = file
    promising = {
        key: list(files[key].values())
        for key in keys
        if files[key].keys() == known[key].keys() and all(known[key].values())
    }
    digests = pool.map(digests_of, batched([*chain(*promising.values())], HASHED))
    now = chain.from_iterable(digests)
    for key in keys:
        found = list(islice(now, len(promising.get(key, []))))
        same = key in promising and found == [known[key][name] for name in files[key]]
        yield key, {(key, name): file for name, file in files[key].items()}, same


def row_revisions(encoder: Encoder, keys: Sequence[str]) -> dict[int, int]:
    """Return the revision of each stored row of these items, by primary key of the row."""
    rows = Embedding.objects.filter(encoder=encoder.id, item__in=keys)
    return dict(rows.values_list("pk", "revision"))


def write_rows(
    encoder: Encoder, changed: Sequence[CatalogImage], gone: Sequence[Embedding], revision: int
) -> Counter[str]:
    """Store all changes of a batch under one revision; return counts of images.

    ``changed``: images whose row must be written. ``gone``: rows to mark as removed. The keys of
    the counts are ``encoded``, ``failed``, ``unchanged`` and ``removed``.
    """
    stamp = {"revision": revision, "updated": timezone.now()}
    rows = [row_for(encoder, one, revision) for one in changed if not one.unchanged]
    # Existing rows keep their primary key, which indexes refer to.
    Embedding.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=UNIQUE, update_fields=UPDATED
    )
    counts = Counter("failed" if row.error else "encoded" for row in rows)
    back = [one.row for one in changed if one.unchanged and one.row]
    counts["unchanged"] = update_rows(back, removed=False, retry_at=None, **stamp)
    counts["removed"] = update_rows(gone, removed=True, **stamp)
    return counts


def update_rows(rows: Sequence[Embedding], **values: Any) -> int:
    """Set the same field values on some rows; return the number of rows updated."""
    if not rows:
        return 0
    return Embedding.everywhere.filter(pk__in=[row.pk for row in rows]).update(**values)


def row_for(encoder: Encoder, seen: CatalogImage, revision: int) -> Embedding:
    """Return the unsaved row of an image, with its vector or its error.

    A row whose file could not be read gets the time of its next attempt in ``retry_at``.
    """
    row = Embedding(
        encoder=encoder.id,
        item=seen.item,
        image=seen.name,
        content_hash=seen.content_hash,
        rules=RULES,
        vector=seen.vector,
        error=seen.error[:300],
        traits=seen.traits,
        revision=revision,
    )
    if seen.error:
        row.attempts = seen.row.attempts + 1 if seen.row and seen.row.error else 1
        # Retry storage errors only: a file that is not an image will not become one.
        if seen.unreadable and row.attempts <= len(RETRY_AFTER):
            row.retry_at = timezone.now() + RETRY_AFTER[row.attempts - 1]
    return row
