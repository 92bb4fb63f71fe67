"""Rank the items that customers may see by their similarity to a query vector."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import chain
from typing import Any

import numpy as np
from django.db import connections, router
from django.db.models import QuerySet
from numpy.typing import NDArray

from ..batched import batched
from ..catalogs import MAX_PARAMETERS, catalog, current_catalog_name
from ..indexes.base import SharedIndex
from ..models import Embedding, from_bytes
from ..models.primary import database
from ..serving import live_index
from .cards import look_up_cards
from .results import Hit, Stopwatch

Vector = NDArray[np.float32]
# Ids (N,) int64 of embeddings, or a database query for them if the index supports joins.
Among = Any
# Scores that agree in so many decimals are equal: sums of floats depend on their order.
DECIMALS = 6
# Stands for an item in a statement that is built once.
ITEM = "an item"


def filtered_embeddings(
    current: live_index.LiveIndex, filters: Mapping[str, Any] | None
) -> tuple[Among | None, int]:
    """Return the embeddings to search among and the number of items that pass the filters.

    (None, number of all items) without filters. The embeddings are ids (N,) int64, or a queryset of
    primary keys if the index joins with the shop's database. Raises ValidationError for an invalid
    filter value.
    """
    keys = catalog().filtered_keys(filters) if filters else None
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
    leave_out: str | None = None,
    cards: bool = True,
) -> list[Hit]:
    """Return the best ``need`` visible items, each with the score of its most similar image.

    ``vectors``: one or more query vectors (dim,); the best score of any of them counts. ``among``:
    embeddings to search among, from :func:`filtered_embeddings`. ``leave_out``: key of an item to
    exclude. ``cards``: whether to make the hits' cards; without, they are empty. Indexed items may
    be hidden in the live catalog, so the search widens until enough visible ones are found or the
    index is exhausted.
    """
    source, found = catalog(), dict[str, dict[str, Any] | None]()
    k = need * 3 + 8
    while True:
        with watch.stage("index"):
            best, exhausted = best_by_item(current, vectors, k, among)
        if leave_out is not None:
            best.pop(leave_out, None)
        with watch.stage("products"):
            look_up_cards(source, list(best), need, found, empty=not cards)
        shown = [(key, card) for key in best if (card := found.get(key)) is not None][:need]
        if len(shown) == need or exhausted:
            break
        k *= 4
    with watch.stage("products"):
        return [
            Hit(
                item=key,
                score=round(best[key][0], 4),
                image=source.image_url(best[key][1]),
                card=card,
            )
            for key, card in shown
        ]


def is_match(current: live_index.LiveIndex, vectors: Sequence[Vector], hits: Sequence[Hit]) -> bool:
    """Return whether the best hit reaches the encoder's match threshold; False without hits.

    For an index with a catalog-fitted transform, the cosine of the untransformed vectors is
    compared, because the threshold was chosen for it.
    """
    if not hits:
        return False
    score = hits[0].score
    if current.fit is not None:
        stored = vectors_of(current.encoder.id, hits[0].item)
        score = max((float(one @ other) for one in vectors for other in stored), default=-1.0)
    return score >= current.encoder.match_threshold


def vectors_of(encoder: str, item: str) -> list[Vector]:
    """Return the stored vectors (dim,) of an item's images by this encoder."""
    sql, parameters = vectors_statement(encoder, current_catalog_name())
    with connections[database()].cursor() as cursor:
        cursor.execute(sql, [item if each == ITEM else each for each in parameters])
        return [from_bytes(vector) for (vector,) in cursor.fetchall()]


@lru_cache(maxsize=64)
def vectors_statement(encoder: str, catalog_name: str) -> tuple[str, tuple[Any, ...]]:
    """Return SQL and parameters of that query for :data:`ITEM`; building them takes longest.

    ``catalog_name``: of the current catalog.
    """
    rows = Embedding.objects.filter(encoder=encoder, item=ITEM).searchable()
    sql, parameters = rows.values_list("vector").query.get_compiler(database()).as_sql()
    return sql, parameters


def best_by_item(
    current: live_index.LiveIndex,
    vectors: Sequence[Vector],
    k: int,
    among: Among | None,
) -> tuple[dict[str, tuple[float, str]], bool]:
    """Search with each vector, and return ``(best, exhausted)``.

    ``best``: per item key, the score and image name of its most similar image, best item first;
    equal scores in the order of primary keys, so that each page continues the one before.
    ``exhausted``: True if the index had fewer than ``k`` hits for every vector, so that a larger
    ``k`` finds no more.
    """
    scores: dict[int, float] = {}
    exhausted = True
    for vector in vectors:
        pks, similarities = current.search(vector, k, among=among)
        found = np.round(similarities, DECIMALS)
        if len(pks) == k:
            exhausted = False
            # An index cuts a group of equal scores anywhere. So the last group is left out.
            pks, found = pks[found > found[-1]], found[found > found[-1]]
        for pk, score in zip(pks.tolist(), found.tolist(), strict=True):
            scores[pk] = max(score, scores.get(pk, -1.0))
    names = current.names(list(scores))
    best: dict[str, tuple[float, str]] = {}
    for pk in sorted(names, key=lambda pk: (-scores[pk], pk)):
        item, image = names[pk]
        best.setdefault(item, (scores[pk], image))
    return best, exhausted
