"""Parse JSON bodies, and reject those over the limit while reading."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import IO, Any

from django.utils.translation import gettext
from rest_framework.exceptions import ParseError
from rest_framework.parsers import BaseParser

from .. import conf
from ..exceptions import ImageTooLarge
from ..web.uploads import batch_too_large, read_bounded

# Bytes for the other fields of a JSON body, which are few and short.
JSON_SLACK = 16 * 1024


class BoundedJSONParser(BaseParser):
    """A JSON parser for bodies up to the base64 size of the largest photo.

    Django's own limit is lower than that, and its error response is HTML.
    """

    media_type = "application/json"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        """Return the JSON object in the body.

        Raises ImageTooLarge over the limit, Overloaded if the process's memory for bodies is used
        up, ParseError unless the body is a JSON object.
        """
        body = self.read(stream)
        try:
            parsed = json.loads(body)
        except (ValueError, RecursionError) as error:
            raise ParseError(gettext("The request body is not valid JSON.")) from error
        if not isinstance(parsed, dict):
            raise ParseError(
                gettext("The request body must be a JSON object with the field “image”.")
            )
        return parsed

    def read(self, stream: IO[bytes]) -> bytes:
        """Return the bytes of the body; raises what :func:`read_bounded` raises."""
        return read_bounded(stream, conf.get("MAX_PHOTO_BYTES") * 4 // 3 + JSON_SLACK)


class BatchJSONParser(BoundedJSONParser):
    """A JSON parser for bodies up to the base64 size of the largest batch."""

    def read(self, stream: IO[bytes]) -> bytes:
        try:
            return read_bounded(stream, conf.get("MAX_BATCH_BYTES") * 4 // 3 + JSON_SLACK)
        except ImageTooLarge as error:
            raise batch_too_large() from error


class SmallJSONParser(BoundedJSONParser):
    """A JSON parser for bodies of at most 16 kB."""

    def read(self, stream: IO[bytes]) -> bytes:
        try:
            return read_bounded(stream, JSON_SLACK)
        except ImageTooLarge as error:
            raise ParseError(
                gettext("The request body is too large. Send one event at a time.")
            ) from error
