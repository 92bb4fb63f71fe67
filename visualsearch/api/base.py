"""Base classes and helpers of the API views: API keys, rate limits, photo uploads, filters."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from functools import cache
from typing import Any

from rest_framework.metadata import SimpleMetadata
from rest_framework.parsers import JSONParser, MultiPartParser
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from ..catalogs import cards_for, catalog
from ..models import Storefront
from ..search import categories
from ..search.callers import Caller
from ..search.requests import values_of
from ..search_queue import admission
from ..web import clients, memory_budget, throttles
from ..web.transactions import without_transaction
from ..web.uploads import PhotoUploadHandler, receive_with
from . import access
from .error_handler import handle
from .json_parsers import BoundedJSONParser
from .raw_parsers import RAW_PARSERS, is_empty_photo
from .schema import Schema

# Query parameters of the API itself. All others are filters of the shop.
OPTIONS = (
    "limit",
    "offset",
    "crop",
    "ordering",
    "facets",
    "visitor",
    "keep_photo",
    "q",
    "words",
    "collapse",
    "object",
    "per_object",
)
# Search options that may be in the query string as well as in the body.
IN_QUERY = (
    "limit",
    "crop",
    "category",
    "visitor",
    "keep_photo",
    "q",
    "words",
    "collapse",
    "object",
    "per_object",
)
# Options that the link to the next page repeats.
KEPT = ("crop", "ordering", "q", "words", "collapse", "object")


class VisualSearchView(APIView):
    """A view with JSON responses and one error format; ``scope``: of its rate limit."""

    authentication_classes = [access.StorefrontAuthentication]
    permission_classes = [access.ApiKeyPermission]
    throttle_classes = [access.RateLimit]
    versioning_class = None
    content_negotiation_class = access.AlwaysJSON
    renderer_classes = [access.CompactJSON]
    parser_classes: list[Any] = [JSONParser]
    metadata_class = SimpleMetadata
    schema = Schema()
    scope = throttles.READ
    storefront: Storefront | None = None

    def perform_authentication(self, request: Request) -> None:
        """Set ``storefront`` to that of the request's API key; raise ApiKeyInvalid."""
        super().perform_authentication(request)
        self.storefront = request.auth  # type: ignore[assignment]

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view function, which ATOMIC_REQUESTS does not wrap in a transaction."""
        return without_transaction(super().as_view(**initkwargs))

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Make the cards of the response for this request."""
        with cards_for(request):
            return super().dispatch(request, *args, **kwargs)

    @property
    def storefront_id(self) -> int | None:
        """Primary key of the calling storefront, None without an API key.

        The request may only read queries of this storefront.
        """
        return self.storefront.pk if self.storefront else None

    def caller(self, visitor: str = "") -> Caller:
        """Return the caller to attribute a search to; see :func:`clients.caller_of`."""
        return clients.caller_of(self.request._request, self.storefront, visitor)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Add the RateLimit headers to the response."""
        throttles.add_headers(request._request, response)
        return super().finalize_response(request, response, *args, **kwargs)

    def get_exception_handler(self) -> Callable[[Exception, Any], Response | None]:
        """Return the app's own exception handler, whatever the shop's REST framework settings."""
        return handle


class PhotoView(VisualSearchView):
    """A view for requests with a photo, as multipart, as JSON or as its bytes."""

    parser_classes = [MultiPartParser, BoundedJSONParser, *RAW_PARSERS]
    scope = throttles.SEARCH
    upload_handler = PhotoUploadHandler

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Count the body's bytes against the process's memory limit during the request."""
        with memory_budget.request_budget():
            return super().dispatch(request, *args, **kwargs)

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        """Keep uploaded files in memory; Django's default handlers write large ones to disk."""
        receive_with(self.upload_handler, request)
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Reject requests over the limit of concurrent searches before the body is read.

        Raises Overloaded, besides the errors of :meth:`VisualSearchView.initial`.
        """
        super().initial(request, *args, **kwargs)
        admission.check_capacity()


def validated(kind: Hashable, data: Any) -> dict[str, Any]:
    """Return the validated fields of ``data``; ``kind``: the serializer class.

    Raises REST framework's ValidationError.
    """
    values: dict[str, Any] = serializer_of(kind).run_validation(data)
    return values


@cache
def serializer_of(kind: Any) -> Any:
    """Return a serializer that validates for all requests: making its fields takes longest."""
    return kind()


def fields_of(request: Request) -> dict[str, Any]:
    """Return the fields of the body, and search options from the query string.

    The body takes precedence. The photo can only be in the body.
    """
    query = {name: value for name, value in request.query_params.items() if name in IN_QUERY}
    body: Any = {"image": b""} if is_empty_photo(request) else request.data
    return query | {name: body[name] for name in body}


def filters_of(request: Request) -> dict[str, Any]:
    """Return the query parameters for the shop's filters: all except the API's own options."""
    values = values_of(request.query_params, single=(*OPTIONS, categories.CATEGORY))
    return {name: value for name, value in values.items() if name not in OPTIONS}


def listing_of(options: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a Listing that validated options set: page, words, groups, objects."""
    return {
        "limit": options["limit"],
        "words": options["q"],
        "words_mode": options["words"],
        "collapse": options["collapse"],
        "object": options.get("object"),
        "per_object": options["per_object"],
    }


def kept_params(fields: dict[str, Any]) -> dict[str, Any]:
    """Return the options of a request, from its query string or body, for the next page's link."""
    return {name: fields[name] for name in KEPT if name in fields}


def check_filters(filters: dict[str, Any]) -> None:
    """Raise ValidationError if the shop's filters reject a value; ``category=auto`` is valid."""
    named = filters.get("category") != categories.AUTO
    catalog().filterset(filters if named else categories.without_category(filters))


def search_filters(request: Request, options: dict[str, Any]) -> dict[str, Any]:
    """Return the filters of a search, with the category from ``options``.

    Raises ValidationError if the shop's filters reject a value.
    """
    filters = filters_of(request)
    if options.get("category"):
        filters[categories.CATEGORY] = options["category"]
    check_filters(filters)
    return filters
