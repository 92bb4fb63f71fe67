"""Serve the metrics of a Celery worker on ``METRICS_PORT``, by default only to its machine."""

from __future__ import annotations

import logging
import os

from celery.signals import worker_init
from prometheus_client import start_http_server

from .scrape import counted

logger = logging.getLogger(__name__)


@worker_init.connect(dispatch_uid="visualsearch.prometheus")
def serve(**kwargs: object) -> None:
    """Start the metrics server, if ``METRICS_PORT`` is set.

    It starts before the worker connects to Redis, so that a waiting worker can be scraped. If the
    port is taken, the worker logs an error and runs without metrics.
    """
    if port := os.environ.get("METRICS_PORT"):
        address = os.environ.get("METRICS_HOST", "127.0.0.1")
        try:
            start_http_server(int(port), addr=address, registry=counted())
        except OSError as error:
            logger.error(
                "Metrics are not served on %s:%s: %s. Set METRICS_PORT to a free port.",
                address,
                port,
                error.strerror,
            )
