"""Serve the metrics of a Celery worker on ``METRICS_PORT``, by default only to its machine."""

from __future__ import annotations

import os

from celery.signals import worker_init
from prometheus_client import start_http_server

from .scrape import counted


@worker_init.connect(dispatch_uid="visualsearch.prometheus")
def serve(**kwargs: object) -> None:
    """Start the metrics server, if ``METRICS_PORT`` is set.

    It starts before the worker connects to Redis, so that a waiting worker can be scraped.
    """
    if port := os.environ.get("METRICS_PORT"):
        address = os.environ.get("METRICS_HOST", "127.0.0.1")
        start_http_server(int(port), addr=address, registry=counted())
