"""Return later pages of a stored search, with other filters or for a part of its photo."""

from __future__ import annotations

from contextlib import suppress

from django.utils import timezone

from ..exceptions import IndexNotReady, QueryNotFound
from ..models import Query
from ..serving import live_index, loaded_versions
from . import query_log, rules, shown_products
from .build_result import build_result
from .photo_part import narrowed
from .requests import PageRequest
from .results import SearchResult, Stopwatch


def later_page(request: PageRequest) -> SearchResult:
    """Return another page of a stored search, also with other filters or for a part of the photo.

    Raises QueryNotFound if the query is unknown, expired, of another storefront, or if no version
    with its encoder is left; InvalidCrop for a malformed crop; CropUnavailable if the stored
    features do not cover the crop; ValidationError for an unknown ordering or an invalid filter
    value.
    """
    try:
        rows = Query.objects.filter(expires__gt=timezone.now(), storefront=request.storefront)
        query = query_log.find(request.query_id, rows)
        current = index_of(query)
    except (Query.DoesNotExist, ValueError, IndexNotReady) as error:
        raise QueryNotFound from error
    if current.encoder.id != query.encoder:
        raise QueryNotFound
    searched = query
    if request.object is None and request.crop is not None:
        searched = narrowed(query, current.encoder, request.crop)
    result = build_result(searched, current, request, Stopwatch())
    ranks = shown_products.rank_by_item(result, request.offset)
    words = shown_products.words_to_keep(result.words)
    shown_products.store_ranks(query, ranks, rules.touched(result.hits), words)
    return result


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
