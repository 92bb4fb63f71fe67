"""Keep rows equal to the catalog: which images changed, what becomes of each."""

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
# Pictures that one thread hashes at a time.
HASHED = 25

# What a row is known by, and what changes with its image.
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

# After which time a file that could not be read is tried again, by the number of attempts.
RETRY_AFTER = [timedelta(minutes=minutes) for minutes in (1, 5, 30, 120, 720)]


@dataclass
class Seen:
    """One image as the catalog has it now, against the row that stands for it."""

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
        """The row has this very content, encoded: nothing is left to do but to bring it back."""
        row = self.row
        return row is not None and not row.error and row.content_hash == self.content_hash


@dataclass
class Batch:
    """Some items, their rows as they were, and their pictures, which are being read.

    ``encoding``: of the pictures that changed; None until that is begun.
    """

    keys: Sequence[str]
    before: list[Embedding]
    seen: list[Seen]
    gone: list[Embedding]
    reading: list[Future[None]]
    encoding: list[Future[None]] | None = None

    @property
    def changed(self) -> list[Seen]:
        """Pictures whose row must be written; call it once all are read."""
        return [one for one in self.seen if not one.unchanged or (one.row and one.row.removed)]


class Overtaken(Exception):
    """The items changed since they were read, or another process wrote about them."""


# By item and name.
Pictures = dict[tuple[str, str], FieldFile]
Also = Callable[[Counter[str]], None]


def refresh(keys: Iterable[str]) -> Counter[str]:
    """Bring the rows of these items to what the catalog says now.

    Changed images are encoded, hidden or deleted ones are marked as removed, for every encoder
    that a kept version needs: so that each can be rolled back to. Counts the images of the first
    of them, the active one's: ``encoded``, ``unchanged``, ``removed``, ``failed``. Raises
    ModelUnavailable when that one cannot be loaded.
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
    """Does at once, in the thread that asks, what it is given."""

    def submit(self, work: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """The result, or the error, is in the future that is returned."""
        future: Future[T] = Future()
        try:
            future.set_result(work(*args, **kwargs))
        except BaseException as error:
            future.set_exception(error)
        return future


@contextmanager
def threads() -> Iterator[Executor]:
    """Threads that read, decode and encode pictures, all of which release the GIL.

    What waits is dropped on the way out.
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
    """Finish a gathered batch, anew if another process wrote about its items meanwhile.

    ``also`` is called with the counts in the transaction that writes the rows.
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
    """Look up the rows and pictures of some items, and have the pictures read by ``pool``.

    ``found``: their pictures, where that was looked up before. If they changed since, the batch
    is overtaken.
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
    """As many parts as there are threads, none of more images than may be encoded together."""
    size = ceil(len(images) / conf.get("INDEX_THREADS"))
    return batched(images, max(1, min(size, conf.get("BATCH_SIZE"))))


def begin_encoding(encoder: Encoder, batch: Batch, pool: Executor) -> None:
    """Have what changed encoded by ``pool``."""
    for reading in batch.reading:
        reading.result()
    images = [one for one in batch.seen if one.image is not None]
    # One picture, as after most changes of a product, is not worth a change of threads.
    where = pool if len(images) > 1 else Here()
    batch.encoding = [where.submit(encode, encoder, some) for some in shares(images)]


def settle(encoder: Encoder, batch: Batch, pool: Executor, also: Also) -> Counter[str]:
    """Encode outside the transaction, then write inside it; raises Overtaken.

    That nothing changed is judged inside it too: otherwise a product that is hidden and shown
    again at once could be marked as removed by the slower of two tasks, and stay so.
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
    """Each item, in order, its pictures, and whether nothing about it changed.

    Only items whose rows may be right are read for that; no picture is decoded, no row locked.
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
    """The pictures of those of the items that are visible now, by item and name."""
    source = catalog()
    return {
        (key, name): file
        for key, item in source.by_key(keys).items()
        for name, file in files_by_name(source.images(item)).items()
    }


def revisions(encoder: Encoder, keys: Sequence[str]) -> dict[int, int]:
    """The revision of each row of these items."""
    rows = Embedding.objects.filter(encoder=encoder.id, item__in=keys)
    return dict(rows.values_list("pk", "revision"))


def files_by_name(files: Iterable[FieldFile]) -> dict[str, FieldFile]:
    """An item's pictures, each name once: a row stands for one of them."""
    return {str(file.name): file for file in files if file}


def read(file: FieldFile) -> bytes:
    """The bytes of a stored picture."""
    with file.storage.open(str(file.name)) as stored:
        data: bytes = stored.read()
    return data


def digests_of(files: Sequence[FieldFile]) -> list[str]:
    """SHA-256 of each stored picture, or nothing if it cannot be read."""
    found = []
    for file in files:
        digest = ""
        with suppress(Exception):  # what is wrong with it is told where it is read to be encoded
            digest = hashlib.sha256(read(file)).hexdigest()
        found.append(digest)
    return found


def look(images: Sequence[Seen], limits: Limits, spec: InputSpec | None) -> None:
    """Read and hash some images, and decode those whose content is new.

    They are brought to what the encoder reads of them: what waits to be encoded is small.
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
    """The bytes of an image; None, and why, if it cannot be read."""
    try:
        data = read(seen.file)
    except Exception as error:  # each storage raises kinds of its own
        seen.error = f"The file cannot be read: {getattr(error, 'strerror', None) or error}"
        seen.unreadable = True
        return None
    seen.content_hash = hashlib.sha256(data).hexdigest()
    return data


def encode(encoder: Encoder, images: Sequence[Seen]) -> None:
    """Fill in the vectors."""
    encoding = encoder.encode([seen.image for seen in images if seen.image is not None])
    for seen, vector in zip(images, encoding.embeddings, strict=True):
        seen.vector, seen.image = to_bytes(vector), None


def write(
    encoder: Encoder, changed: Sequence[Seen], gone: Sequence[Embedding], revision: int
) -> Counter[str]:
    """Store what changed under one revision; counts images by what became of them."""
    stamp = {"revision": revision, "updated": timezone.now()}
    rows = [row_for(encoder, one, revision) for one in changed if not one.unchanged]
    # Those that exist keep their id, by which an index knows them.
    Embedding.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=UNIQUE, update_fields=UPDATED
    )
    counts = Counter("failed" if row.error else "encoded" for row in rows)
    back = [one.row for one in changed if one.unchanged and one.row]
    counts["unchanged"] = mark(back, removed=False, retry_at=None, **stamp)
    counts["removed"] = mark(gone, removed=True, **stamp)
    return counts


def mark(rows: Sequence[Embedding], **values: Any) -> int:
    """Update some rows alike; their number."""
    if not rows:
        return 0
    return Embedding.objects.filter(pk__in=[row.pk for row in rows]).update(**values)


def row_for(encoder: Encoder, seen: Seen, revision: int) -> Embedding:
    """What is to be stored of one image: as it was encoded, or why it was not."""
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
        # A picture that is no picture stays none; storage that does not answer may come back.
        if seen.unreadable and row.attempts <= len(RETRY_AFTER):
            row.retry_at = timezone.now() + RETRY_AFTER[row.attempts - 1]
    return row


def due_for_retry() -> list[str]:
    """Items with an image whose next attempt has come."""
    failed = Embedding.objects.filter(removed=False, retry_at__lte=timezone.now())
    return list(failed.order_by("item").values_list("item", flat=True).distinct())
