"""Keep the stored embeddings equal to the catalog: find changed images, encode and store them."""

from __future__ import annotations

import hashlib
import logging
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import chain, islice
from math import ceil
from typing import Any, TypeVar

from django.db import transaction
from django.db.models.fields.files import FieldFile
from django.utils import timezone
from PIL import Image

from . import conf, live, versions
from .batches import batched
from .catalogs import catalog
from .encoders.base import Encoder
from .encoders.preprocess import InputSpec, square
from .exceptions import PhotoError
from .models import Embedding, Revision, to_bytes
from .photos import Limits, open_photo
from .signals import images_indexed

logger = logging.getLogger(__name__)

T = TypeVar("T")

MAX_ATTEMPTS = 5
# Images that one thread hashes at a time.
HASHED = 25

# The fields that identify a row, and those that change with its image.
UNIQUE = ("encoder", "item", "image")
UPDATED = (
    "content_hash",
    "vector",
    "removed",
    "error",
    "attempts",
    "retry_at",
    "revision",
    "updated",
)

# Delay before an unreadable file is tried again, by the number of attempts.
RETRY_AFTER = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720)]


@dataclass
class Seen:
    """An image as it is in the catalog now, and its stored row (None for a new image).

    ``item``: key of the item; ``name``: name of the file in its storage. ``content_hash``: SHA-256
    of the file. ``image`` is set between decoding and encoding, ``vector`` after encoding.
    ``error``: why the file cannot be used; ``unreadable``: whether it could not be read from its
    storage.
    """

    item: str
    name: str
    file: FieldFile
    row: Embedding | None
    content_hash: str = ""
    image: Image.Image | None = None
    error: str = ""
    unreadable: bool = False
    vector: bytes = field(default=b"", repr=False)

    @property
    def unchanged(self) -> bool:
        """Whether the stored row has the embedding of the file's present content.

        Also True for a row that is marked as removed.
        """
        row = self.row
        return row is not None and not row.error and row.content_hash == self.content_hash


@dataclass
class Batch:
    """Some items, their stored rows, and their images, which threads may still be reading.

    ``keys``: keys of the items; ``before``: all their stored rows; ``seen``: their images in the
    catalog; ``gone``: rows whose image is no longer in the catalog. ``reading`` and ``encoding``:
    futures of the work on the images; ``encoding`` is None until encoding begins.
    """

    keys: Sequence[str]
    before: list[Embedding]
    seen: list[Seen]
    gone: list[Embedding]
    reading: list[Future[None]]
    encoding: list[Future[None]] | None = None

    @property
    def changed(self) -> list[Seen]:
        """Images whose row must be written; call it only after all images are read."""
        return [one for one in self.seen if not one.unchanged or (one.row and one.row.removed)]


class Overtaken(Exception):
    """Raised if the catalog or the rows changed while a batch was being encoded."""


# Image files by (item key, file name).
Pictures = dict[tuple[str, str], FieldFile]
Also = Callable[[Counter[str]], None]


def refresh(keys: Iterable[str]) -> Counter[str]:
    """Bring the embeddings of these items up to date with the catalog; return counts of images.

    The keys of the counts are ``encoded``, ``unchanged``, ``removed`` and ``failed``. Changed
    images are encoded, and rows of hidden or deleted items are marked as removed. This is done for
    the encoder of every version that has not failed, so that a rollback loses nothing; the counts
    are of the active version's encoder. Raises ModelUnavailable if that encoder cannot be loaded,
    Overtaken if other processes keep writing the same rows.
    """
    keys = list(dict.fromkeys(keys))
    counts: list[Counter[str]] = []
    for encoder in versions.followed():
        counts.append(Counter(encoded=0, unchanged=0, removed=0, failed=0))
        with threads() as pool:
            for batch in batched(keys, conf.get("BATCH_SIZE")):
                counts[-1] += refresh_batch(encoder, gather(encoder, batch, pool), pool)
    return counts[0]


