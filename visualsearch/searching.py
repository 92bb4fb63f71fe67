"""Run a search: encode the photo, query the index, and keep only what customers may see."""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

from django.utils import timezone
from PIL import Image

from . import categories, conf, events, facets, live
from .callers import NOBODY, Caller, Trace, trace_of
from .catalogs import catalog
from .encoders.base import Encoder
from .encoders.cells import Cells
from .exceptions import (
    CropUnavailable,
    IndexNotReady,
    ItemNotFound,
    ModelUnavailable,
    QueryNotFound,
)
from .looking import look_at, top_predictions
from .models import Embedding, Query, Refusal, from_bytes, to_bytes
from .photos import Crop, Photo, part_of, within
from .ranking import allowed, best_by_item, is_match, rank
from .results import Hit, Prediction, SearchResult, Stopwatch

# Seconds between two clean-ups of expired queries.
SWEEP = 60.0
# Most rows of figures to delete at a time, because a customer is waiting.
SWEPT = 1000


def search(
    photo: Photo,
    *,
    limit: int = 12,
    filters: Mapping[str, Any] | None = None,
    watch: Stopwatch | None = None,
    version: int | None = None,
    query_id: str | None = None,
    caller: Caller = NOBODY,
) -> SearchResult:
    """Return the items of the catalog that look most like a photo.

    The query is stored under ``SearchResult.query_id``, so that :func:`page` can continue it;
    ``query_id``: id to store it under, None for a new one. ``version``: id of the index version to
    search; by default the active one, or the one that a running experiment assigns to the caller.
    Raises IndexNotReady if the catalog is not indexed or the version cannot be searched,
    ModelUnavailable if the model cannot be loaded, ValidationError for an invalid filter value.
    """
    watch = watch or Stopwatch()
    with watch.stage("index"):
        current, trace = version_for(caller, version)
    encoder = current.encoder
    with watch.stage("encode"):
        look = look_at(encoder, photo)
    query = Query(
        pk=UUID(query_id) if query_id else uuid4(),
        storefront_id=trace.storefront,
        visitor=trace.visitor,
        experiment_id=trace.experiment,
        variant=trace.variant,
        encoder=encoder.id,
        index_version=current.version,
        vector=to_bytes(look.embedding),
        cells=look.cells.to_bytes() if look.cells else b"",
        expires=timezone.now() + timedelta(seconds=conf.get("QUERY_LIFETIME")),
        crop=photo.crop,
        subject=look.subject and part_of(photo.crop, look.subject),
        predictions=[vars(each) for each in top_predictions(encoder, look.probabilities)],
        warnings=list(photo.warnings),
    )
    result = answer(query, current, limit=limit, filters=filters, watch=watch)
    query.best_score = result.hits[0].score if result.hits else None
    query.matched, query.took_ms = result.matched, result.took_ms
    query.shown = events.ranks(result.hits)
    query.save(force_insert=True)
    sweep()
    return result


def version_for(caller: Caller, version: int | None) -> tuple[live.LiveIndex, Trace]:
    """Return the index to search for a caller, and the caller's data to store with the query.

    If the treatment's index version cannot be loaded, the active version is returned and the
    failure is stored as a refusal of that experiment. Raises IndexNotReady or ModelUnavailable only
    for an explicit ``version`` and for the active one.
    """
    if version is not None:
        return live.current(version), Trace(storefront=caller.storefront, visitor=caller.visitor)
    trace = trace_of(caller)
    if trace.version is None:
        return live.current(), trace
    try:
        current = live.current(trace.version, wait=False)
        if current.version == trace.version:
            return current, trace
        failed = live.has_failed(trace.version)
    except (IndexNotReady, ModelUnavailable):
        failed = True
    if failed:
        Refusal.objects.create(
            code=ModelUnavailable.code,
            storefront_id=trace.storefront,
            experiment_id=trace.experiment,
            variant=trace.variant,
        )
    return live.current(), replace(trace, experiment=None, variant="", version=None)


_swept = 0.0


def sweep() -> None:
    """Erase embeddings of expired queries and delete old queries and refusals.

    Does nothing if called again within :data:`SWEEP` seconds.
    """
    global _swept
    now = time.monotonic()
    if now - _swept > SWEEP:
        _swept = now
        Query.forget_expired(SWEPT)


