"""Count groups of items, and add the other items of its group to each hit."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from django.db import router
from django.db.models import Exists, OuterRef, Q, QuerySet

from ..batched import MAX_PARAMETERS
from ..catalogs import CatalogSource, groups
from ..models import Embedding
from ..models.primary import database
from ..serving import item_counts
from ..serving.live_index import LiveIndex
from .results import Hit, Variant

# Most variants of a hit.
MOST_VARIANTS = 12


def count(
    source: CatalogSource,
    current: LiveIndex,
    filters: Mapping[str, Any],
    where: Sequence[Q] = (),
    *,
    items: int,
    hidden: Collection[str] = (),
) -> int:
    """Return the number of groups with an item that can be found and passes.

    ``filters`` and ``where``: the filters and conditions; ``items``: number of items that pass.
    ``hidden``: keys of items that a rule hides. Without filters, groups are counted again when the
    index has changed, in a large catalog in the background.
    """

    def found(rows: QuerySet[Any]) -> int:
        return groups.count_groups(
            source, searchable(source, current, without(source, rows, hidden))
        )

    rows = source.filtered(filters, where)
    if rows is not None:
        return min(items, found(rows))
    counts, name = current.known_now().counts, f"groups without {len(hidden)}"
    if name not in counts:
        item_counts.counted(
            name,
            items,
            lambda: found(source.visible()),
            then=partial(counts.__setitem__, name),
        )
    return min(items, counts[name])


def searchable(source: CatalogSource, current: LiveIndex, rows: QuerySet[Any]) -> QuerySet[Any]:
    """Return the items that have a searchable image; all, if they are in another database."""
    if rows.db != database() and router.db_for_write(rows.model) != database():
        return rows
    images = Embedding.objects.filter(encoder=current.encoder.id, item=OuterRef("key_as_text"))
    rows = rows.annotate(key_as_text=source.key_as_text(rows.db))
    return rows.filter(Exists(images.searchable()))


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
