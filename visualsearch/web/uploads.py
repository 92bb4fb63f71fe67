"""Read photos from request bodies into memory, within limits."""

from __future__ import annotations

import base64
import binascii
import io
from collections.abc import Mapping
from typing import IO, Any

from django.core.files.uploadedfile import InMemoryUploadedFile, UploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.http import HttpRequest

from .. import conf
from ..exceptions import (
    BatchTooLarge,
    ImageEmpty,
    ImageMissing,
    ImageTooLarge,
    InvalidBase64,
    Overloaded,
    VisualSearchError,
)
from ..photos.download import fetch
from ..search_queue import admission
from . import memory_budget

# Bytes per read. Web servers keep what has arrived in one buffer, and copy the rest of it at each
# read.
CHUNK = 1024 * 1024
# A body over the limit is read to its end without keeping it, so that the client gets to read the
# response. Reading stops at this multiple of the limit.
DRAIN = 4


def too_large() -> ImageTooLarge:
    """Return the error for a photo over ``MAX_PHOTO_BYTES``, to be raised."""
    return ImageTooLarge(limit_mb=conf.get("MAX_PHOTO_BYTES") // 1_000_000)


class PhotoUploadHandler(FileUploadHandler):
    """An upload handler that keeps a photo in memory, and discards it over the size limit.

    The limit of one photo holds for all files of a request together. Raises Overloaded if the
    process's memory for bodies is used up.
    """

    chunk_size = CHUNK
    together = 0
    room = True

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        super().new_file(*args, **kwargs)
        self.kept = io.BytesIO()
        self.seen = 0

    @property
    def most(self) -> int:
        """Limit in bytes for all files of the request together."""
        return int(conf.get("MAX_PHOTO_BYTES"))

    def refusal(self) -> VisualSearchError:
        """Return the error for files larger than :attr:`most` together, to be raised."""
        return too_large()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.seen += len(raw_data)
        self.together += len(raw_data)
        if self.together > self.most * DRAIN:
            raise self.refusal()
        fits = self.seen <= conf.get("MAX_PHOTO_BYTES") and self.together <= self.most
        if fits and self.room:
            self.room = memory_budget.reserve(len(raw_data))
            self.kept.write(raw_data)
        else:
            self.kept = io.BytesIO()

    def file_complete(self, file_size: int) -> InMemoryUploadedFile:
        self.kept.seek(0)
        return InMemoryUploadedFile(
            self.kept, self.field_name, "photo", self.content_type, self.seen, self.charset
        )

    def upload_complete(self) -> None:
        if not self.room:
            raise Overloaded


class BatchUploadHandler(PhotoUploadHandler):
    """An upload handler for several photos, with ``MAX_BATCH_BYTES`` for all together."""

    @property
    def most(self) -> int:
        return int(conf.get("MAX_BATCH_BYTES"))

    def refusal(self) -> VisualSearchError:
        return batch_too_large()


def receive_with(handler: type[PhotoUploadHandler], request: HttpRequest) -> None:
    """Let ``handler`` receive the request's files.

    Files of a form that the shop's middleware has read already stay as Django has stored them.
    """
    if not hasattr(request, "_files"):
        request.upload_handlers = [handler(request)]


def batch_too_large() -> BatchTooLarge:
    """Return the error for photos over ``MAX_BATCH_BYTES``, to be raised."""
    return BatchTooLarge(limit_mb=conf.get("MAX_BATCH_BYTES") // 1_000_000)


def read_bounded(stream: IO[bytes], limit: int) -> bytes:
    """Return all bytes of a stream.

    Raises ImageTooLarge above ``limit`` bytes, Overloaded if the process's memory for bodies is
    used up.
    """
    kept, seen, room = io.BytesIO(), 0, True
    while chunk := stream.read(CHUNK):
        seen += len(chunk)
        if seen <= limit and room:
            room = memory_budget.reserve(len(chunk))
            kept.write(chunk)
        elif seen > limit * DRAIN:
            break
        else:
            kept = io.BytesIO()
            memory_budget.release_all()
    if seen > limit:
        raise too_large()
    if not room:
        raise Overloaded
    return kept.getvalue()


def photo_from(fields: Mapping[str, Any]) -> bytes:
    """Return the bytes of a request's photo, from ``image`` or downloaded from ``image_url``.

    ``image_url`` is ignored if the setting FETCH_ORIGINS is empty. Raises Overloaded if too many
    searches run, and the errors of :func:`photo_bytes` and
    :func:`visualsearch.photos.download.fetch`.
    """
    image, url = fields.get("image"), fields.get("image_url")
    if image is None and isinstance(url, str) and conf.get("FETCH_ORIGINS"):
        # A download occupies one of the process's search slots.
        with admission.running_search():
            data = fetch(url, conf.fetch_rules())
        if not data:
            raise ImageEmpty
        return data
    return photo_bytes(image)


def photo_bytes(value: Any) -> bytes:
    """Return the bytes of the field ``image``: an uploaded file, bytes, base64 text, or a data URL.

    Raises ImageMissing if ``value`` is none of these, InvalidBase64 if text cannot be decoded,
    ImageTooLarge if the upload handler discarded the file, and ImageEmpty if there are no bytes.
    """
    if value is None:
        raise ImageMissing
    if isinstance(value, UploadedFile):
        size = value.size or 0
        data = value.read() if size <= conf.get("MAX_PHOTO_BYTES") else b""
        # The upload handler discards a file over the limit, alone or together with others.
        if size > len(data):
            raise too_large()
    elif isinstance(value, bytes):
        data = value
    elif isinstance(value, str):
        data = decode_base64(value)
    else:
        raise ImageMissing
    if not data:
        raise ImageEmpty
    return data


def decode_base64(text: str) -> bytes:
    """Return the bytes of base64 text or of a base64 data URL.

    Line breaks, the URL-safe alphabet and missing padding are allowed. Raises InvalidBase64 for any
    other text.
    """
    if text.startswith("data:"):
        head, comma, text = text.partition(",")
        if not comma or not head.endswith(";base64"):
            raise InvalidBase64
    compact = "".join(text.split()).replace("-", "+").replace("_", "/")
    padded = compact + "=" * (-len(compact) % 4)
    try:
        return base64.b64decode(padded, validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidBase64 from error
