"""Read this app's rows from the database that they are written to.

A replica lags behind. A search must see what was indexed a moment ago, so a router's
``db_for_read`` does not apply to these models.
"""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import models, router, transaction

# Longest key of an item, and longest name of an image in its storage.
MAX_KEY, MAX_NAME = 500, 1000


class PrimaryManager(models.Manager[Any]):
    """A manager whose querysets read from the database for writes."""

    def get_queryset(self) -> models.QuerySet[Any]:
        return super().get_queryset().using(self._db or router.db_for_write(self.model))


class PrimaryModel(models.Model):
    """A model that is always read from the database for writes."""

    objects = PrimaryManager()

    class Meta:
        abstract = True
        base_manager_name = "objects"


def database() -> str:
    """Return the alias of the database that this app's rows are in."""
    return router.db_for_write(apps.get_model("visualsearch", "IndexVersion"))


def atomic() -> Any:
    """Return a transaction of that database, as a context manager."""
    return transaction.atomic(using=database())
