"""Parse bodies that are a photo's bytes, and reject those over the limit while reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext
from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser
from rest_framework.request import Request
from rest_framework.utils.mediatypes import media_type_matches

from .. import conf
from ..exceptions import BodyTimeout
from ..web.uploads import read_bounded


class RawPhotoParser(BaseParser):
    """A parser for a photo's bytes, whatever image type the request declares."""

    media_type = "image/*"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, bytes]:
        """Return the body as the field ``image``.

        Raises UnsupportedMediaType if the body is compressed, ImageTooLarge above
        ``MAX_PHOTO_BYTES``, Overloaded if the process's memory for bodies is used up, BodyTimeout
        if the client disconnected before it sent all bytes.
        """
        request: Request = (parser_context or {})["request"]
        check_encoding(request)
        data = read_bounded(stream, conf.get("MAX_PHOTO_BYTES"))
        if len(data) < int(request.META.get("CONTENT_LENGTH", 0)):
            raise BodyTimeout
        return {"image": data}


class OctetStreamParser(RawPhotoParser):
    """A parser for a photo's bytes from a client that does not know their type."""

    media_type = "application/octet-stream"


RAW_PARSERS = (RawPhotoParser, OctetStreamParser)


def check_encoding(request: Request) -> None:
    """Raise UnsupportedMediaType if the request has a Content-Encoding."""
    encoding = request.headers.get("Content-Encoding", "").strip().lower()
    if encoding not in ("", "identity"):
        raise UnsupportedMediaType(encoding, gettext("Send the photo without Content-Encoding."))


def is_empty_photo(request: Request) -> bool:
    """Return whether the request is a photo of 0 bytes, for which no parser is called."""
    kinds = [each.media_type for each in RAW_PARSERS]
    raw = any(media_type_matches(kind, request.content_type) for kind in kinds)
    return raw and request.META.get("CONTENT_LENGTH") == "0"
