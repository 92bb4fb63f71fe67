"""Log what the app's signals report, with the id of the request that caused it."""

from __future__ import annotations

import re
import time
import uuid
from collections.abc import Mapping
from contextvars import ContextVar
from typing import Any

import structlog
from django.dispatch import receiver
from django.http import HttpRequest, HttpResponseBase
from django_structlog import signals as of_requests

from ... import signals

UID = "visualsearch.structlog"
HEADER = "X-Request-ID"
# Ids accepted from a proxy or a client, with no character that could confuse a log.
SANE = re.compile(r"[A-Za-z0-9._-]{8,64}")
# Log context that is sent along with a job.
TRAVELS = ("request_id",)

# Whether this thread answers a request, whose own log line is still to come.
_answering = ContextVar("answering", default=False)

logger = structlog.get_logger("visualsearch.search")


@receiver(of_requests.bind_extra_request_metadata, dispatch_uid=UID)
def name_request(request: HttpRequest, **kwargs: object) -> None:
    """Bind the request's id to the log context.

    The id is that of the header ``X-Request-ID`` if it is well-formed, else a random one.
    """
    given = request.headers.get(HEADER, "")
    name = given if SANE.fullmatch(given) else str(uuid.uuid4())
    structlog.contextvars.bind_contextvars(request_id=name)
    request.META[UID] = time.perf_counter()
    _answering.set(True)


@receiver(of_requests.bind_extra_request_finished_metadata, dispatch_uid=UID)
@receiver(of_requests.update_failure_response, dispatch_uid=UID)
def tell_name(
    request: HttpRequest,
    response: HttpResponseBase,
    log_kwargs: dict[str, Any] | None = None,
    **kwargs: object,
) -> None:
    """Set the header ``X-Request-ID`` of the response, and log the request's duration."""
    _answering.set(False)
    response[HEADER] = structlog.contextvars.get_contextvars()["request_id"]
    if log_kwargs is not None:
        log_kwargs["ms"] = round((time.perf_counter() - request.META[UID]) * 1000, 1)


@receiver(signals.refused, dispatch_uid=UID)
def note_refusal(code: str, **kwargs: object) -> None:
    """Bind the error code to the log context, so that the request's own log line has it."""
    structlog.contextvars.bind_contextvars(refused=code)


@receiver(signals.job_posted, dispatch_uid=UID)
def send_along(context: dict[str, Any], **kwargs: object) -> None:
    bound = structlog.contextvars.get_contextvars()
    context |= {name: bound[name] for name in TRAVELS if name in bound}


@receiver(signals.job_taken, dispatch_uid=UID)
def go_on_as(context: Mapping[str, Any], **kwargs: object) -> None:
    structlog.contextvars.bind_contextvars(
        **{name: context[name] for name in TRAVELS if name in context}
    )


@receiver(signals.searched, dispatch_uid=UID)
def log_search(
    what: str,
    took_ms: Mapping[str, float],
    matched: bool,
    model: str,
    index_version: int,
    **kwargs: object,
) -> None:
    """Log the figures of a search; nothing of the photo or its sender.

    They become part of the request's own line, if this process answers it and has not searched for
    it before.
    """
    figures = {
        "what": what,
        "matched": matched,
        "took_ms": took_ms,
        "model": model,
        "version": index_version,
    }
    if _answering.get() and "searched" not in structlog.contextvars.get_contextvars():
        structlog.contextvars.bind_contextvars(searched=figures)
    else:
        logger.info("searched", **figures)


@receiver(signals.job_done, dispatch_uid=UID)
def log_refusal(refused: str, **kwargs: object) -> None:
    """Log the error code of a job that failed."""
    if refused:
        logger.info("refused", code=refused)


@receiver(signals.version_activated, dispatch_uid=UID)
def log_activation(version: Any, **kwargs: object) -> None:
    logger.info("version_activated", version=version.pk, model=version.encoder, items=version.items)
