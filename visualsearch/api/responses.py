"""Search results as JSON bodies, with absolute links."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from rest_framework.request import Request
from rest_framework.response import Response

from ..catalogs import catalog
from ..class_names import class_name
from ..search import facets_and_sorting
from ..search.requests import Listing
from ..search.results import Hit, Prediction, SearchResult


def pending(request: Request, query_id: str) -> Response:
    """Return the 202 response for a search that is not done, with the URL to poll.

    The header Retry-After asks for one second between polls.
    """
    path = reverse("visualsearch-api:query", args=[query_id])
    headers = {
        "Location": request.build_absolute_uri(path),
        "Retry-After": "1",
        "Preference-Applied": "respond-async",
    }
    return Response({"query_id": query_id, "status": "pending"}, 202, headers=headers)


def as_response(
    request: Request, result: SearchResult, listing: Listing, params: dict[str, str]
) -> dict[str, Any]:
    """Return the JSON body of a search response, with absolute links.

    ``listing``: what ``result`` was made with. ``params``: query parameters (filters, crop,
    ordering) that the link to the next page repeats.
    """
    shown = listing.offset + listing.limit
    absolute, following = from_anywhere(request), None
    if result.query_id and result.hits and shown < result.count:
        path = reverse("visualsearch-api:query", args=[result.query_id])
        page = {**params, "offset": shown, "limit": listing.limit}
        following = absolute(f"{path}?{urlencode(page, doseq=True)}")
    body = {
        "query_id": result.query_id,
        "model": result.model,
        "index_version": result.index_version,
        "took_ms": result.took_ms,
        "predictions": as_predictions(result, with_offered="category" in params),
        "category": as_category(result.category),
        "matched": result.matched,
        "count": result.count,
        "next": following,
        "results": as_results(absolute, result.hits),
        "warnings": result.warnings,
        "subject": result.subject,
        "objects": [{**vars(each), "name": class_name(each.label)} for each in result.objects],
    }
    if result.per_object is not None:
        body["per_object"] = [
            {"object": each.object, "results": as_results(absolute, each.hits)}
            for each in result.per_object
        ]
    if result.facets is None:
        return body
    return body | {"facets": result.facets, "orderings": facets_and_sorting.orderings(catalog())}


def as_results(absolute: Callable[[str], str], hits: Sequence[Hit]) -> list[dict[str, Any]]:
    """Return hits as JSON values; ``absolute``: the function that from_anywhere() returned."""
    return [
        {
            "product": absolute_links(absolute, hit.card),
            "score": hit.score,
            "image": absolute(hit.image),
            "variants": [absolute_links(absolute, each.card) for each in hit.variants],
        }
        for hit in hits
    ]


def as_class(prediction: Prediction) -> dict[str, Any]:
    """Return a prediction as JSON values: ``label``, ``probability`` and the display ``name``."""
    return {**vars(prediction), "name": class_name(prediction.label)}


def as_predictions(result: SearchResult, *, with_offered: bool) -> list[dict[str, Any]]:
    """Return the predictions of a photo as JSON values, see :func:`as_class`.

    ``with_offered`` adds ``offered``: whether the shop has a category for the class. That costs a
    database query.
    """
    told = [as_class(each) for each in result.predictions]
    if with_offered:
        offered = catalog().categories([each.label for each in result.predictions])
        told = [{**each, "offered": each["label"] in offered} for each in told]
    return told


def as_category(value: str | None) -> dict[str, str] | None:
    """Return the category of a search as ``value`` and ``label``, None if it was not filtered."""
    return {"value": value, "label": catalog().category_name(value)} if value else None


def from_anywhere(request: Request) -> Callable[[str], str]:
    """Return a function that makes URLs absolute for this request.

    The origin is computed only once, because each response has dozens of links.
    """
    origin = request.build_absolute_uri("/").removesuffix("/")

    def absolute(address: str) -> str:
        own = address.startswith("/") and not address.startswith("//")
        return origin + address if own else request.build_absolute_uri(address)

    return absolute


def absolute_links(absolute: Callable[[str], str], card: dict[str, Any]) -> dict[str, Any]:
    """Return a copy of a product card with absolute ``url`` and ``image``.

    ``absolute``: the function that :func:`from_anywhere` returned.
    """
    return {**card, **{name: absolute(card[name]) for name in ("url", "image") if card.get(name)}}
