"""The REST API. What a photo search does is in :mod:`visualsearch.searching`; here is its HTTP."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from drf_spectacular.utils import OpenApiParameter, extend_schema
from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import categories, dispatch, facets
from ..catalogs import catalog
from ..classes import class_name
from ..results import Prediction, SearchResult
from . import throttles
from .errors import handle
from .parsers import BoundedJSONParser, PhotoUploadHandler, photo_from
from .serializers import (
    ClassificationSerializer,
    PageSerializer,
    PendingSerializer,
    PhotoOptionsSerializer,
    PhotoSerializer,
    QueryPageSerializer,
    SearchOptionsSerializer,
    SearchResultSerializer,
    SearchSerializer,
)

LIMIT = OpenApiParameter("limit", int, description="1–100, default 12")
PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    enum=["respond-async"],
    description="Do not wait: 202 and a place to look, where search workers run",
)
# Options of the API, which are no filters of the shop.
OPTIONS = ("limit", "offset", "crop", "ordering", "facets")
# Of them, those that the next page needs as well.
KEPT = ("crop", "ordering")


class VisualSearchView(APIView):
    """Always answers JSON, errors in one shape. Needs no session, and so no CSRF token either."""

    authentication_classes: list[Any] = []
    renderer_classes = [JSONRenderer]
    scope = throttles.READ

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who asks too often is told so before anything is done."""
        # First, while the request's user is still the one of the session.
        throttles.spend(request._request, self.scope)
        super().initial(request, *args, **kwargs)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Every answer says how many more there may be."""
        throttles.tell(request._request, response)
        return super().finalize_response(request, response, *args, **kwargs)

    def get_exception_handler(self) -> Callable[[Exception, Any], Response | None]:
        """The app's own, so that the contract holds whatever the shop's settings say."""
        return handle


class PhotoView(VisualSearchView):
    """Takes a photo, as multipart or as JSON."""

    parser_classes = [MultiPartParser, BoundedJSONParser]
    scope = throttles.SEARCH

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        """Uploads stay in memory: Django's default handlers write large ones to disk."""
        request.upload_handlers = [PhotoUploadHandler(request)]
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who is one too many is told so before the photo is read."""
        super().initial(request, *args, **kwargs)
        dispatch.admit()


class SearchView(PhotoView):
    @extend_schema(
        request={"multipart/form-data": SearchSerializer, "application/json": SearchSerializer},
        parameters=[PREFER],
        responses={200: SearchResultSerializer, 202: PendingSerializer},
    )
    def post(self, request: Request) -> Response:
        """Find the products that look most like a photo."""
        fields = fields_of(request)
        options = validated(SearchOptionsSerializer, fields)
        filters = filters_of(request)
        if options.get("category"):
            filters["category"] = options["category"]
        check_filters(filters)
        photo, crop = photo_from(fields), options.get("crop")
        if "respond-async" in request.headers.get("Prefer", "").lower():
            query_id = dispatch.search_later(photo, crop=crop, filters=filters)
            if query_id:
                return pending(request, query_id)
        result = dispatch.search(photo, crop=crop, limit=options["limit"], filters=filters)
        return Response(as_response(request, result, 0, options["limit"], filters))


class ClassifyView(PhotoView):
    @extend_schema(
        request={"multipart/form-data": PhotoSerializer, "application/json": PhotoSerializer},
        responses=ClassificationSerializer,
    )
    def post(self, request: Request) -> Response:
        """The classes of a photo, most probable first."""
        fields = fields_of(request)
        options = validated(PhotoOptionsSerializer, fields)
        predictions = dispatch.classify(photo_from(fields), crop=options.get("crop"))
        return Response({"predictions": [as_class(each) for each in predictions]})


class SimilarView(VisualSearchView):
    @extend_schema(parameters=[LIMIT], responses=SearchResultSerializer)
    def get(self, request: Request, key: str) -> Response:
        """The products that look most like a product."""
        limit = validated(PageSerializer, request.query_params)["limit"]
        result = dispatch.similar(key, limit=limit)
        return Response(as_response(request, result, 0, limit, {}))


class QueryView(VisualSearchView):
    @extend_schema(
        parameters=[QueryPageSerializer],
        responses={200: SearchResultSerializer, 202: PendingSerializer},
    )
    def get(self, request: Request, query_id: str) -> Response:
        """More of an earlier search, the same under other filters, or for a part of its photo."""
        wanted = validated(QueryPageSerializer, request.query_params)
        filters = filters_of(request)
        check_filters(filters)
        facets.ordering_of(catalog(), wanted["ordering"])
        if dispatch.is_pending(query_id):
            return pending(request, query_id)
        result = dispatch.page(
            query_id,
            limit=wanted["limit"],
            offset=wanted["offset"],
            filters=filters,
            ordering=wanted["ordering"],
            with_facets=wanted["facets"],
            crop=wanted.get("crop"),
        )
        kept = {name: request.query_params[name] for name in KEPT if name in request.query_params}
        params = filters | kept
        body = as_response(request, result, wanted["offset"], wanted["limit"], params)
        return Response(body | {"predictions": as_predictions(result, with_offered=True)})


def pending(request: Request, query_id: str) -> Response:
    """202: where the answer will be, and in how many seconds it is worth a look."""
    path = reverse("visualsearch-api:query", args=[query_id])
    headers = {
        "Location": request.build_absolute_uri(path),
        "Retry-After": "1",
        "Preference-Applied": "respond-async",
    }
    return Response({"query_id": query_id, "status": "pending"}, 202, headers=headers)


def validated(kind: type[Any], data: Any) -> dict[str, Any]:
    """Checked values of a request's fields; raises DRF's ValidationError."""
    serializer = kind(data=data)
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def fields_of(request: Request) -> dict[str, Any]:
    """Options may stand in the query or in the body; the body counts. The photo is in the body."""
    options = ("crop", "limit", "category")
    query = {name: value for name, value in request.query_params.items() if name in options}
    body: Any = request.data
    return query | {name: body[name] for name in body}


def filters_of(request: Request) -> dict[str, str]:
    """The query parameters: the shop's filters take what they know of them."""
    return {name: str(value) for name, value in request.query_params.items() if name not in OPTIONS}


