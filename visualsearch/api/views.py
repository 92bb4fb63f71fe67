"""The views of the REST API; :mod:`visualsearch.search.by_photo` does the searches."""

from __future__ import annotations

from drf_spectacular.utils import OpenApiParameter
from rest_framework.parsers import FormParser
from rest_framework.request import Request
from rest_framework.response import Response

from .. import events, exceptions
from ..catalogs import catalog
from ..search import facets_and_sorting
from ..search.requests import Listing, PageRequest, SearchRequest, SimilarRequest
from ..search_queue import dispatch
from ..search_queue.admission import running_search
from ..web import kept_photos, throttles
from ..web.uploads import photo_from
from . import examples, schema
from .base import (
    PhotoView,
    VisualSearchView,
    check_filters,
    fields_of,
    filters_of,
    kept_params,
    listing_of,
    search_filters,
    validated,
)
from .json_parsers import SmallJSONParser
from .request_serializers import (
    EventSerializer,
    PhotoFileSerializer,
    PhotoOptionsSerializer,
    PhotoTextSerializer,
    QueryPageSerializer,
    SearchFileSerializer,
    SearchOptionsSerializer,
    SearchTextSerializer,
    SimilarSerializer,
)
from .response_serializers import (
    ClassificationSerializer,
    EventNotedSerializer,
    PendingSerializer,
    SearchResultSerializer,
)
from .responses import as_class, as_predictions, as_response, pending

PREFER = OpenApiParameter(
    "Prefer",
    str,
    OpenApiParameter.HEADER,
    enum=["respond-async"],
    description="Return 202 with the URL of the result without waiting, if search workers run.",
)


class SearchView(PhotoView):
    @schema.described(
        request={
            "multipart/form-data": SearchFileSerializer,
            "application/json": SearchTextSerializer,
            **schema.RAW,
        },
        parameters=[PREFER, SearchOptionsSerializer],
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
        data = photo_from(fields)
        wanted = SearchRequest(
            **listing_of(options),
            filters=filters,
            caller=self.caller(options.get("visitor", "")),
        )
        with running_search():
            photo = dispatch.decode_photo(data, options.get("crop"))
            later = "respond-async" in request.headers.get("Prefer", "").lower()
            query_id = dispatch.search_later(photo, wanted) if later else None
            result = None if query_id else dispatch.search(photo, wanted)
            stored = result.query_id if result else query_id
            kept_photos.keep_photo(stored, photo.photo, data, allowed=options["keep_photo"])
        if result is None:
            return pending(request, str(query_id))
        params = filters | kept_params(fields)
        return Response(as_response(request, result, wanted, params))


class ClassifyView(PhotoView):
    @schema.described(
        request={
            "multipart/form-data": PhotoFileSerializer,
            "application/json": PhotoTextSerializer,
            **schema.RAW,
        },
        parameters=[PhotoOptionsSerializer],
        answers={200: (ClassificationSerializer, {"predictions": examples.PREDICTIONS})},
        refusals=[*schema.PHOTO, *schema.SERVICE],
    )
    def post(self, request: Request) -> Response:
        """Return the classes of a photo, most probable first."""
        fields = fields_of(request)
        options = validated(PhotoOptionsSerializer, fields)
        data = photo_from(fields)
        with running_search():
            found = dispatch.classify(dispatch.decode_photo(data, options.get("crop")))
        return Response({"predictions": [as_class(each) for each in found.predictions]})


class SimilarView(VisualSearchView):
    @schema.described(
        parameters=[SimilarSerializer],
        answers={200: (SearchResultSerializer, examples.SIMILAR)},
        refusals=[schema.Invalid, exceptions.ItemNotFound, *schema.SERVICE],
    )
    def get(self, request: Request, key: str) -> Response:
        """Find the products that look most like a product."""
        options = validated(SimilarSerializer, request.query_params)
        result = dispatch.similar(SimilarRequest(item=key, **options))
        return Response(as_response(request, result, Listing(limit=options["limit"]), {}))


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
        options = validated(QueryPageSerializer, request.query_params)
        filters = filters_of(request)
        check_filters(filters)
        facets_and_sorting.ordering_of(catalog(), options["ordering"])
        if dispatch.is_pending(query_id, storefront=self.storefront_id):
            return pending(request, query_id)
        wanted = PageRequest(
            query_id=query_id,
            **listing_of(options),
            offset=options["offset"],
            filters=filters,
            ordering=options["ordering"],
            with_facets=options["facets"],
            crop=options.get("crop"),
            storefront=self.storefront_id,
        )
        result = dispatch.page(wanted)
        params = filters | kept_params(request.query_params)
        body = as_response(request, result, wanted, params)
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

        Returns 201 for a new event and 200 for a repeated one, which is not counted again.
        """
        told = validated(EventSerializer, request.data)
        event, new = events.record(
            str(told["query_id"]), told["event"], told["product"], storefront=self.storefront_id
        )
        body = {**told, "query_id": str(told["query_id"]), "rank": event.rank}
        return Response(body, 201 if new else 200)