def warm_up() -> None:
    """Load model and index and run one search, so that the first customer does not wait for it.

    Raises IndexNotReady if nothing is indexed, ModelUnavailable if the model cannot be loaded.
    """
    current = live.current()
    look = look_at(current.encoder, Photo(image=Image.new("RGB", (64, 64))))
    if look.cells:
        # A plain image has no subject, so look_at() did not pool one.
        current.encoder.pool(look.cells, (0.25, 0.25, 0.5, 0.5))
    rank(current, [look.embedding], 12, watch=Stopwatch())


def page(
    query_id: str,
    *,
    limit: int = 12,
    offset: int = 0,
    filters: Mapping[str, Any] | None = None,
    version: int | None = None,
    crop: Crop | None = None,
    ordering: str = "",
    with_facets: bool = False,
    storefront: int | None = None,
) -> SearchResult:
    """Return another page of a stored search, also with other filters or for a part of the photo.

    ``ordering``: the ``value`` of one of the shop's :class:`~visualsearch.facets.Ordering`, "" for
    similarity. ``crop``: x, y, w, h in fractions of the uploaded photo; search with only that part
    of the photo. ``version``: id of the index version to search, None for the one that
    :func:`index_of` chooses. ``storefront``: primary key of the client's Storefront, None for the
    shop's own pages. ``with_facets``: whether to fill ``SearchResult.facets``. Raises QueryNotFound
    if the query is unknown, expired, of another storefront, or made with another encoder than the
    version's; InvalidCrop for a malformed crop; CropUnavailable if the stored features do not cover
    the crop; ValidationError for an unknown ordering or an invalid filter value.
    """
    try:
        query = Query.objects.get(
            pk=UUID(query_id), expires__gt=timezone.now(), storefront=storefront
        )
        current = live.current(version) if version else index_of(query)
    except (Query.DoesNotExist, ValueError, IndexNotReady) as error:
        raise QueryNotFound from error
    if current.encoder.id != query.encoder:
        raise QueryNotFound
    if crop is not None:
        narrow(query, current.encoder, crop)
    result = answer(
        query,
        current,
        limit=limit,
        offset=offset,
        filters=filters,
        ordering=ordering,
        watch=Stopwatch(),
    )
    events.note_shown(query, result.hits, offset)
    if not with_facets:
        return result
    return replace(result, facets=facets_of(query, current, filters or {}, result.category))


def index_of(query: Query) -> live.LiveIndex:
    """Return the index in which to continue a query; raise IndexNotReady if none is suitable.

    A query of an experiment's treatment continues in the version that it searched, while that
    version exists. Any other query continues in the active version, or, if that has another encoder
    than the query, in the latest retired version with the query's encoder.
    """
    if query.variant == Query.Variant.TREATMENT:
        with suppress(IndexNotReady):
            return live.current(query.index_version)
    return live.for_encoder(query.encoder)


def narrow(query: Query, encoder: Encoder, crop: Crop) -> None:
    """Set ``query.vector`` and ``query.predictions`` to those of a crop, without saving the query.

    ``crop`` is in fractions of the uploaded photo. Raises InvalidCrop for a malformed crop,
    CropUnavailable if the query has no stored features (``query.cells``) or the crop exceeds the
    part of the photo that was searched with (``query.crop``).
    """
    part = within(query.crop, crop)
    if part is None or not query.cells:
        raise CropUnavailable
    seen = encoder.pool(Cells.from_bytes(query.cells), part)
    query.vector = to_bytes(seen.embeddings[0])
    best = top_predictions(encoder, seen.probabilities[0])
    query.predictions = [vars(each) for each in best]


