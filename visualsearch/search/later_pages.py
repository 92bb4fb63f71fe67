"""Return later pages of a stored search, with other filters or for a part of its photo."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID

from django.utils import timezone

from ..catalogs import catalog
from ..encoders.base import Encoder
from ..encoders.cells import Cells
from ..exceptions import CropUnavailable, IndexNotReady, QueryNotFound
from ..models import Query, to_bytes
from ..photos.crops import Crop, within
from ..serving import live_index, loaded_versions
from . import categories, facet_values, shown_products
from .build_result import answer, rank_under
from .encode_photo import top_predictions
from .results import SearchResult, Stopwatch


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
        current = loaded_versions.current(version) if version else index_of(query)
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
    shown_products.note_shown(query, result.hits, offset)
    if not with_facets:
        return result
    return replace(result, facets=facets_of(query, current, filters or {}, result.category))


def index_of(query: Query) -> live_index.LiveIndex:
    """Return the index in which to continue a query; raise IndexNotReady if none is suitable.

    A query of an experiment's treatment continues in the version that it searched, while that
    version exists. Any other query continues in the active version, or, if that has another encoder
    than the query, in the latest retired version with the query's encoder.
    """
    if query.variant == Query.Variant.TREATMENT:
        with suppress(IndexNotReady):
            return loaded_versions.current(query.index_version)
    return loaded_versions.for_encoder(query.encoder)


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


def facets_of(
    query: Query, current: live_index.LiveIndex, filters: Mapping[str, Any], category: str | None
) -> list[dict[str, Any]]:
    """Return the shop's facets over the best hits, as described by :func:`facets.describe`.

    ``category``: the category to filter by instead of ``filters["category"]``; None for no category
    filter.
    """
    decided = categories.without(filters) | ({categories.CATEGORY: category} if category else {})

    def best(filters: Mapping[str, Any]) -> list[str]:
        ranked = rank_under(filters, query, current, facet_values.POOL, Stopwatch())
        return [hit.item for hit in ranked.hits]

    return facet_values.describe(catalog(), best, decided)
