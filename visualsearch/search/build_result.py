"""Build one page of results from a query vector; nothing is stored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from django.db.models import Q, QuerySet

from ..batched import MAX_PARAMETERS
from ..catalogs import catalog
from ..models import Query, from_bytes
from ..serving import live_index
from . import categories, facets_and_sorting, groups
from .arrangement import POOL, Arrangement
from .cards import with_cards
from .nearest import Vector, best_by_item, is_match
from .photo_part import narrowed_to_object
from .ranking import filtered_embeddings, rank
from .requests import FILTER, Listing
from .results import FoundObject, Hit, ObjectHits, Prediction, SearchResult, Stopwatch
from .rules import Effects, class_in_photo, effects_for
from .words import Wanted, wanted_by


def build_result(
    query: Query,
    current: live_index.LiveIndex,
    listing: Listing,
    watch: Stopwatch,
    wanted: Wanted | None = None,
) -> SearchResult:
    """Return one page of results for a query's vector; nothing is stored.

    ``wanted``: what the listing's words ask for, if that is known already.

    ``category=auto`` in the filters becomes the predicted class, unless that would exclude the most
    similar item. Raises ValidationError for an unknown ordering, object or filter value,
    CropUnavailable if the query has no stored features of its objects.
    """
    if listing.object is not None:
        query = narrowed_to_object(query, current.encoder, listing.object)
    ranker = Ranker(query, current, listing, watch, wanted)
    filters, guessed = categories.apply_auto(listing.filters, ranker.predictions)
    ranked = ranker.ranked(filters)
    if guessed and ranker.most_similar(filters, ranked) != ranker.nearest():
        # The automatic category excludes the nearest item, so it is probably wrong.
        filters = categories.without_category(filters)
        ranked = ranker.ranked(filters)
    return SearchResult(
        query_id=str(query.pk),
        model=current.encoder.id,
        index_version=current.version,
        predictions=ranker.predictions,
        matched=is_match(current, ranker.vectors, ranked.hits),
        count=ranked.count,
        hits=ranker.page(ranked.hits),
        took_ms=with_total(watch),
        warnings=query.warnings,
        subject=query.subject,
        category=filters.get(categories.CATEGORY) or None,
        facets=ranker.facets(filters) if listing.with_facets else None,
        objects=[FoundObject(**each) for each in query.objects_found or ()],
        per_object=(
            hits_per_object(query, current, listing, ranker.wanted) if listing.per_object else None
        ),
        words=ranker.wanted.words,
    )


def hits_per_object(
    query: Query, current: live_index.LiveIndex, listing: Listing, wanted: Wanted
) -> list[ObjectHits]:
    """Return the best hits for each object of a photo, under the same words and filters."""
    found = []
    for each in query.objects_found or ():
        alone = replace(listing, object=each["id"], per_object=False, offset=0, with_facets=False)
        hits = build_result(query, current, alone, Stopwatch(), wanted).hits
        found.append(ObjectHits(object=each["id"], hits=hits))
    return found


@dataclass(frozen=True, kw_only=True)
class Ranked:
    """The best hits that pass some filters, and the number of items or groups that pass."""

    hits: list[Hit]
    count: int


class Ranker:
    """Ranks the items for one query as a listing asks for it, under different filters."""

    def __init__(
        self,
        query: Query,
        current: live_index.LiveIndex,
        listing: Listing,
        watch: Stopwatch,
        wanted: Wanted | None = None,
    ):
        self.query, self.current, self.listing, self.watch = query, current, listing, watch
        self.source = catalog()
        self.predictions = [Prediction(**each) for each in query.predictions]
        self.ordering = facets_and_sorting.ordering_of(self.source, listing.ordering)
        self.collapse = bool(listing.collapse and self.source.group)
        if wanted is not None:
            self.wanted = wanted

    @cached_property
    def wanted(self) -> Wanted:
        """What the customer's words ask for."""
        if not self.listing.words:
            return Wanted()
        with self.watch.stage("words"):
            return wanted_by(self.listing.words, self.source)

    @property
    def ranking_words(self) -> Wanted:
        """What the words ask for where they rank; a filter by them has nothing left to rank."""
        return Wanted() if self.listing.words_mode == FILTER else self.wanted

    @cached_property
    def vectors(self) -> list[Vector]:
        """The vector to search by: the photo's, in the colour that the words name."""
        return [self.wanted.recoloured(self.current.encoder, from_bytes(self.query.vector))]

    def ranked(self, filters: Mapping[str, Any]) -> Ranked:
        """Return the best hits, enough for the page, and how many items or groups pass."""
        end = self.listing.offset + self.listing.limit
        need = POOL if self.ordering else end
        found = self.ranked_under(filters, need, cards=self.ordering is None)
        if self.ordering is None:
            return found
        return Ranked(hits=found.hits, count=min(found.count, POOL))

    def ranked_under(self, filters: Mapping[str, Any], need: int, *, cards: bool) -> Ranked:
        """Return at most ``need`` visible hits that pass the filters, and how many pass.

        ``cards``: whether to make cards. Raises ValidationError for an invalid filter value.
        """
        where = self.wanted.required if self.listing.words_mode == FILTER else []
        with self.watch.stage("index"):
            among, items = filtered_embeddings(self.current, filters, where)
            effects = self.effects(filters)
        hits = rank(
            self.current,
            self.vectors,
            need,
            watch=self.watch,
            among=among,
            arrangement=self.arrangement(filters, where, effects),
            collapse=self.collapse,
            cards=cards,
            skip=self.listing.offset,
        )
        return Ranked(hits=hits, count=self.count(filters, where, items, effects))

    def count(
        self, filters: Mapping[str, Any], where: Sequence[Q], items: int, effects: Effects | None
    ) -> int:
        """Return how many items or groups pass and are not hidden by a rule.

        ``items``: number of items that pass.
        """
        hidden = effects.hidden_items() if effects else ()
        with self.watch.stage("products"):
            if self.collapse:
                return groups.count(
                    self.source, self.current, filters, where, items=items, hidden=hidden
                )
            if not hidden:
                return items
            rows = self.source.filtered(filters, where)
            if rows is not None and len(hidden) <= MAX_PARAMETERS:
                rows = rows.filter(**{f"{self.source.key}__in": self.source.key_values(hidden)})
                return items - rows.values(self.source.key).distinct().count()
            return max(items - len(hidden), 0) if rows is None else items

    def arrangement(
        self, filters: Mapping[str, Any], where: Sequence[Q], effects: Effects | None
    ) -> Arrangement | None:
        """Return how words and rules arrange the hits, None if there are neither."""
        wanted = self.ranking_words
        if not (wanted.conditions or effects):
            return None

        def rows() -> QuerySet[Any]:
            passing = self.source.filtered(filters, where)
            return self.source.visible() if passing is None else passing

        return Arrangement(self.current, self.vectors, self.source, rows, wanted, effects)

    def effects(self, filters: Mapping[str, Any]) -> Effects | None:
        """Return the effects of the merchandiser's rules, None if none applies."""
        return effects_for(
            category=filters.get(categories.CATEGORY) or None,
            label=class_in_photo(self.predictions),
            storefront=self.query.storefront_id,
            experiment=self.query.experiment_id,
            variant=self.query.variant,
        )

    def page(self, hits: list[Hit]) -> list[Hit]:
        """Return those of the ranked hits that are on the page, sorted, with their variants."""
        start, end = self.listing.offset, self.listing.offset + self.listing.limit
        if self.ordering is None:
            return hits[start:end]
        with self.watch.stage("products"):
            by_key = {hit.item: hit for hit in hits}
            keys = facets_and_sorting.sorted_keys(self.source, by_key, self.ordering)
            shown = [by_key[key] for key in keys[start:end]]
            return with_cards(groups.with_variants(self.source, shown) if self.collapse else shown)

    def most_similar(self, filters: Mapping[str, Any], ranked: Ranked) -> str | None:
        """Return the key of the visible item most like the photo that passes the filters."""
        if not self.ranking_words.conditions and self.effects(filters) is None:
            return ranked.hits[0].item if ranked.hits else None
        with self.watch.stage("index"):
            among, _count = filtered_embeddings(self.current, filters)
        hits = rank(self.current, self.vectors, 1, watch=self.watch, among=among, cards=False)
        return hits[0].item if hits else None

    def nearest(self) -> str | None:
        """Return the key of the item with the most similar image in the whole index.

        The item may be hidden from customers. None if the index is empty.
        """
        k = 8
        while True:
            with self.watch.stage("index"):
                best, exhausted = best_by_item(self.current, self.vectors, k, None)
            if best or exhausted:
                return next(iter(best), None)
            k *= 4

    def facets(self, filters: Mapping[str, Any]) -> list[dict[str, Any]]:
        """Return the facets over the best hits; see :func:`facets_and_sorting.describe_facets`.

        ``filters``: with the decided category in place of ``auto``.
        """
        ranker = Ranker(self.query, self.current, self.listing, Stopwatch(), self.wanted)

        def best(filters: Mapping[str, Any]) -> list[str]:
            hits = ranker.ranked_under(filters, POOL, cards=False).hits
            keys = [hit.item for hit in hits]
            return groups.with_members(self.source, hits) if self.collapse else keys

        return facets_and_sorting.describe_facets(
            self.source, best, filters, by_group=self.collapse
        )


def with_total(watch: Stopwatch) -> dict[str, float]:
    """Return the milliseconds of each stage, and their sum as ``total``."""
    return {**watch.stages, "total": round(sum(watch.stages.values()), 3)}
