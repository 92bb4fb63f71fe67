"""Photos out of request bodies, in memory and within the limit, refused while reading."""

from __future__ import annotations

import base64
import binascii
import io
import json
from collections.abc import Mapping
from typing import IO, Any

from django.core.files.uploadedfile import InMemoryUploadedFile
from django.core.files.uploadhandler import FileUploadHandler
from django.utils.translation import gettext
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from .. import conf, dispatch
from ..exceptions import (
    BatchTooLarge,
    ImageEmpty,
    ImageMissing,
    ImageTooLarge,
    InvalidBase64,
    Overloaded,
    VisualSearchError,
)
from ..fetching import fetch
from . import bodies

# Bytes that are read at a time. Web servers keep what has arrived in one buffer and copy what is
# left of it at each read.
CHUNK = 1024 * 1024
# Besides the photo a JSON body holds a few short fields.
JSON_SLACK = 16 * 1024
# A body over the limit is read on without keeping it, so that the client is there to read the
# answer; past this many times the limit it is not read any further.
DRAIN = 4


def too_large() -> ImageTooLarge:
    """The refusal, with the limit in it."""
    return ImageTooLarge(limit_mb=conf.get("MAX_PHOTO_BYTES") // 1_000_000)


class PhotoUploadHandler(FileUploadHandler):
    """Keeps an uploaded photo in memory, never on disk, and stops keeping it at the limit.

    All files of a request together are no larger than its one photo may be.
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
        """Bytes of all files together."""
        return int(conf.get("MAX_PHOTO_BYTES"))

    def refusal(self) -> VisualSearchError:
        """Of more than these."""
        return too_large()

    def receive_data_chunk(self, raw_data: bytes, start: int) -> None:
        self.seen += len(raw_data)
        self.together += len(raw_data)
        if self.together > self.most * DRAIN:
            raise self.refusal()
        fits = self.seen <= conf.get("MAX_PHOTO_BYTES") and self.together <= self.most
        if fits and self.room:
            self.room = bodies.hold(len(raw_data))
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
    """The same for several photos."""

    @property
    def most(self) -> int:
        return int(conf.get("MAX_BATCH_BYTES"))

    def refusal(self) -> VisualSearchError:
        return batch_too_large()


def batch_too_large() -> BatchTooLarge:
    """The refusal, with the limit in it."""
    return BatchTooLarge(limit_mb=conf.get("MAX_BATCH_BYTES") // 1_000_000)


class BoundedJSONParser(BaseParser):
    """JSON of at most the base64 size of the largest photo.

    Django's own limit on bodies held in memory is lower than a photo, and answers with HTML.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """The body as a dict; raises ImageTooLarge or ParseError."""
        body = self.read(stream)
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ParseError(gettext("The body is not valid JSON.")) from error
        if not isinstance(parsed, dict):
            raise ParseError(gettext("The body must be a JSON object with the field “image”."))
        return parsed

    def read(self, stream: IO[bytes]) -> bytes:
        """The bytes of the body."""
        return read_bounded(stream, conf.get("MAX_PHOTO_BYTES") * 4 // 3 + JSON_SLACK)


class BatchJSONParser(BoundedJSONParser):
    """JSON of at most the base64 size of the largest batch."""

    def read(self, stream: IO[bytes]) -> bytes:
        try:
            return read_bounded(stream, conf.get("MAX_BATCH_BYTES") * 4 // 3 + JSON_SLACK)
        except ImageTooLarge as error:
            raise batch_too_large() from error


class SmallJSONParser(BoundedJSONParser):
    """JSON of a few short fields."""

    def read(self, stream: IO[bytes]) -> bytes:
        try:
            return read_bounded(stream, JSON_SLACK)
        except ImageTooLarge as error:
            raise ParseError(gettext("The body is too large. Send one event at a time.")) from error


def read_bounded(stream: IO[bytes], limit: int) -> bytes:
    """All of a stream; raises ImageTooLarge above ``limit`` bytes, or Overloaded."""
    kept, seen, room = io.BytesIO(), 0, True
    while chunk := stream.read(CHUNK):
        seen += len(chunk)
        if seen <= limit and room:
            room = bodies.hold(len(chunk))
            kept.write(chunk)
        elif seen > limit * DRAIN:
            break
        else:
            kept = io.BytesIO()
            bodies.dropped()
    if seen > limit:
        raise too_large()
    if not room:
        raise Overloaded
    return kept.getvalue()


def photo_from(fields: Mapping[str, Any]) -> bytes:
    """The bytes of a request's photo: its field ``image``, or fetched from ``image_url``.

    The second is unknown unless FETCH_ORIGINS names somebody. Raises as :func:`photo_bytes` and
    :func:`visualsearch.fetching.fetch` do, or Overloaded.
    """
    image, url = fields.get("image"), fields.get("image_url")
    if image is None and isinstance(url, str) and conf.get("FETCH_ORIGINS"):
        # Who waits for another server takes one of the places of searches.
        with dispatch.place():
            data = fetch(url, conf.fetch_rules())
        if not data:
            raise ImageEmpty
        return data
    return photo_bytes(image)


def photo_bytes(value: Any) -> bytes:
    """The bytes of the field ``image``: an uploaded file, base64 text, or a data URL.

    Raises ImageMissing, ImageEmpty, ImageTooLarge or InvalidBase64.
    """
    if value is None:
        raise ImageMissing
    if isinstance(value, InMemoryUploadedFile):
        data = value.read()
        # What is larger by itself, or together with other files, was not kept.
        if (value.size or 0) > len(data):
            raise too_large()
    elif isinstance(value, str):
        data = decode_base64(value)
    else:
        raise ImageMissing
    if not data:
        raise ImageEmpty
    return data


def decode_base64(text: str) -> bytes:
    """Bytes of base64 (line breaks and URL-safe alphabet allowed) or of a base64 data URL."""
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
