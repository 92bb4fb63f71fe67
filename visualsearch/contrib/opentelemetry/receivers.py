"""Add a span for each job of a search worker to the trace of the web request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.dispatch import receiver
from opentelemetry import context as contexts
from opentelemetry import propagate, trace

from ... import signals

UID = "visualsearch.opentelemetry"
# Key of the trace's id in a job's context.
CARRIER = "traceparents"


@receiver(signals.job_posted, dispatch_uid=UID)
def send_along(context: dict[str, Any], **kwargs: object) -> None:
    carrier: dict[str, str] = {}
    propagate.inject(carrier)
    context[CARRIER] = carrier


@receiver(signals.job_taken, dispatch_uid=UID)
def begin(what: str, context: Mapping[str, Any], **kwargs: object) -> None:
    parent = propagate.extract(context.get(CARRIER, {}))
    tracer = trace.get_tracer("visualsearch")
    span = tracer.start_span(f"visualsearch {what}", parent, trace.SpanKind.CONSUMER)
    # Each job has its own context, so nothing need be detached.
    contexts.attach(trace.set_span_in_context(span, parent))


@receiver(signals.searched, dispatch_uid=UID)
def describe(
    took_ms: Mapping[str, float], matched: bool, model: str, index_version: int, **kwargs: object
) -> None:
    """Set a search's figures on the current span: that of the worker's job, or of the request."""
    span = trace.get_current_span()
    span.set_attribute("visualsearch.matched", matched)
    span.set_attribute("visualsearch.model", model)
    span.set_attribute("visualsearch.index_version", index_version)
    for stage, milliseconds in took_ms.items():
        span.set_attribute(f"visualsearch.{stage}_ms", milliseconds)


@receiver(signals.job_done, dispatch_uid=UID)
def end(refused: str, **kwargs: object) -> None:
    span = trace.get_current_span()
    if refused:
        span.set_attribute("visualsearch.refused", refused)
    span.end()
