"""Traces of real processes, as received by a collector."""

from __future__ import annotations

import gzip
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="the extra “tracing”")

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from tests.helpers.pictures import encoded, picture
from tests.stack.stack import START, until

_spans: list[Any] = []


class Collector(BaseHTTPRequestHandler):
    """A collector that receives what exporters send."""

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.headers.get("Content-Encoding") == "gzip":
            body = gzip.decompress(body)
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans:
            for scope in resource.scope_spans:
                _spans.extend(scope.spans)
        self.send_response(200)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *arguments: object) -> None:
        """Print nothing."""


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Collector)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield {
        "OTEL_EXPORTER_OTLP_ENDPOINT": f"http://127.0.0.1:{server.server_port}",
        "OTEL_BSP_SCHEDULE_DELAY": "200",  # milliseconds
    }
    server.shutdown()
    server.server_close()


def test_trace__of_a_search(stack):
    answer = stack.browser().search(encoded(picture(3)))
    assert answer.status == 200

    def named(part: str) -> list[Any]:
        return [span for span in list(_spans) if part in span.name]

    until(
        lambda: named("visualsearch search") and named("POST"),
        START,
        lambda: str({span.name for span in _spans}),
    )
    (done,), (request,) = named("visualsearch search"), named("POST")
    assert done.trace_id == request.trace_id
    assert done.parent_span_id == request.span_id
    attributes = {each.key for each in done.attributes}
    assert {"visualsearch.encode_ms", "visualsearch.queue_ms"} <= attributes
    of_request = [span for span in _spans if span.trace_id == request.trace_id]
    assert any("SELECT" in span.name for span in of_request)
    for name in ("web", "search", "index"):
        assert "Traceback" not in stack.log(name)
