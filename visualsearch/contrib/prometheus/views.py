"""The metrics endpoint of a web server."""

from __future__ import annotations

import hmac
import os

from django.http import HttpRequest, HttpResponse
from django.views import View
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, generate_latest

from .scrape import counted
from .state import StateCollector

_state = CollectorRegistry()
_state.register(StateCollector())


class MetricsView(View):
    """Metrics for clients with the token in ``METRICS_TOKEN``; 404 if the variable is not set."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Return all metrics in Prometheus's text format; 401 for a wrong token."""
        token = os.environ.get("METRICS_TOKEN", "")
        given = request.headers.get("Authorization", "")
        if not token or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return HttpResponse(status=404 if not token else 401)
        text = generate_latest(counted()) + generate_latest(_state)
        return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)
