"""What the views have in common: who asks and how often, how a photo is read, what is refused."""

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

# Options of the API, which are no filters of the shop.
OPTIONS = ("limit", "offset", "crop", "ordering", "facets", "visitor", "keep_photo")
# Of a search, those that may stand in the query as well as in the body.
IN_QUERY = ("limit", "crop", "category", "visitor", "keep_photo")


class VisualSearchView(APIView):
    """Always answers JSON, errors in one shape. Needs no session, and so no CSRF token either."""

    authentication_classes: list[Any] = []
    permission_classes: list[Any] = []
    renderer_classes = [JSONRenderer]
    schema = Schema()
    scope = throttles.READ
    storefront: Storefront | None = None

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who has no key, or asks too often, is told so before anything is done."""
        sent = request._request
        callers.user_of(sent)
        try:
            self.storefront = callers.storefront_of(sent)
        except ApiKeyInvalid:
            throttles.spend(sent, self.scope)  # keys cannot be tried out faster than this
            raise
        throttles.spend(sent, self.scope, storefront=self.storefront)
        super().initial(request, *args, **kwargs)

    @property
    def storefront_id(self) -> int | None:
        """Whose queries this request may reach."""
        return self.storefront.pk if self.storefront else None

    def caller(self, visitor: str = "") -> Caller:
        """For whom a search counts."""
        return callers.caller_of(self.request._request, self.storefront, visitor)

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
    upload_handler = PhotoUploadHandler

    def dispatch(self, request: Any, *args: Any, **kwargs: Any) -> Any:
        """What is read of the body counts until the answer is made."""
        with bodies.held():
            return super().dispatch(request, *args, **kwargs)

    def initialize_request(self, request: Any, *args: Any, **kwargs: Any) -> Request:
        """Uploads stay in memory: Django's default handlers write large ones to disk."""
        request.upload_handlers = [self.upload_handler(request)]
        return super().initialize_request(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Who is one too many is told so before the photo is read."""
        super().initial(request, *args, **kwargs)
        dispatch.admit()


def validated(kind: type[Any], data: Any) -> dict[str, Any]:
    """Checked values of a request's fields; raises DRF's ValidationError."""
    serializer = kind(data=data)
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def fields_of(request: Request) -> dict[str, Any]:
    """Options may stand in the query or in the body; the body counts. The photo is in the body."""
    query = {name: value for name, value in request.query_params.items() if name in IN_QUERY}
    body: Any = request.data
    return query | {name: body[name] for name in body}


def filters_of(request: Request) -> dict[str, str]:
    """The query parameters: the shop's filters take what they know of them."""
    return {name: str(value) for name, value in request.query_params.items() if name not in OPTIONS}


def check_filters(filters: dict[str, str]) -> None:
    """Raise ValidationError for a value that the shop's filters do not take."""
    named = filters.get("category") != categories.AUTO
    catalog().filterset(filters if named else categories.without(filters))


def search_filters(request: Request, options: dict[str, Any]) -> dict[str, str]:
    """What a search is narrowed by; raises ValidationError for a value that cannot be."""
    filters = filters_of(request)
    if options.get("category"):
        filters[categories.CATEGORY] = options["category"]
    check_filters(filters)
    return filters
