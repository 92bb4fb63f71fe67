"""Find the images most similar to query vectors, and the similarity of given items."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from django.db import connections
from numpy.typing import NDArray

from ..catalogs import current_catalog_name
from ..models import Embedding, from_bytes
from ..models.primary import database
from ..serving.live_index import LiveIndex
from .results import Hit

Vector = NDArray[np.float32]
# Score of an item's most similar image, and the name of the image.
Score = tuple[float, str]
# Ids (N,) int64 of embeddings, or a database query for them if the index supports joins.
Among = Any
# Scores that agree in so many decimals are equal: sums of floats depend on their order.
DECIMALS = 6
# Items whose vectors are cached: about 15 MB.
VECTORS_KEPT = 10_000
# Stands for an item in a statement that is built once.
ITEM = "an item"


def best_by_item(
    current: LiveIndex,
    vectors: Sequence[Vector],
    k: int,
    among: Among | None,
) -> tuple[dict[str, Score], bool]:
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
    best: dict[str, Score] = {}
    for pk in sorted(names, key=lambda pk: (-scores[pk], pk)):
        item, image = names[pk]
        best.setdefault(item, (scores[pk], image))
    return best, exhausted


def scores_of(
    current: LiveIndex, vectors: Sequence[Vector], items: Collection[str]
) -> dict[str, Score]:
    """Return score and image of each searchable item's most similar image, by the item's key."""
    found: dict[str, Score] = {}
    rows = searchable(current, items, "item", "image", "vector")
    if not rows:
        return found
    queries = np.stack([current.fitted(each) for each in vectors])
    images = current.fitted(np.stack([from_bytes(vector) for _, _, vector in rows]))
    best = np.round((images @ queries.T).max(1), DECIMALS)
    for (item, image, _), score in zip(rows, best.tolist(), strict=True):
        if item not in found or score > found[item][0]:
            found[item] = (score, image)
    return found


def alike_items(current: LiveIndex, vectors: Sequence[Vector], items: Collection[str]) -> set[str]:
    """Return those of the items that reach the encoder's match threshold."""
    known = known_vectors(current, items)
    images = [(item, vector) for item in items for vector in known.get(item, ())]
    if not images:
        return set()
    scores = (np.stack([vector for _, vector in images]) @ np.stack(list(vectors)).T).max(1)
    least = current.encoder.match_threshold
    return {item for (item, _), score in zip(images, scores, strict=True) if score >= least}


def known_vectors(current: LiveIndex, items: Collection[str]) -> dict[str, list[Vector]]:
    """Return the stored vectors (dim,) of items by key; they are cached until the index changes."""
    known = current.known_now().vectors
    if len(known) > VECTORS_KEPT:
        known.clear()
    new = [item for item in items if item not in known]
    read: dict[str, list[Vector]] = {item: [] for item in new}
    for item, stored in searchable(current, new, "item", "vector"):
        read[item].append(from_bytes(stored))
    known.update(read)
    return known


def searchable(current: LiveIndex, items: Collection[str], *fields: str) -> list[tuple[Any, ...]]:
    """Return fields of the searchable embeddings of items, in the order of primary keys."""
    if not items:
        return []  # building a query takes longer than all else
    rows = Embedding.objects.filter(encoder=current.encoder.id, item__in=items).searchable()
    return list(rows.order_by("pk").values_list(*fields))


def is_match(current: LiveIndex, vectors: Sequence[Vector], hits: Sequence[Hit]) -> bool:
    """Return whether the most similar hit reaches the encoder's match threshold.

    For an index with a catalog-fitted transform, the cosine of the untransformed vectors is
    compared, because the threshold was chosen for it.
    """
    if not hits:
        return False
    best = max(hits, key=lambda hit: hit.score)
    score = best.score
    if current.fit is not None:
        stored = vectors_of(current.encoder.id, best.item)
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
