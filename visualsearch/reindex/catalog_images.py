"""Find, hash and encode the images of catalog items."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from math import ceil
from typing import Any, TypeVar

from django.db import router
from PIL import Image

from .. import conf
from ..batched import batched
from ..catalogs import ImageFile, catalog, read_file
from ..catalogs.primary_reads import primary_reads
from ..encoders.base import Encoder
from ..encoders.preprocess import InputSpec, square
from ..exceptions import PhotoError
from ..models import Embedding, to_bytes
from ..models.primary import MAX_KEY, MAX_NAME
from ..photos.decode import RULES, Limits, open_photo
from ..photos.picture_traits import class_traits, traits_of

logger = logging.getLogger(__name__)

T = TypeVar("T")
# Most bytes of a key and a name: PostgreSQL's limit for a row of an index, less the encoder's id.
MAX_BYTES = 2400
# Images that one thread hashes at a time.
HASHED = 25


@dataclass
class CatalogImage:
    """An image as it is in the catalog now, and its stored row (None for a new image).

    ``item``: key of the item; ``name``: name of the file in its storage, or its URL.
    ``content_hash``: SHA-256 of the file. ``image`` is set between decoding and encoding,
    ``vector`` after encoding. ``error``: why the file cannot be used; ``unreadable``: whether it
    could not be read from its storage. ``traits``: see :mod:`visualsearch.photos.picture_traits`.
    """

    item: str
    name: str
    file: ImageFile
    row: Embedding | None
    content_hash: str = ""
    image: Image.Image | None = None
    error: str = ""
    unreadable: bool = False
    vector: bytes = field(default=b"", repr=False)
    traits: dict[str, Any] | None = None

    @property
    def unchanged(self) -> bool:
        """Whether the stored row has the embedding of the file's present content, as decoded today.

        Also True for a row that is marked as removed.
        """
        row = self.row
        if row is None or row.error or row.rules != RULES:
            return False
        return row.content_hash == self.content_hash


@dataclass
class Batch:
    """Some items, their stored rows, and their images, which threads may still be reading.

    ``keys``: keys of the items; ``before``: all their stored rows; ``seen``: their images in the
    catalog; ``gone``: rows whose image is no longer in the catalog. ``reading`` and ``encoding``:
    futures of the work on the images; ``encoding`` is None until encoding begins.
    """

    keys: Sequence[str]
    before: list[Embedding]
    seen: list[CatalogImage]
    gone: list[Embedding]
    reading: list[Future[None]]
    encoding: list[Future[None]] | None = None

    @property
    def changed(self) -> list[CatalogImage]:
        """Images whose row must be written; call it only after all images are read."""
        return [one for one in self.seen if not one.unchanged or (one.row and one.row.removed)]


# Image files by (item key, file name).
ImageFiles = dict[tuple[str, str], ImageFile]


class InlineExecutor(Executor):
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
def thread_pool() -> Iterator[Executor]:
    """Yield an executor of ``INDEX_THREADS`` threads to read, decode and encode images.

    All of that work releases the GIL. Pending work is cancelled when the ``with`` block ends.
    """
    count = conf.get("INDEX_THREADS")
    pool: Executor = InlineExecutor()
    if count > 1:
        pool = ThreadPoolExecutor(max_workers=count, thread_name_prefix="visualsearch-index")
    try:
        yield pool
    finally:
        pool.shutdown(cancel_futures=True)


def gather_batch(
    encoder: Encoder, keys: Sequence[str], pool: Executor, found: ImageFiles | None = None
) -> Batch:
    """Return a batch of the items with these keys, and start reading their images in ``pool``.

    ``found``: the items' images, if already looked up. If the catalog has changed since that
    look-up, writing the batch raises ChangedMeanwhile.
    """
    before = list(Embedding.objects.filter(encoder=encoder.id, item__in=keys).defer("vector"))
    rows = {(row.item, row.image): row for row in before}
    seen = [
        CatalogImage(item=item, name=name, file=file, row=rows.pop((item, name), None))
        for (item, name), file in (image_files(keys) if found is None else found).items()
    ]
    limits = conf.catalog_limits(encoder.side)
    reading = [pool.submit(read_images, some, limits, encoder.input) for some in slices(seen)]
    gone = [row for row in rows.values() if not row.removed]
    return Batch(keys=keys, before=before, seen=seen, gone=gone, reading=reading)


def slices(images: Sequence[CatalogImage]) -> Iterator[Sequence[CatalogImage]]:
    """Split images evenly among the threads, into slices of at most ``BATCH_SIZE`` images."""
    size = ceil(len(images) / conf.get("INDEX_THREADS"))
    return batched(images, max(1, min(size, conf.get("BATCH_SIZE"))))


def begin_encoding(encoder: Encoder, batch: Batch, pool: Executor) -> None:
    """Wait until the batch's images are read, then let ``pool`` encode the changed ones."""
    for reading in batch.reading:
        reading.result()
    images = [one for one in batch.seen if one.image is not None]
    # A single image, as after most changes of a product, is not worth a switch of threads.
    where = pool if len(images) > 1 else InlineExecutor()
    batch.encoding = [where.submit(encode_images, encoder, some) for some in slices(images)]