def check_filters(filters: dict[str, str]) -> None:
    """Raise ValidationError for a value that the shop's filters do not take."""
    named = filters.get("category") != categories.AUTO
    catalog().filterset(filters if named else categories.without(filters))


def as_response(
    request: Request, result: SearchResult, offset: int, limit: int, params: dict[str, str]
) -> dict[str, Any]:
    """The answer of the contract, with absolute links; ``params`` go on in the next page's."""
    shown = offset + len(result.hits)
    absolute, following = from_anywhere(request), None
    if result.query_id and result.hits and shown < result.count:
        path = reverse("visualsearch-api:query", args=[result.query_id])
        following = absolute(f"{path}?{urlencode({**params, 'offset': shown, 'limit': limit})}")
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
        "results": [
            {
                "product": absolute_links(absolute, hit.card),
                "score": hit.score,
                "image": absolute(hit.image),
            }
            for hit in result.hits
        ],
        "warnings": result.warnings,
        "subject": result.subject,
    }
    if result.facets is None:
        return body
    return body | {"facets": result.facets, "orderings": facets.orderings(catalog())}


def as_class(prediction: Prediction) -> dict[str, Any]:
    """A class of the model, with its name."""
    return {**vars(prediction), "name": class_name(prediction.label)}


def as_predictions(result: SearchResult, *, with_offered: bool) -> list[dict[str, Any]]:
    """The classes of a photo; which the shop offers costs a query, and is not always told."""
    told = [as_class(each) for each in result.predictions]
    if with_offered:
        offered = catalog().categories([each.label for each in result.predictions])
        told = [{**each, "offered": each["label"] in offered} for each in told]
    return told


def as_category(value: str | None) -> dict[str, str] | None:
    """The category that a search was narrowed down to."""
    return {"value": value, "label": catalog().category_name(value)} if value else None


def from_anywhere(request: Request) -> Callable[[str], str]:
    """What makes an address one that works from any origin; dozens do in each answer."""
    origin = request.build_absolute_uri("/").removesuffix("/")

    def absolute(address: str) -> str:
        own = address.startswith("/") and not address.startswith("//")
        return origin + address if own else request.build_absolute_uri(address)

    return absolute


def absolute_links(absolute: Callable[[str], str], card: dict[str, Any]) -> dict[str, Any]:
    """A card whose ``url`` and ``image`` work from any origin."""
    return {**card, **{name: absolute(card[name]) for name in ("url", "image") if card.get(name)}}
