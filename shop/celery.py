"""The Celery app: `celery -A shop worker -Q visualsearch.search` (or `visualsearch.index`)."""

import os
from pathlib import Path

from celery import Celery
from celery.signals import heartbeat_sent

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")

app = Celery("shop")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@heartbeat_sent.connect
def show_life(**kwargs: object) -> None:
    """Touch a file every two seconds: who watches over a worker need not start a Python to ask."""
    if path := os.environ.get("HEARTBEAT_FILE"):
        Path(path).touch()
