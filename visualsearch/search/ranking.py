"""Rank the items that customers may see by their similarity to a query vector."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from django.db import router
from django.db.models import Q, QuerySet

from ..batched import MAX_PARAMETERS, batched
from ..catalogs import catalog
from ..indexes.base import SharedIndex
from ..models import Embedding
from ..models.primary import database
from ..serving import live_index
from .arrangement import POOL, Arrangement
from .nearest import Among, Vector, best_by_item
from .results import Hit, Stopwatch
from .shown_items import Shown, ShownGroups


def filtered_embeddings(
    current: live_index.LiveIndex,
    filters: Mapping[str, Any] | None,
    where: Sequence[Q] = (),
) -> tuple[Among | None, int]:
    """Return the embeddings to search among and the number of items that pass the filters.

    ``where``: conditions on items besides the filters. (None, number of all items) without any. The
    embeddings are ids (N,) int64, or a queryset of
    primary keys if the index joins with the shop's database. Raises ValidationError for an invalid
    filter value.
    """
    keys = catalog().filtered_keys(filters or {}, where)
    if keys is None:
        return None, current.items
    rows = Embedding.objects.filter(encoder=current.encoder.id).searchable()
    if keys.db != database() and router.db_for_write(keys.model) != database():
        return embeddings_of(rows, list(keys.values_list("key_as_text", flat=True)))
    rows = rows.filter(item__in=keys)
    if isinstance(current.index, SharedIndex) and current.index.joins:
        return rows.values("pk"), rows.values("item").distinct().count()
    return ids_and_count(rows.values_list("pk", "item"))


def embeddings_of(rows: QuerySet[Embedding], keys: Sequence[str]) -> tuple[Among, int]:
    """Return the ids of embeddings of items in another database, and the number of the items."""
    some = batched(keys, MAX_PARAMETERS)
    found = (rows.filter(item__in=each).values_list("pk", "item") for each in some)
    return ids_and_count(chain.from_iterable(found))


def ids_and_count(pairs: Iterable[tuple[int, str]]) -> tuple[Among, int]:
    """Return primary keys (N,) int64, and the number of distinct items, of (key, item) pairs."""
    found = list(pairs)
    return np.array([pk for pk, _ in found], np.int64), len({item for _, item in found})


def rank(
    current: live_index.LiveIndex,
    vectors: Sequence[Vector],
    need: int,
    *,
    watch: Stopwatch,
    among: Among | None = None,
    leave_out: Collection[str] = (),
    arrangement: Arrangement | None = None,
    collapse: bool = False,
    cards: bool = True,
    skip: int = 0,
) -> list[Hit]:
    """Return the best ``need`` visible items, each with the score of its most similar image.

    ``vectors``: one or more query vectors (dim,); the best score of any of them counts. ``among``:
    embeddings to search among, from :func:`filtered_embeddings`. ``leave_out``: keys of items to
    exclude. ``arrangement``: the order, None for that of similarity. ``collapse``: whether to
    return only the first item of each group. ``cards``: whether to make the hits' cards; without,
    they are empty and have no variants. ``skip``: how many hits need no variants. Indexed items may
    be hidden in the live catalog, and a group may have many items, so the search widens until
    enough are found or the index is exhausted.
    """
    source = catalog()
    shown = ShownGroups(source, cards, skip) if collapse else Shown(source, cards)
    k = need * 3 + 8 if arrangement is None else max(need * 3 + 8, POOL + 12)
    while True:
        with watch.stage("index"):
            best, exhausted = best_by_item(current, vectors, k, among)
            for key in leave_out:
                best.pop(key, None)
        enough = exhausted or arrangement is None or len(best) >= POOL
        if enough:
            with watch.stage("products"):
                keys = list(best) if arrangement is None else arrangement.order(best)
                found = shown.first(keys, need)
            if len(found) == need or exhausted:
                break
        k *= 4
    scores = best if arrangement is None else {**best, **arrangement.extra}
    with watch.stage("products"):
        return [
            Hit(
                item=key,
                score=round(scores[key][0], 4),
                image=source.image_url(scores[key][1]),
                card=card,
                group=shown.group_of(key),
                variants=shown.variants_of(key),
                reasons=arrangement.reasons(key) if arrangement else [],
            )
            for key, card in found
        ]
