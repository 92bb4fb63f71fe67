"""Find the functions of :meth:`CatalogSource.watched` that apply to a changed row."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

from django.core.exceptions import ObjectDoesNotExist
from django.db import connections, transaction
from django.db.models import ForeignKey, Model

Watched = Mapping[type[Model], Callable[[Any], Any]]


def is_watched(model: type[Model], watched: Watched) -> bool:
    """Return whether rows of a model affect items.

    They do if the model, a base, or a child of it is watched, or if it links two models of a
    many-to-many relation of which one is watched.
    """
    return bool(finder_for(model, watched) or children(model, watched) or ends(model, watched))


def affected(row: Model, watched: Watched) -> Iterator[Any]:
    """Yield what the functions return for a row: keys and items, without None.

    Raises what a function raises, and TypeError for a collection inside of a collection.
    """
    find = finder_for(type(row), watched)
    if find is not None:
        yield from one_by_one(found_by(find, row))
        return
    for child in children(type(row), watched):
        same = child._base_manager.using(row._state.db).filter(pk=row.pk).first()
        if same is not None:
            yield from one_by_one(found_by(watched[child], same))
    for name in ends(type(row), watched):
        try:
            end = getattr(row, name)
        except ObjectDoesNotExist:  # deleted, too
            continue
        if end is not None:
            yield from affected(end, watched)


def found_by(find: Callable[[Any], Any], row: Model) -> Any:
    """Call a shop's function; an error in its queries does not end the shop's transaction."""
    using = row._state.db
    if using is None or not connections[using].in_atomic_block:
        return find(row)
    with transaction.atomic(using=using):
        found = find(row)
        # Evaluate querysets and generators here, where errors are contained.
        return found if isinstance(found, str | Model) or not is_many(found) else list(found)


def one_by_one(found: Any) -> Iterator[Any]:
    """Yield the elements of what a shop's function returned, without None."""
    for each in found if is_many(found) else [found]:
        if isinstance(each, tuple | list | set | dict):
            raise TypeError(f"it returned {each!r} where a key or an item is needed")
        if each is not None:
            yield each


def is_many(found: Any) -> bool:
    """Return whether a shop's function returned a collection."""
    return isinstance(found, Iterable) and not isinstance(found, str)


def finder_for(model: type[Model], watched: Watched) -> Callable[[Any], Any] | None:
    """Return the function that ``watched`` has for a model or for the nearest of its bases."""
    return next((watched[base] for base in model.__mro__ if base in watched), None)


def children(model: type[Model], watched: Watched) -> list[type[Model]]:
    """Return the watched models that inherit the table of a model."""
    concrete = model._meta.concrete_model
    return [each for each in watched if concrete in each._meta.get_parent_list()]


def ends(model: type[Model], watched: Watched) -> list[str]:
    """Return the foreign keys to watched models of a model that links a many-to-many relation."""
    links = set()
    for each in watched:
        fields: list[Any] = each._meta.get_fields(include_hidden=True)
        for field in fields:
            if field.many_to_many and field.related_model:
                links.add(getattr(field, "through", None) or field.remote_field.through)
    if model not in links or model._meta.auto_created:
        return []
    foreign = [field for field in model._meta.fields if isinstance(field, ForeignKey)]
    return [field.name for field in foreign if finder_for(field.related_model, watched)]
