"""Request and job share a trace. Spans stay in memory; tests/stack exports real ones."""

import contextvars

import pytest
from opentelemetry import trace
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter

from tests.helpers.reindex import reindex
from visualsearch import signals
from visualsearch.contrib.opentelemetry import receivers
from visualsearch.search.requests import SimilarRequest
from visualsearch.search_queue import dispatch, jobs, redis_queue

LISTENING = {
    signals.job_posted: receivers.send_along,
    signals.job_taken: receivers.begin,
    signals.searched: receivers.describe,
    signals.job_done: receivers.end,
}

for each in LISTENING:  # connected at start-up, but needed in these tests only
    each.disconnect(dispatch_uid=receivers.UID)


@pytest.fixture
def spans(monkeypatch):
    """A function that returns the ended spans."""
    exporter = InMemorySpanExporter()
    provider = TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    monkeypatch.setattr(trace, "get_tracer", provider.get_tracer)
    yield exporter.get_finished_spans
    provider.shutdown()


@pytest.fixture(autouse=True)
def only_here():
    """Connect the signal receivers for these tests only."""
    for signal, receiver in LISTENING.items():
        signal.connect(receiver, dispatch_uid=receivers.UID)
    yield
    for signal in LISTENING:
        signal.disconnect(dispatch_uid=receivers.UID)


@pytest.mark.parametrize(("item", "refused"), [("P1", None), ("NONE", "item_not_found")])
def test_job__is_in_the_trace_of_its_request(sold, spans, configure, redis_server, item, refused):
    reindex()
    configure(USE_CELERY=True, REDIS_URL=redis_server.url)
    with trace.get_tracer("test").start_as_current_span("request") as request:
        job = dispatch.job_of(SimilarRequest(item=item, limit=2), None, 5)
    redis_queue.post(job, "a")
    contextvars.copy_context().run(jobs.run, "a", "w1")
    assert trace.get_current_span() is trace.INVALID_SPAN
    (done,) = (span for span in spans() if span.name == "visualsearch similar")
    assert done.context.trace_id == request.get_span_context().trace_id
    assert done.parent.span_id == request.get_span_context().span_id
    assert done.attributes.get("visualsearch.refused") == refused
    if not refused:
        assert done.attributes["visualsearch.index_ms"] > 0
        assert "visualsearch.matched" in done.attributes
