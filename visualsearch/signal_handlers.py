"""Reindex items after a row that affects them is saved or deleted, or a many-to-many changes."""

from __future__ import annotations

import logging
import threading
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from django.apps import apps
from django.contrib.auth import get_user_model
from django.db import router, transaction
from django.db.models import Model
from django.db.models.signals import m2m_changed, post_delete, post_save, pre_delete, pre_save

from .catalogs import (
    CatalogSource,
    all_catalogs,
    catalog,
    catalog_names,
    current_catalog_name,
    load_catalog,
    using_catalog,
)
from .catalogs.primary_reads import primary_reads
from .exceptions import BackendUnavailable
from .models import Query
from .reindex import launch
from .search.callers import pseudonym

logger = logging.getLogger(__name__)

_local = threading.local()
# Where a row that is being saved keeps the keys of the items that it affected before.
BEFORE = "_visualsearch_before"


def connect() -> None:
    """Connect handlers to all saves and deletions; they act on the models that the catalog watches.

    They have no sender, because a row of a proxy or a subclass names that class as its sender.
    """
    pre_save.connect(about_to_change, dispatch_uid="visualsearch_before")
    pre_delete.connect(about_to_go, dispatch_uid="visualsearch_before_delete")
    post_save.connect(changed, dispatch_uid="visualsearch_save")
    post_delete.connect(changed, dispatch_uid="visualsearch_delete")
    m2m_changed.connect(relation_changed, dispatch_uid="visualsearch_relation")
    if apps.is_installed("django.contrib.auth"):
        user = get_user_model()
        post_delete.connect(customer_left, sender=user, dispatch_uid="visualsearch_customer_left")


def customer_left(sender: type[Model], instance: Any, **kwargs: object) -> None:
    """Erase the searches of a user whose account is deleted."""
    Query.erase(visitor=pseudonym("user", instance.pk))


def about_to_change(sender: type[Model], instance: Any, using: str, **kwargs: Any) -> None:
    """Note which items the stored row affects before it is saved.

    A picture that moves to another product affects the first one, too, and an item that gets
    another key leaves the old one behind.
    """
    # A row that is new, or replaces a stored one if its primary key was given.
    new = instance._state.adding and sender._meta.pk.has_default()
    if ignored(sender, kwargs) or new or instance.pk is None:
        return
    stored = sender._base_manager.using(using).filter(pk=instance.pk).first()
    if stored is not None:
        instance.__dict__[BEFORE] = affected_by(stored)


def about_to_go(sender: type[Model], instance: Any, **kwargs: Any) -> None:
    """Note which items a row affects before it is deleted, while its relations exist."""
    if not ignored(sender, kwargs):
        instance.__dict__[BEFORE] = affected_by(instance)


def changed(sender: type[Model], instance: Any, using: str, **kwargs: Any) -> None:
    """Reindex the items that a saved or deleted row affects, when the transaction commits."""
    before = instance.__dict__.pop(BEFORE, {})
    if not ignored(sender, kwargs):
        for name, keys in affected_by(instance).items():
            on_commit(using, name, [*before.get(name, ()), *keys])


def affected_by(row: Model) -> dict[str, list[str]]:
    """Return the keys of the items that a row affects, by the name of the catalog."""
    found = {}
    for name in catalog_names():
        with using_catalog(name), primary_reads():
            found[name] = catalog().keys_affected_by(row)
    return found


def relation_changed(
    sender: type[Model], instance: Any, action: str, model: type[Model], using: str, **kwargs: Any
) -> None:
    """Reindex the items on both sides of a many-to-many relation, when the transaction commits."""
    if action not in ("post_add", "post_remove", "pre_clear") or ignored(None, kwargs):
        return
    for name in catalog_names():
        with using_catalog(name):
            related = kwargs["pk_set"]
            if action == "pre_clear":
                related = related_keys(sender, instance, model, using, kwargs["reverse"])
            enqueue_both_sides(instance, model, using, related)


def enqueue_both_sides(
    instance: Any, model: type[Model], using: str, related: Collection[Any]
) -> None:
    """Reindex the current catalog's items on both sides of a many-to-many relation.

    ``instance``: a row on one side; ``related``: primary keys of the rows of ``model``.
    """
    source, name = catalog(), current_catalog_name()
    if source.watches(type(instance)):
        on_commit(using, name, source.keys_affected_by(instance))
    if not source.watches(model):
        return
    for other in model._base_manager.using(using).filter(pk__in=related):
        on_commit(using, name, source.keys_affected_by(other))