def image_files(keys: Sequence[str]) -> ImageFiles:
    """Return the image files of the visible items among ``keys``, by item key and file name."""
    source = catalog()
    # A replica may not have the change that led to this.
    with primary_reads():
        visible = source.visible().using(router.db_for_write(source.model))
        return {
            (key, name): file
            for key, item in source.by_key(keys, visible).items()
            for name, file in files_by_name(source.safe_files(item)).items()
            if fits(key, name)
        }


def fits(key: str, name: str) -> bool:
    """Return whether a row can hold an item's key and an image's name; log an error if not."""
    try:
        size = len(key.encode()) + len(name.encode())
    except UnicodeEncodeError:
        size = MAX_BYTES + 1
    short = len(key) <= MAX_KEY and len(name) <= MAX_NAME and size <= MAX_BYTES
    if short and "\x00" not in key + name:
        return True
    logger.error(
        "An image of the item %.80r is not indexed: its key has over %s characters, its name over"
        " %s, both have over %s bytes, or they are not text: %.80r",
        key,
        MAX_KEY,
        MAX_NAME,
        MAX_BYTES,
        name,
    )
    return False


def files_by_name(files: Iterable[ImageFile]) -> dict[str, ImageFile]:
    """Return an item's image files by name; repeated names are merged."""
    return {str(file.name): file for file in files}


def digests_of(files: Sequence[ImageFile]) -> list[str]:
    """Return the SHA-256 of each stored file in hexadecimal, "" for one that cannot be read."""
    found = []
    for file in files:
        digest = ""
        with suppress(Exception):  # the error is recorded when the file is read for encoding
            digest = hashlib.sha256(read_file(file)).hexdigest()
        found.append(digest)
    return found


def read_images(images: Sequence[CatalogImage], limits: Limits, spec: InputSpec | None) -> None:
    """Read and hash some images in place, and decode those whose content has changed.

    Decoded images are scaled to the encoder's input size (``spec``) to save memory until they are
    encoded. Errors are stored in :attr:`CatalogImage.error`.
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
            seen.traits = traits_of(data, image)
            seen.image = square(image, spec) if spec else image


def read_and_hash(seen: CatalogImage) -> bytes | None:
    """Return the bytes of an image file and set ``seen.content_hash``.

    Returns None if the file cannot be read, and stores the reason in ``seen.error``.
    """
    try:
        data = read_file(seen.file)
    except Exception as error:  # storages raise errors of their own
        seen.error = f"The file cannot be read: {getattr(error, 'strerror', None) or error}"
        seen.unreadable = True
        return None
    seen.content_hash = hashlib.sha256(data).hexdigest()
    return data


def encode_images(encoder: Encoder, images: Sequence[CatalogImage]) -> None:
    """Encode the decoded images: set the ``vector`` of each and free its ``image``."""
    encoding = encoder.encode([seen.image for seen in images if seen.image is not None])
    found = zip(images, encoding.embeddings, encoding.probabilities, strict=True)
    for seen, vector, probabilities in found:
        seen.vector, seen.image = to_bytes(vector), None
        seen.traits = {**(seen.traits or {}), **class_traits(encoder.labels, probabilities)}
