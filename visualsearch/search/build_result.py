"""Build one page of results from a query vector; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..catalogs import catalog
from ..models import Query, from_bytes
from ..serving import live_index
from . import categories, facets_and_sorting
from .cards import with_cards
from .ranking import best_by_item, filtered_embeddings, is_match, rank
from .requests import Listing
from .results import Hit, Prediction, SearchResult, Stopwatch


def build_result(
    query: Query, current: live_index.LiveIndex, listing: Listing, watch: Stopwatch
) -> SearchResult:
    """Return one page of results for a query's vector; nothing is stored.

    ``category=auto`` in the filters becomes the predicted class, unless that would exclude the most
    similar item. Raises ValidationError for an unknown ordering or an invalid filter value.
    """
    predictions = [Prediction(**each) for each in query.predictions]
    order = facets_and_sorting.ordering_of(catalog(), listing.ordering)
    end = listing.offset + listing.limit
    need = facets_and_sorting.POOL if order else end
    filters, guessed = categories.apply_auto(listing.filters, predictions)
    cards = order is None
    ranked = rank_under(filters, query, current, need, watch, cards=cards)
    if guessed and ranked.first != nearest(query, current, watch):
        # The automatic category excludes the nearest item, so it is probably wrong.
        filters = categories.without_category(filters)
        ranked = rank_under(filters, query, current, need, watch, cards=cards)
    hits, count = ranked.hits, ranked.count
    if order:
        count = min(count, facets_and_sorting.POOL)
        by_key = {hit.item: hit for hit in hits}
        with watch.stage("products"):
            keys = facets_and_sorting.sorted_keys(catalog(), by_key, order)
            hits = with_cards([by_key[key] for key in keys[listing.offset : end]])
    else:
        hits = hits[listing.offset : end]
    return SearchResult(
        query_id=str(query.pk),
        model=current.encoder.id,
        index_version=current.version,
        predictions=predictions,
        matched=is_match(current, [from_bytes(query.vector)], ranked.hits),
        count=count,
        hits=hits,
        took_ms=with_total(watch),
        warnings=query.warnings,
        subject=query.subject,
        category=filters.get(categories.CATEGORY) or None,
        facets=facets_over(query, current, filters) if listing.with_facets else None,
    )


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """The best hits that pass some filters, and the number of items in the index that pass."""

    hits: list[Hit]
    count: int

    @property
    def first(self) -> str | None:
        """Key of the first item, None without hits."""
        return self.hits[0].item if self.hits else None


def rank_under(
    filters: Mapping[str, Any],
    query: Query,
    current: live_index.LiveIndex,
    need: int,
    watch: Stopwatch,
    *,
    cards: bool,
) -> Ranked:
    """Return the best visible hits that pass the filters, and the number of items that pass them.

    ``need``: the most hits to return; ``cards``: whether to make their cards. Raises
    ValidationError for an invalid filter value.
    """
    with watch.stage("index"):
        among, count = filtered_embeddings(current, filters)
    vectors = [from_bytes(query.vector)]
    hits = rank(current, vectors, need, watch=watch, among=among, cards=cards)
    return Ranked(hits=hits, count=count)


def nearest(query: Query, current: live_index.LiveIndex, watch: Stopwatch) -> str | None:
    """Return the key of the item with the most similar image in the whole index, ignoring filters.

    The item may be hidden from customers. None if the index is empty.
    """
    k = 8
    while True:
        with watch.stage("index"):
            best, exhausted = best_by_item(current, [from_bytes(query.vector)], k, None)
        if best or exhausted:
            return next(iter(best), None)
        k *= 4


def facets_over(
    query: Query, current: live_index.LiveIndex, filters: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """Return the shop's facets over the best hits; see :func:`facets_and_sorting.describe_facets`.

    ``filters``: with the decided category in place of ``auto``.
    """

    def best(filters: Mapping[str, Any]) -> list[str]:
        pool, watch = facets_and_sorting.POOL, Stopwatch()
        ranked = rank_under(filters, query, current, pool, watch, cards=False)
        return [hit.item for hit in ranked.hits]

    return facets_and_sorting.describe_facets(catalog(), best, filters)


def with_total(watch: Stopwatch) -> dict[str, float]:
    """Return the milliseconds of each stage, and their sum as ``total``."""
    return {**watch.stages, "total": round(sum(watch.stages.values()), 3)}
