"""Count groups of items, and add the other items of its group to each hit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from django.db.models import Q, QuerySet

from ..batched import MAX_PARAMETERS
from ..catalogs import CatalogSource, groups
from ..serving import item_counts
from .results import Hit, Variant

# Most variants of a hit.
MOST_VARIANTS = 12


def count(
    source: CatalogSource,
    filters: Mapping[str, Any],
    where: Sequence[Q] = (),
    *,
    items: int,
    hidden: Collection[str] = (),
) -> int:
    """Return the number of groups whose visible items pass the filters and conditions.

    ``items``: number of items that pass. ``hidden``: keys of items that a rule hides. Without
    filters, a large catalog is counted in the background, and until then ``items`` is returned.
    """
    rows = source.filtered(filters, where)
    if rows is not None:
        return groups.count_groups(source, without(source, rows, hidden))
    return item_counts.counted(
        f"groups without {len(hidden)}",
        items,
        lambda: groups.count_groups(source, without(source, source.visible(), hidden)),
    )


def without(source: CatalogSource, rows: QuerySet[Any], hidden: Collection[str]) -> QuerySet[Any]:
    """Return items without hidden ones, if these are few enough for one query."""
    if not 0 < len(hidden) <= MAX_PARAMETERS:
        return rows
    return rows.exclude(**{f"{source.key}__in": source.key_values(hidden)})


def with_variants(source: CatalogSource, hits: Sequence[Hit]) -> list[Hit]:
    """Return hits with the other visible items of their groups, whose cards are empty."""
    members = groups.members(source, [hit.group for hit in hits])
    found = []
    for hit in hits:
        others = [key for key in members.get(hit.group, []) if key != hit.item][:MOST_VARIANTS]
        variants = [Variant(item=key, card={}) for key in others]
        found.append(replace(hit, variants=variants))
    return found


def with_members(source: CatalogSource, hits: Sequence[Hit]) -> list[str]:
    """Return the keys of hits and of the other visible items of their groups."""
    members = groups.members(source, [hit.group for hit in hits])
    keys = [hit.item for hit in hits]
    return list(dict.fromkeys([*keys, *(key for each in members.values() for key in each)]))


def same_group(source: CatalogSource, item: str) -> list[str]:
    """Return the keys of the visible items of an item's group; [] if it has none."""
    own = groups.groups_of(source, [item]).get(item, "")
    return groups.members(source, [own]).get(own, [])
