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
    """The metrics endpoint, for clients that send the token in ``METRICS_TOKEN``."""

    def get(self, request: HttpRequest) -> HttpResponse:
        """Return all metrics in Prometheus's text format.

        Status 401 for a wrong token, 404 if ``METRICS_TOKEN`` is not set.
        """
        token = os.environ.get("METRICS_TOKEN", "")
        given = request.headers.get("Authorization", "")
        if not token or not hmac.compare_digest(given.encode(), f"Bearer {token}".encode()):
            return HttpResponse(status=404 if not token else 401)
        text = generate_latest(counted()) + generate_latest(_state)
        return HttpResponse(text, content_type=CONTENT_TYPE_LATEST)
