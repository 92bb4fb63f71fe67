"""Count and time requests."""

from __future__ import annotations

import time
from collections.abc import Callable

from django.http import HttpRequest, HttpResponseBase
from prometheus_client import Counter, Histogram

from .receivers import BUCKETS

REQUESTS = Counter("visualsearch_http_requests", "Requests.", ["view", "method", "code"])
SECONDS = Histogram(
    "visualsearch_http_seconds", "Time of requests by view.", ["view"], buckets=BUCKETS
)
# Clients choose the method. Invented ones must not each become a value of the label.
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


class MetricsMiddleware:
    """Counts and times requests; put it first, to include responses of other middleware."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponseBase]):
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        start = time.perf_counter()
        response = self.get_response(request)
        match = request.resolver_match
        view = match.view_name if match else ""
        method = str(request.method)
        if method not in METHODS:
            method = "other"
        REQUESTS.labels(view, method, response.status_code).inc()
        SECONDS.labels(view).observe(time.perf_counter() - start)
        return response
