"""The views of the REST API; :mod:`visualsearch.search.by_photo` does the searches."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from .. import events, exceptions
from ..catalogs import catalog
from ..search import facet_values
from ..search_queue import dispatch
from ..web import kept_photos, throttles
from ..web.uploads import photo_from
from . import examples, schema
from .base import (
    PhotoView,
    VisualSearchView,
    check_filters,
    fields_of,
    filters_of,
    search_filters,
    validated,
)
from .json_parsers import SmallJSONParser
from .request_serializers import (
    EventSerializer,
    PageSerializer,
    PhotoFileSerializer,
    PhotoOptionsSerializer,
    PhotoTextSerializer,
    QueryPageSerializer,
    SearchFileSerializer,
    SearchOptionsSerializer,
    SearchTextSerializer,
)
from .response_serializers import (
    ClassificationSerializer,
    EventNotedSerializer,
    PendingSerializer,
    SearchResultSerializer,
)
from .responses import as_class, as_predictions, as_response, pending

LIMIT = OpenApiParameter("limit", {"type": "integer", "minimum": 1, "maximum": 100, "default": 12})
PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    enum=["respond-async"],
    description="Do not wait: 202 and a place to look, where search workers run",
)
# Parameters that the link to the next page repeats, besides the filters.
KEPT = ("crop", "ordering")


class SearchView(PhotoView):
    @schema.described(
        request={
            "multipart/form-data": SearchFileSerializer,
            "application/json": SearchTextSerializer,
        },
        parameters=[PREFER],
        with_filters=True,
        answers={
            200: (SearchResultSerializer, examples.RESULT),
            202: (PendingSerializer, examples.PENDING),
        },
        refusals=[*schema.PHOTO, *schema.SERVICE],
    )
    def post(self, request: Request) -> Response:
        """Find the products that look most like a photo."""
        fields = fields_of(request)
        options = validated(SearchOptionsSerializer, fields)
        filters = search_filters(request, options)
        photo, crop = photo_from(fields), options.get("crop")
        caller = self.caller(options.get("visitor", ""))
        if "respond-async" in request.headers.get("Prefer", "").lower():
            query_id = dispatch.search_later(photo, crop=crop, filters=filters, caller=caller)
            if query_id:
                kept_photos.keep(query_id, photo, allowed=options["keep_photo"])
                return pending(request, query_id)
        result = dispatch.search(
            photo, crop=crop, limit=options["limit"], filters=filters, caller=caller
        )
        kept_photos.keep(result.query_id, photo, allowed=options["keep_photo"])
        return Response(as_response(request, result, 0, options["limit"], filters))


class ClassifyView(PhotoView):
    @schema.described(
        request={
            "multipart/form-data": PhotoFileSerializer,
            "application/json": PhotoTextSerializer,
        },
        answers={200: (ClassificationSerializer, {"predictions": examples.PREDICTIONS})},
        refusals=[*schema.PHOTO, *schema.SERVICE],
    )
    def post(self, request: Request) -> Response:
        """Return the classes of a photo, most probable first."""
        fields = fields_of(request)
        options = validated(PhotoOptionsSerializer, fields)
        predictions = dispatch.classify(photo_from(fields), crop=options.get("crop"))
        return Response({"predictions": [as_class(each) for each in predictions]})


class SimilarView(VisualSearchView):
    @schema.described(
        parameters=[LIMIT],
        answers={200: (SearchResultSerializer, examples.SIMILAR)},
        refusals=[schema.Invalid, exceptions.ItemNotFound, *schema.SERVICE],
    )
    def get(self, request: Request, key: str) -> Response:
        """Find the products that look most like a product."""
        limit = validated(PageSerializer, request.query_params)["limit"]
        result = dispatch.similar(key, limit=limit)
        return Response(as_response(request, result, 0, limit, {}))


class QueryView(VisualSearchView):
    @schema.described(
        parameters=[QueryPageSerializer],
        with_filters=True,
        answers={
            200: (
                SearchResultSerializer,
                examples.RESULT | {"facets": examples.FACETS, "orderings": examples.ORDERINGS},
            ),
            202: (PendingSerializer, examples.PENDING),
        },
        refusals=[
            schema.Invalid,
            exceptions.InvalidCrop,
            exceptions.CropUnavailable,
            exceptions.QueryNotFound,
            *schema.SERVICE,
        ],
    )
    def get(self, request: Request, query_id: str) -> Response:
        """Page through an earlier search, change its filters, or search with part of its photo."""
        wanted = validated(QueryPageSerializer, request.query_params)
        filters = filters_of(request)
        check_filters(filters)
        facet_values.ordering_of(catalog(), wanted["ordering"])
        if dispatch.is_pending(query_id, storefront=self.storefront_id):
            return pending(request, query_id)
        result = dispatch.page(
            query_id,
            limit=wanted["limit"],
            offset=wanted["offset"],
            filters=filters,
            ordering=wanted["ordering"],
            with_facets=wanted["facets"],
            crop=wanted.get("crop"),
            storefront=self.storefront_id,
        )
        kept = {name: request.query_params[name] for name in KEPT if name in request.query_params}
        params = filters | kept
        body = as_response(request, result, wanted["offset"], wanted["limit"], params)
        return Response(body | {"predictions": as_predictions(result, with_offered=True)})


class EventView(VisualSearchView):
    parser_classes = [SmallJSONParser, FormParser]
    scope = throttles.EVENTS

    @schema.described(
        request=EventSerializer,
        answers={
            201: (EventNotedSerializer, examples.EVENT | {"rank": 1}),
            200: (EventNotedSerializer, examples.EVENT | {"rank": 1}),
        },
        refusals=[
            *schema.BODY,
            schema.Invalid,
            exceptions.ItemNotShown,
            exceptions.QueryNotFound,
            exceptions.BackendUnavailable,
        ],
    )
    def post(self, request: Request) -> Response:
        """Record a customer's action on a product that a search showed.

        The first time returns 201, a repetition returns 200; a repeated action counts once.
        """
        told = validated(EventSerializer, request.data)
        event, new = events.record(
            str(told["query_id"]), told["event"], told["product"], storefront=self.storefront_id
        )
        body = {**told, "query_id": str(told["query_id"]), "rank": event.rank}
        return Response(body, 201 if new else 200)