def similar(item: str, *, limit: int = 12) -> SearchResult:
    """Return the items that look most like an item, without the item itself.

    Nothing is stored, so the result has no ``query_id``. Raises ItemNotFound if the item is not
    visible or has no searchable image, IndexNotReady or ModelUnavailable as :func:`search` does.
    """
    watch = Stopwatch()
    with watch.stage("index"):
        current = live.current()
        encoder = current.encoder
        if not catalog().by_key([item]):
            raise ItemNotFound
        rows = Embedding.objects.filter(encoder=encoder.id, item=item).searchable()
        vectors = [from_bytes(stored) for stored in rows.values_list("vector", flat=True)]
        if not vectors:
            raise ItemNotFound
    hits = rank(current, vectors, limit, watch=watch, leave_out=item)
    return SearchResult(
        query_id=None,
        model=encoder.id,
        index_version=current.version,
        predictions=[],
        matched=is_match(current, vectors, hits),
        count=max(0, current.items - 1),
        hits=hits,
        took_ms=with_total(watch),
        warnings=[],
    )


def answer(
    query: Query,
    current: live.LiveIndex,
    *,
    limit: int,
    watch: Stopwatch,
    offset: int = 0,
    filters: Mapping[str, Any] | None = None,
    ordering: str = "",
) -> SearchResult:
    """Return one page of results for a query's vector; nothing is stored.

    The page has the hits from ``offset`` on, at most ``limit``. ``category=auto`` in ``filters``
    becomes the predicted class, unless that would exclude the most similar item. Raises
    ValidationError for an unknown ordering or an invalid filter value.
    """
    predictions = [Prediction(**each) for each in query.predictions]
    order = facets.ordering_of(catalog(), ordering)
    need = facets.POOL if order else offset + limit
    filters, guessed = categories.decide(filters or {}, predictions)
    ranked = rank_under(filters, query, current, need, watch)
    if guessed and ranked.first != nearest(query, current, watch):
        # The automatic category excludes the nearest item, so it is probably wrong.
        filters = categories.without(filters)
        ranked = rank_under(filters, query, current, need, watch)
    hits, count = ranked.hits, ranked.count
    if order:
        count = min(count, facets.POOL)
        by_key = {hit.item: hit for hit in hits}
        with watch.stage("products"):
            keys = facets.in_order(catalog(), by_key, order)
        hits = [by_key[key] for key in keys]
    return SearchResult(
        query_id=str(query.pk),
        model=current.encoder.id,
        index_version=current.version,
        predictions=predictions,
        matched=is_match(current, [from_bytes(query.vector)], ranked.hits),
        count=count,
        hits=hits[offset : offset + limit],
        took_ms=with_total(watch),
        warnings=query.warnings,
        subject=query.subject,
        category=filters.get(categories.CATEGORY) or None,
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
    filters: Mapping[str, Any], query: Query, current: live.LiveIndex, need: int, watch: Stopwatch
) -> Ranked:
    """Return the best visible hits that pass the filters, and the number of items that pass them.

    ``need``: the most hits to return. Raises ValidationError for an invalid filter value.
    """
    with watch.stage("index"):
        among, count = allowed(current, filters)
    hits = rank(current, [from_bytes(query.vector)], need, watch=watch, among=among)
    return Ranked(hits=hits, count=count)


def nearest(query: Query, current: live.LiveIndex, watch: Stopwatch) -> str | None:
    """Return the key of the item with the most similar image in the whole index, ignoring filters.

    The item may be hidden from customers. None if the index is empty.
    """
    with watch.stage("index"):
        best, _ = best_by_item(current, [from_bytes(query.vector)], 1, None)
    return next(iter(best), None)


def facets_of(
    query: Query, current: live.LiveIndex, filters: Mapping[str, Any], category: str | None
) -> list[dict[str, Any]]:
    """Return the shop's facets over the best hits, as described by :func:`facets.describe`.

    ``category``: the category to filter by instead of ``filters["category"]``; None for no category
    filter.
    """
    decided = categories.without(filters) | ({categories.CATEGORY: category} if category else {})

    def best(filters: Mapping[str, Any]) -> list[str]:
        ranked = rank_under(filters, query, current, facets.POOL, Stopwatch())
        return [hit.item for hit in ranked.hits]

    return facets.describe(catalog(), best, decided)


def with_total(watch: Stopwatch) -> dict[str, float]:
    """Return the milliseconds of each stage, and their sum as ``total``."""
    return {**watch.stages, "total": round(sum(watch.stages.values()), 3)}
