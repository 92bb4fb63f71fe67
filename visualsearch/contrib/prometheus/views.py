"""What Prometheus asks a web server for."""

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
    """For whoever has the token of ``METRICS_TOKEN``; without one, there is no such page."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """All of it, in Prometheus's text format."""
        token = os.environ.get("METRICS_TOKEN", "")
        given = request.headers.get("Authorization", "")
        if not token or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return HttpResponse(status=404 if not token else 401)
        text = generate_latest(counted()) + generate_latest(_state)
        return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)
