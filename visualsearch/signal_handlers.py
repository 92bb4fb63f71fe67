"""Reindex items after a row of a model that the catalog watches is saved or deleted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_delete, post_save

from .catalogs import catalog
from .exceptions import BackendUnavailable
from .models import Query
from .reindex import launch
from .search.callers import pseudonym

logger = logging.getLogger(__name__)

_local = threading.local()


def connect() -> None:
    """Connect handlers to changes of the models that the catalog watches, and to deleted users."""
    for model in catalog().watched():
        for signal, name in ((post_save, "save"), (post_delete, "delete")):
            signal.connect(
                changed, sender=model, dispatch_uid=f"visualsearch_{name}_{model._meta.label}"
            )

    if apps.is_installed("django.contrib.auth"):
        user = get_user_model()
        post_delete.connect(customer_left, sender=user, dispatch_uid="visualsearch_customer_left")


def customer_left(sender: type[Model], instance: Any, **kwargs: object) -> None:
    """Erase the searches of a user whose account is deleted."""
    Query.erase(visitor=pseudonym("user", instance.pk))


def changed(sender: type[Model], instance: Any, **kwargs: object) -> None:
    """Reindex the item that a saved or deleted row belongs to, when the transaction commits."""
    if kwargs.get("raw") or getattr(_local, "paused", False):
        return
    try:
        key = catalog().watched()[sender](instance)
    except ObjectDoesNotExist:
        return  # an image of a deleted product, whose own deletion was recorded
    enqueue([key])


@contextmanager
def paused() -> Iterator[None]:
    """Ignore changes made by this thread in the block, for an import followed by a reindex."""
    _local.paused = True
    try:
        yield
    finally:
        _local.paused = False


def enqueue(keys: Iterable[str]) -> None:
    """Reindex the items with these keys when the transaction commits, by one task for all.

    Call it after changes that send no signals, such as ``QuerySet.update()`` and ``bulk_create()``.
    """
    for _savepoints, callback, *_ in transaction.get_connection().run_on_commit:
        if isinstance(callback, Changes):
            callback.keys |= dict.fromkeys(map(str, keys))
            return
    transaction.on_commit(Changes(keys))


class Changes:
    """Collects the keys of the items that one transaction changes.

    The instance is the ``on_commit`` callback that reindexes these items.
    """

    def __init__(self, keys: Iterable[str]):
        self.keys = dict.fromkeys(map(str, keys))

    def __call__(self) -> None:
        """Reindex the items, in the index worker with ``USE_CELERY``, else in this process.

        Saving a product must work while the broker is down, so a failure is only logged;
        ``visualsearch_check`` finds the items that were missed.
        """
        try:
            launch.refresh_later(list(self.keys))
        except BackendUnavailable:
            logger.exception("%s changed items were not sent to the index worker", len(self.keys))
