"""Requests and results as bytes on their way through Redis; the only place that knows how."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

import msgspec
from django.core.exceptions import ValidationError
from django.utils.functional import Promise

from .. import exceptions
from ..exceptions import VisualSearchError
from ..search.requests import (
    ClassifyRequest,
    EmbedRequest,
    PageRequest,
    Request,
    SearchRequest,
    SimilarRequest,
)
from ..search.results import Classification, EmbeddedPhoto, SearchResult
from .photo_packing import PackedPhoto

R = TypeVar("R")

REQUESTS: dict[str, type[Request[Any]]] = {
    each.kind: each
    for each in (SearchRequest, PageRequest, SimilarRequest, ClassifyRequest, EmbedRequest)
}


@dataclass(frozen=True, kw_only=True)
class Job:
    """A request on its way to a search worker.

    ``photo``: None if the request needs none. ``stages``: milliseconds spent so far by stage.
    ``language``: language code of error messages. ``catalog``: name of the catalog to search, None
    for the default one. ``seconds``: time until the job expires. ``context``: values that receivers
    of the signal ``job_posted`` added. ``waited``: milliseconds in the queue, set when a worker
    takes the job.
    """

    kind: str
    request: msgspec.Raw
    photo: PackedPhoto | None = None
    stages: dict[str, float] = field(default_factory=dict)
    language: str = "en"
    catalog: str | None = None
    seconds: float
    context: dict[str, Any] = field(default_factory=dict)
    waited: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Failure:
    """An error as a value: an exception does not keep its code between processes.

    ``code``: that of a VisualSearchError, whose ``params`` follow; or ``invalid`` for a
    ValidationError, whose ``messages`` follow by field.
    """

    code: str
    params: dict[str, Any] = field(default_factory=dict)
    messages: dict[str, list[str]] = field(default_factory=dict)

    def error(self) -> Exception:
        """Return the exception that this describes, to be raised."""
        if self.code == "invalid":
            return ValidationError(self.messages)
        return errors()[self.code](**self.params)


def errors() -> dict[str, type[VisualSearchError]]:
    """Return all classes of VisualSearchError, by their ``code``."""
    kinds = [kind for kind in vars(exceptions).values() if isinstance(kind, type)]
    return {kind.code: kind for kind in kinds if issubclass(kind, VisualSearchError)}


@dataclass(frozen=True, kw_only=True)
class Reply(Generic[R]):
    """What a worker returns: a result, or why there is none."""

    result: R | None = None
    failure: Failure | None = None


@dataclass(frozen=True, kw_only=True)
class ReplyWithoutResult:
    """A reply without its result."""

    failure: Failure | None = None


REPLIES: dict[str, msgspec.msgpack.Decoder[Reply[Any]]] = {
    "search": msgspec.msgpack.Decoder(Reply[SearchResult]),
    "page": msgspec.msgpack.Decoder(Reply[SearchResult]),
    "similar": msgspec.msgpack.Decoder(Reply[SearchResult]),
    "classify": msgspec.msgpack.Decoder(Reply[Classification]),
    "embed": msgspec.msgpack.Decoder(Reply[EmbeddedPhoto]),
}


def encode_request(request: Request[Any]) -> msgspec.Raw:
    return msgspec.Raw(encode(request))


def decode_request(job: Job) -> Request[Any]:
    """Return the request of a job; raise KeyError or ValueError if this version knows none such."""
    return msgspec.msgpack.decode(job.request, type=REQUESTS[job.kind])


def decode_job(data: bytes) -> Job:
    """Return a job; raise ValueError if ``data`` is none."""
    return msgspec.msgpack.decode(data, type=Job)


def decode_reply(data: bytes, kind: str) -> Reply[Any]:
    """Return the reply to a request of this kind; raise ValueError if ``data`` is none."""
    return REPLIES[kind].decode(data)


def decode_failure(data: bytes) -> Failure | None:
    """Return the failure in a reply to a request of any kind, None if it succeeded."""
    return msgspec.msgpack.decode(data, type=ReplyWithoutResult).failure


def encode(value: Any) -> bytes:
    """Serialise a dataclass; raise TypeError if a shop's card holds more than plain values."""
    return msgspec.msgpack.encode(value, enc_hook=to_plain_value)


def to_plain_value(value: Any) -> Any:
    """Return a lazy translation as text, and a NumPy value as a Python one.

    Raises TypeError for anything else.
    """
    if isinstance(value, Promise):
        return str(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} is not a JSON value")
