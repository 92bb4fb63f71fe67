"""Find the groups of items, such as the styles of which a shop sells several colours."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import Any

from django.core.exceptions import FieldDoesNotExist
from django.db.models import Case, CharField, Count, Q, QuerySet, Value, When
from django.db.models.functions import Cast, Concat

from ..batched import MAX_PARAMETERS, batched
from ..facets import UNIT
from .fields import path_of
from .item_rows import ItemRows

# Most members per group that are read, so that a mistake in the data cannot exhaust memory.
MOST_MEMBERS = 1000


def groups_of(source: ItemRows, keys: Iterable[str]) -> dict[str, str]:
    """Return the group of each visible item with one of these keys, "" for an item without one."""
    found: dict[str, str] = {}
    for some in batched(source.key_values(keys), MAX_PARAMETERS):
        rows = plain(source.visible()).filter(**{f"{source.key}__in": some})
        for key, group in rows.values_list(source.key, source.group):
            found[str(key)] = "" if group is None else str(group)
    return found


def members(source: ItemRows, groups: Iterable[str]) -> dict[str, list[str]]:
    """Return the keys of the visible items of each of these groups, in the order of their keys."""
    wanted = [group for group in groups if group]
    found: dict[str, list[str]] = defaultdict(list)
    if not wanted:
        return found
    rows = plain(source.visible()).filter(**{f"{source.group}__in": wanted}).order_by(source.key)
    for group, key in rows.values_list(source.group, source.key)[: MOST_MEMBERS * len(wanted)]:
        found[str(group)].append(str(key))
    return {group: list(dict.fromkeys(keys)) for group, keys in found.items()}


def count_groups(source: ItemRows, rows: QuerySet[Any]) -> int:
    """Return the number of groups among some items; an item without a group counts as one."""
    alone = without_group(source)
    found = plain(rows).aggregate(
        groups=Count(source.group, filter=~alone, distinct=True),
        alone=Count(source.key, filter=alone, distinct=True),
    )
    return int(found["groups"] + found["alone"])


def with_unit(source: ItemRows, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Annotate items with :data:`~visualsearch.facets.UNIT`: their group, or themselves."""
    own = Concat(Value("item "), source.key_as_text(rows.db))
    group = Concat(Value("group "), Cast(source.group, CharField()))
    unit = Case(When(without_group(source), then=own), default=group, output_field=CharField())
    return rows.annotate(**{UNIT: unit})


def without_group(source: ItemRows) -> Q:
    """Return the condition for items that have no group."""
    field = group_field(source)
    none = Q(**{f"{source.group}__isnull": True})
    return none | Q(**{source.group: ""}) if field.empty_strings_allowed else none


def group_field(source: ItemRows) -> Any:
    """Return the field with an item's group, also if :meth:`visible` annotates it."""
    try:
        return path_of(source.model, source.group)[-1]
    except FieldDoesNotExist:
        return source.visible().query.annotations[source.group].output_field


def plain(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return a queryset without order and prefetched relations."""
    return rows.prefetch_related(None).order_by()
