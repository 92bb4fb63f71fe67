"""The Celery app: `celery -A shop worker -Q visualsearch.search` (or `visualsearch.index`)."""

import os
from logging.config import dictConfig
from pathlib import Path

from celery import Celery
from celery.signals import heartbeat_sent, setup_logging
from django.conf import settings

from visualsearch.contrib.prometheus.processes import share

if os.environ.get("METRICS_PORT"):
    # Child processes write the metrics, the parent serves them.
    share()

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@setup_logging.connect
def log_as_django(**kwargs: object) -> None:
    """Configure logging as in web processes, instead of Celery's own configuration."""
    dictConfig(settings.LOGGING)


@heartbeat_sent.connect
def show_life(**kwargs: object) -> None:
    """Touch `HEARTBEAT_FILE` every two seconds, so that a health check needs no Python process."""
    if path := os.environ.get("HEARTBEAT_FILE"):
        Path(path).touch()
