"""Changes arrive by themselves: saving or deleting what the catalog watches refreshes its items."""

from __future__ import annotations

import logging
import threading
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import transaction
from django.db.models import Model
from django.db.models.signals import post_delete, post_save

from . import dispatch
from .catalogs import catalog
from .exceptions import BackendUnavailable

logger = logging.getLogger(__name__)

_pending = threading.local()


def connect() -> None:
    """Listen to the models that the shop's catalog source names."""
    for model in catalog().watched():
        for signal, name in ((post_save, "save"), (post_delete, "delete")):
            signal.connect(
                changed, sender=model, dispatch_uid=f"visualsearch_{name}_{model._meta.label}"
            )


def changed(sender: type[Model], instance: Any, **kwargs: object) -> None:
    """Remember the item until its transaction commits."""
    if kwargs.get("raw"):
        return
    try:
        key = catalog().watched()[sender](instance)
    except ObjectDoesNotExist:
        return  # a picture whose product is gone already: that deletion was seen itself
    enqueue([key])


def enqueue(keys: list[str]) -> None:
    """Refresh items once the current transaction commits: one task however often they change.

    Call it after changes that send no signals, such as ``QuerySet.update()`` and ``bulk_create()``.
    """
    if not hasattr(_pending, "keys"):
        _pending.keys = {}
    _pending.keys.update(dict.fromkeys(map(str, keys)))
    transaction.on_commit(send)


def send() -> None:
    """Hand all remembered items to the index task; the first of several calls finds them all.

    A product must be savable while the broker is down: the failure is logged, and
    ``visualsearch_check`` finds what was missed.
    """
    keys, _pending.keys = list(_pending.keys), {}
    if not keys:
        return
    try:
        dispatch.refresh(keys)
    except BackendUnavailable:
        logger.exception("%s changed items were not sent to the index worker", len(keys))
