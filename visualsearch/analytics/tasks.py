"""The Celery task that checks a catalog, and how to start it."""

from __future__ import annotations

from celery import shared_task

from ..broker import CatalogTask, enqueue
from . import catalog_check


@shared_task(name="visualsearch.index_check_catalog", base=CatalogTask)
def check_catalog() -> None:
    """Check the catalog and store the findings."""
    catalog_check.check()


def check_later() -> None:
    """Check the current catalog, with ``USE_CELERY`` in a worker.

    Raises BackendUnavailable if the broker does not answer.
    """
    enqueue(check_catalog)
