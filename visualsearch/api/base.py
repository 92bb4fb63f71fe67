"""Base classes and helpers of the API views: API keys, rate limits, photo uploads, filters."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rest_framework.parsers import MultiPartParser
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from .. import categories, dispatch
from ..callers import Caller
from ..catalogs import catalog
from ..exceptions import ApiKeyInvalid
from ..models import Storefront
from . import bodies, callers, throttles
from .errors import handle
from .parsers import BoundedJSONParser, PhotoUploadHandler
from .schema import Schema

# Query parameters of the API itself. All others are filters of the shop.
OPTIONS = ("limit", "offset", "crop", "ordering", "facets", "visitor", "keep_photo")
# Search options that may be in the query string as well as in the body.
IN_QUERY = ("limit", "crop", "category", "visitor", "keep_photo")


class VisualSearchView(APIView):
    """A view with JSON responses and one format of errors; no session, and so no CSRF token."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    renderer_classes = [JSONRenderer]
    schema = Schema()
    scope = throttles.READ
    storefront: Storefront | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Check the API key and the rate limit before anything else is done.

        Raises ApiKeyMissing, ApiKeyInvalid or Throttled.
        """
        sent = request._request
        callers.user_of(sent)
        try:
            self.storefront = callers.storefront_of(sent)
        except ApiKeyInvalid:
            throttles.spend(sent, self.scope)  # guessing keys is limited, too
            raise
        throttles.spend(sent, self.scope, storefront=self.storefront)
        super().initial(request, *args, **kwargs)

    @property
    def storefront_id(self) -> int | None:
        """Primary key of the calling storefront, whose queries alone this request may read."""
        return self.storefront.pk if self.storefront else None

    def caller(self, visitor: str = "") -> Caller:
        """Return the caller that a search is attributed to."""
        return callers.caller_of(self.request._request, self.storefront, visitor)

    def finalize_response(
        self, request: Request, response: Response, *args: Any, **kwargs: Any
    ) -> Response:
        """Add the RateLimit headers to the response."""
        throttles.tell(request._request, response)
        return super().finalize_response(request, response, *args, **kwargs)

    def get_exception_handler(self) -> Callable[[Exception, Any], Response | None]:
        """Return the app's own handler, so that errors have one format under any settings."""
        return handle


class PhotoView(VisualSearchView):
    """A view of requests with a photo, as multipart or as JSON."""

    parser_classes = [MultiPartParser, BoundedJSONParser]
    scope = throttles.SEARCH
    upload_handler = PhotoUploadHandler

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """Count the body against the process's memory limit until the response is made."""
        with bodies.held():
            return super().dispatch(request, *args, **kwargs)

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        """Keep uploads in memory: Django's default handlers write large ones to disk."""
        request.upload_handlers = [self.upload_handler(request)]
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Reject requests over the limit of concurrent searches before reading the body."""
        super().initial(request, *args, **kwargs)
        dispatch.admit()


def validated(kind: type[Any], data: Any) -> dict[str, Any]:
    """Return the validated fields of a request; raise DRF's ValidationError."""
    serializer = kind(data=data)
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def fields_of(request: Request) -> dict[str, Any]:
    """Return the fields of the body, and the search options in the query string.

    The body takes precedence. The photo can only be in the body.
    """
    query = {name: value for name, value in request.query_params.items() if name in IN_QUERY}
    body: Any = request.data
    return query | {name: body[name] for name in body}


def filters_of(request: Request) -> dict[str, str]:
    """Return the query parameters that are not options of the API, for the shop's filters."""
    return {name: str(value) for name, value in request.query_params.items() if name not in OPTIONS}


def check_filters(filters: dict[str, str]) -> None:
    """Raise ValidationError if the shop's filters reject a value; ``auto`` is a valid category."""
    named = filters.get("category") != categories.AUTO
    catalog().filterset(filters if named else categories.without(filters))


def search_filters(request: Request, options: dict[str, Any]) -> dict[str, str]:
    """Return the filters of a search, including the category; raise ValidationError if invalid."""
    filters = filters_of(request)
    if options.get("category"):
        filters[categories.CATEGORY] = options["category"]
    check_filters(filters)
    return filters
