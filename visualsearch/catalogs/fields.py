"""Resolve the fields and lookups that a catalog source names in its attributes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db.models import Model, UniqueConstraint


def path_of(model: type[Model], lookup: str) -> list[Any]:
    """Return the fields along a lookup, such as those of ``category__name``.

    What follows a field that is no relation, such as a key in a JSON field, is left out. Raises
    FieldDoesNotExist for an unknown name.
    """
    found: list[Any] = []
    current: Any = model
    for name in lookup.split("__"):
        field = current._meta.pk if name == "pk" else current._meta.get_field(name)
        found.append(field)
        current = field.related_model if field.is_relation else None
        if current is None:
            break
    return found


def split_relation(model: type[Model], lookup: str) -> tuple[str, str]:
    """Return the lookup of the related rows, "" for the model's own, and the field in them.

    Raises FieldDoesNotExist for an unknown name.
    """
    names, fields = lookup.split("__"), path_of(model, lookup)
    relations = sum(field.is_relation for field in fields[: len(names) - 1])
    return "__".join(names[:relations]), "__".join(names[relations:])


def is_to_many(fields: Sequence[Any]) -> bool:
    """Return whether one row may have several rows at the end of a path of fields."""
    return any(field.many_to_many or field.one_to_many for field in fields)


def has_index(field: Any) -> bool:
    """Return whether the database finds rows by a field's value with an index."""
    if getattr(field, "db_index", False) or getattr(field, "unique", False):
        return True
    meta = field.model._meta
    unique = [each for each in meta.constraints if isinstance(each, UniqueConstraint)]
    firsts = [each.fields[0] for each in (*meta.indexes, *unique) if each.fields]
    firsts += [fields[0] for fields in meta.unique_together]
    return field.name in [name.lstrip("-") for name in firsts]