class Here(Executor):
    """An executor that runs each call immediately, in the calling thread."""

    def submit(self, work: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Call ``work`` and return a finished future with its result or exception."""
        future: Future[T] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


@contextmanager
def threads() -> Iterator[Executor]:
    """Yield an executor of ``INDEX_THREADS`` threads to read, decode and encode images.

    All of that work releases the GIL. Pending work is cancelled when the ``with`` block ends.
    """
    count = conf.get("INDEX_THREADS")
    pool: Executor = Here()
    if count > 1:
        pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix="visualsearch-index")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def refresh_batch(
    encoder: Encoder, batch: Batch, pool: Executor, also: Also = lambda counts: None
) -> Counter[str]:
    """Encode and store a batch from :func:`gather`; return counts of images.

    The keys of the counts are ``encoded``, ``unchanged``, ``removed`` and ``failed``. If another
    process wrote the batch's rows meanwhile, the batch is gathered again; raises Overtaken after
    :data:`MAX_ATTEMPTS` attempts. ``also``: called with the counts in the transaction that writes
    the rows.
    """
    for _ in range(MAX_ATTEMPTS):
        with suppress(Overtaken):
            counts = settle(encoder, batch, pool, also)
            images_indexed.send_robust(sender=None, encoder=encoder.id, counts=counts)
            return counts
        batch = gather(encoder, batch.keys, pool)
    raise Overtaken(f"{MAX_ATTEMPTS} times in a row others wrote about {', '.join(batch.keys)}")


def gather(
    encoder: Encoder, keys: Sequence[str], pool: Executor, found: Pictures | None = None
) -> Batch:
    """Return a batch of the items with these keys, and start reading their images in ``pool``.

    ``found``: the items' images, if already looked up. If the catalog has changed since that
    look-up, writing the batch raises Overtaken.
    """
    before = list(Embedding.objects.filter(encoder=encoder.id, item__in=keys).defer("vector"))
    rows = {(row.item, row.image): row for row in before}
    seen = [
        Seen(item=item, name=name, file=file, row=rows.pop((item, name), None))
        for (item, name), file in (pictures(keys) if found is None else found).items()
    ]
    limits = conf.limits()
    reading = [pool.submit(look, some, limits, encoder.input) for some in shares(seen)]
    gone = [row for row in rows.values() if not row.removed]
    return Batch(keys=keys, before=before, seen=seen, gone=gone, reading=reading)


def shares(images: Sequence[Seen]) -> Iterator[Sequence[Seen]]:
    """Split images evenly among the threads, into slices of at most ``BATCH_SIZE`` images."""
    size = ceil(len(images) / conf.get("INDEX_THREADS"))
    return batched(images, max(1, min(size, conf.get("BATCH_SIZE"))))


def begin_encoding(encoder: Encoder, batch: Batch, pool: Executor) -> None:
    """Wait until the batch's images are read, then let ``pool`` encode the changed ones."""
    for reading in batch.reading:
        reading.result()
    images = [one for one in batch.seen if one.image is not None]
    # A single image, as after most changes of a product, is not worth a switch of threads.
    where = pool if len(images) > 1 else Here()
    batch.encoding = [where.submit(encode, encoder, some) for some in shares(images)]


def settle(encoder: Encoder, batch: Batch, pool: Executor, also: Also) -> Counter[str]:
    """Encode a batch, write its rows in one transaction, and return the counts of images.

    ``also``: called with the counts in that transaction. Raises Overtaken if the catalog or the
    rows have changed since the batch was gathered. That check is in the transaction too; otherwise
    the slower of two tasks could mark a product as removed that was hidden and shown again at once.
    """
    if batch.encoding is None:
        begin_encoding(encoder, batch, pool)
    for encoding in batch.encoding or ():
        encoding.result()
    changed = batch.changed
    counts = Counter(unchanged=len(batch.seen) - len(changed))
    with transaction.atomic():
        Revision.hold()
        if revisions(encoder, batch.keys) != {row.pk: row.revision for row in batch.before}:
            raise Overtaken
        if pictures(batch.keys).keys() != {(one.item, one.name) for one in batch.seen}:
            raise Overtaken
        if changed or batch.gone:
            versions.ensure_active(encoder)
            counts += write(encoder, changed, batch.gone, Revision.take())
            live.push(encoder, transactional=True)
        also(counts)
    if changed or batch.gone:
        live.push(encoder, transactional=False)
    return counts


def unchanged_items(
    encoder: Encoder, keys: Sequence[str], pool: Executor
) -> Iterator[tuple[str, Pictures, bool]]:
    """Yield ``(item, images, unchanged)`` for each item, in the order of ``keys``.

    ``images``: the item's files. ``unchanged``: whether all its rows are up to date, by the hashes
    of the files. Files are hashed only if their names match the rows; no image is decoded and no
    row locked.
    """
    known: dict[str, dict[str, str]] = {key: {} for key in keys}
    rows = Embedding.objects.filter(encoder=encoder.id, item__in=keys, removed=False)
    for item, image, digest, error in rows.values_list("item", "image", "content_hash", "error"):
        known[item][image] = "" if error else digest
    files: dict[str, dict[str, FieldFile]] = {key: {} for key in keys}
    for (item, name), file in pictures(keys).items():
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


def pictures(keys: Sequence[str]) -> Pictures:
    """Return the image files of the visible items among ``keys``, by item key and file name."""
    source = catalog()
    return {
        (key, name): file
        for key, item in source.by_key(keys).items()
        for name, file in files_by_name(source.images(item)).items()
    }


def revisions(encoder: Encoder, keys: Sequence[str]) -> dict[int, int]:
    """Return the revision of each stored row of these items, by primary key of the row."""
    rows = Embedding.objects.filter(encoder=encoder.id, item__in=keys)
    return dict(rows.values_list("pk", "revision"))


def files_by_name(files: Iterable[FieldFile]) -> dict[str, FieldFile]:
    """Return an item's image files by name; empty fields are left out and repeated names merged."""
    return {str(file.name): file for file in files if file}


def read(file: FieldFile) -> bytes:
    """Return the bytes of a stored file."""
    with file.storage.open(str(file.name)) as stored:
        data: bytes = stored.read()
    return data


def digests_of(files: Sequence[FieldFile]) -> list[str]:
    """Return the SHA-256 of each stored file in hexadecimal, "" for one that cannot be read."""
    found = []
    for file in files:
        digest = ""
        with suppress(Exception):  # the error is recorded when the file is read for encoding
            digest = hashlib.sha256(read(file)).hexdigest()
        found.append(digest)
    return found


def look(images: Sequence[Seen], limits: Limits, spec: InputSpec | None) -> None:
    """Read and hash some images in place, and decode those whose content has changed.

    Decoded images are scaled to the encoder's input size (``spec``) to save memory until they are
    encoded. Errors are stored in :attr:`Seen.error`.
    """
    for seen in images:
        data = read_and_hash(seen)
        if data is None or seen.unchanged:
            continue
        try:
            image = open_photo(data, limits=limits).image
        except PhotoError as error:
            seen.error = str(error)
        else:
            seen.image = square(image, spec) if spec else image


def read_and_hash(seen: Seen) -> bytes | None:
    """Return the bytes of an image file and set ``seen.content_hash``.

    Returns None if the file cannot be read, and stores the reason in ``seen.error``.
    """
    try:
        data = read(seen.file)
    except Exception as error:  # storages raise errors of their own
        seen.error = f"The file cannot be read: {getattr(error, 'strerror', None) or error}"
        seen.unreadable = True
        return None
    seen.content_hash = hashlib.sha256(data).hexdigest()
    return data


def encode(encoder: Encoder, images: Sequence[Seen]) -> None:
    """Encode the decoded images: set the ``vector`` of each and free its ``image``."""
    encoding = encoder.encode([seen.image for seen in images if seen.image is not None])
    for seen, vector in zip(images, encoding.embeddings, strict=True):
        seen.vector, seen.image = to_bytes(vector), None


def write(
    encoder: Encoder, changed: Sequence[Seen], gone: Sequence[Embedding], revision: int
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
    counts["unchanged"] = mark(back, removed=False, retry_at=None, **stamp)
    counts["removed"] = mark(gone, removed=True, **stamp)
    return counts


def mark(rows: Sequence[Embedding], **values: Any) -> int:
    """Set the same field values on some rows; return the number of rows updated."""
    if not rows:
        return 0
    return Embedding.objects.filter(pk__in=[row.pk for row in rows]).update(**values)


def row_for(encoder: Encoder, seen: Seen, revision: int) -> Embedding:
    """Return the unsaved row of an image, with its vector or its error.

    A row whose file could not be read gets the time of its next attempt in ``retry_at``.
    """
    row = Embedding(
        encoder=encoder.id,
        item=seen.item,
        image=seen.name,
        content_hash=seen.content_hash,
        vector=seen.vector,
        error=seen.error[:300],
        revision=revision,
    )
    if seen.error:
        row.attempts = seen.row.attempts + 1 if seen.row and seen.row.error else 1
        # Retry storage errors only: a file that is not an image will not become one.
        if seen.unreadable and row.attempts <= len(RETRY_AFTER):
            row.retry_at = timezone.now() + RETRY_AFTER[row.attempts - 1]
    return row


def due_for_retry() -> list[str]:
    """Return the keys of the items with an unreadable image that should be tried again now."""
    failed = Embedding.objects.filter(removed=False, retry_at__lte=timezone.now())
    return list(failed.order_by("item").values_list("item", flat=True).distinct())