def related_keys(
    through: type[Model], instance: Any, model: type[Model], using: str, reverse: bool
) -> list[Any]:
    """Return the primary keys of the rows of ``model`` that a many-to-many relates to a row.

    ``through``: the model of the relation's own table; ``reverse``: whether the field is one of
    ``model``.
    """
    owner = model if reverse else type(instance)
    field = next(each for each in owner._meta.many_to_many if each.remote_field.through is through)
    own, other = field.m2m_field_name(), field.m2m_reverse_field_name()
    if reverse:
        own, other = other, own
    rows = through._base_manager.using(using).filter(**{own: instance})
    column: Any = through._meta.get_field(other)
    return list(rows.values_list(column.attname, flat=True))


def ignored(model: type[Model] | None, kwargs: dict[str, Any]) -> bool:
    """Return whether a change needs no reindex: a fixture, a pause, or a model not watched."""
    if kwargs.get("raw") or getattr(_local, "paused", False):
        return True
    return model is not None and not any(source.watches(model) for source in all_catalogs())


@contextmanager
def paused() -> Iterator[None]:
    """Ignore changes made by this thread in the block, for an import followed by a reindex."""
    before = getattr(_local, "paused", False)
    _local.paused = True
    try:
        yield
    finally:
        _local.paused = before


def enqueue(keys: Iterable[Any], *, using: str | None = None, catalog: str | None = None) -> None:
    """Reindex some items when the transaction commits, by one task for all.

    Call it after changes that send no signals, such as ``QuerySet.update()`` and ``bulk_create()``.
    ``keys``: keys of the items, or the items themselves. A key that no item has, hidden or not, is
    logged. ``using``: alias of the database whose transaction it is, by default the items' own.
    ``catalog``: name of the items' catalog, by default all catalogs. Raises KeyError for an unknown
    name.
    """
    several = [keys] if isinstance(keys, str | Model) else list(keys)
    checked: set[str] = set()
    for name in catalog_names() if catalog is None else [catalog]:
        source = load_catalog(name)
        texts = [text for each in several if (text := key_in(source, each)) is not None]
        # One catalog's task reports a key that no catalog has.
        given = [text for text in texts if text not in checked]
        checked |= set(given)
        on_commit(using or router.db_for_write(source.model), name, texts, given)


def key_in(source: CatalogSource, one: Any) -> str | None:
    """Return the key of an item, or a key as text; None for an item of another catalog's model."""
    if isinstance(one, source.model):
        return source.key_of(one)
    if isinstance(one, Model) and any(isinstance(one, other.model) for other in all_catalogs()):
        return None
    return str(one)


def on_commit(using: str, catalog: str, keys: Iterable[str], given: Iterable[str] = ()) -> None:
    """Reindex a catalog's items with these keys when the transaction on a database commits.

    ``given``: the keys to report if no item has them. Keys of signals are not among them: a deleted
    item that had no picture has left no trace.
    """
    texts = dict.fromkeys(keys)
    if not texts:
        return
    for _savepoints, callback, *_ in transaction.get_connection(using).run_on_commit:
        if isinstance(callback, Changes) and callback.catalog == catalog and not callback.done:
            callback.keys |= texts
            callback.given |= dict.fromkeys(given)
            return
    transaction.on_commit(Changes(catalog, texts, dict.fromkeys(given)), using=using)


class Changes:
    """Collects the keys of the items of one catalog that one transaction changes.

    The instance is the ``on_commit`` callback that reindexes these items. ``given``: the keys to
    report if no item has them. ``done``: whether the instance was called; a test can call it before
    the transaction ends.
    """

    def __init__(self, catalog: str, keys: dict[str, None], given: dict[str, None]):
        self.catalog, self.keys, self.given = catalog, keys, given
        self.done = False

    def __call__(self) -> None:
        """Reindex the items, in the index worker with ``USE_CELERY``, else in this process.

        Saving a product must work while the broker is down, so a failure is only logged;
        ``visualsearch_check`` finds the items that were missed.
        """
        self.done = True
        try:
            with using_catalog(self.catalog):
                launch.refresh_later(list(self.keys), list(self.given))
        except BackendUnavailable:
            logger.exception(
                "%s changed products could not be sent to the index worker. Run manage.py"
                " visualsearch_index when the broker is back.",
                len(self.keys),
            )
