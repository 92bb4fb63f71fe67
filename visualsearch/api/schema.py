"""The OpenAPI description: responses and errors with examples, and the shop's own filters."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from django.forms import Field
from drf_spectacular.openapi import AutoSchema
from drf_spectacular.plumbing import ResolvedComponent
from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import (
    OpenApiExample,
    OpenApiParameter,
    OpenApiResponse,
    extend_schema,
)
from rest_framework import exceptions as drf

from .. import exceptions
from ..catalogs import catalog
from ..exceptions import VisualSearchError
from ..web.clients import KEY_HEADER
from . import examples
from .raw_parsers import RAW_PARSERS
from .response_serializers import ErrorSerializer

Refusals = Iterable[type[VisualSearchError] | type[drf.APIException]]


class Invalid(drf.ValidationError):
    """An example error for invalid fields; real responses have the code of the failed check."""

    default_code = "invalid"
    default_detail = "A valid integer is required."


ANYWHERE: tuple[Any, ...] = (
    exceptions.ApiKeyMissing,
    exceptions.ApiKeyInvalid,
    exceptions.Throttled,
    drf.MethodNotAllowed,
    drf.NotAcceptable,
    VisualSearchError,
)
SERVICE: tuple[Any, ...] = (
    exceptions.BackendUnavailable,
    exceptions.IndexNotReady,
    exceptions.ModelUnavailable,
    exceptions.Overloaded,
    exceptions.SearchTimeout,
)
BODY: tuple[Any, ...] = (drf.ParseError, drf.UnsupportedMediaType, exceptions.BodyTimeout)
PHOTO: tuple[Any, ...] = (
    *BODY,
    Invalid,
    exceptions.ImageMissing,
    exceptions.ImageEmpty,
    exceptions.InvalidBase64,
    exceptions.InvalidCrop,
    exceptions.ImageTooLarge,
    exceptions.UnsupportedImage,
    exceptions.ImageCorrupt,
    exceptions.ImageTooManyPixels,
    exceptions.ImageBadShape,
    exceptions.ImageTooSmall,
    exceptions.UrlNotAllowed,
    exceptions.UrlUnreachable,
)

MEANING = {
    400: "The request has a missing or invalid value.",
    401: "The API key is missing or invalid.",
    404: "The product or the search does not exist.",
    405: "This URL does not support the method.",
    406: "Only JSON responses are available.",
    408: "The request body arrived too slowly.",
    413: "The photo or the batch is too large.",
    415: "The format of the photo or of the request body is not supported.",
    422: "The photo cannot be used for a search.",
    429: "The client exceeded its rate limit. Retry later.",
    500: "An unexpected error. The shop's log has the details.",
    503: "Search by photo is not available right now. Retry later.",
}


def header(name: str, description: str, **options: Any) -> OpenApiParameter:
    """Return a response header with an integer value, for the OpenAPI description."""
    return OpenApiParameter(name, int, OpenApiParameter.HEADER, description=description, **options)


HEADERS = [
    header("RateLimit-Limit", "Requests allowed in the current period.", response=True),
    header("RateLimit-Remaining", "Requests left in the current period.", response=True),
    header("RateLimit-Reset", "Seconds until the period ends.", response=True),
    header("Retry-After", "Seconds to wait before a retry.", response=[202, 429, 503]),
]

# A photo's bytes as the request body.
RAW = {each.media_type: OpenApiTypes.BINARY for each in RAW_PARSERS}


class Schema(AutoSchema):
    """The OpenAPI description of the app's endpoints, whatever the shop's settings."""

    def get_override_parameters(self) -> list[Any]:
        """Return the response headers, and the shop's filters if the method takes them."""
        method = getattr(self.view, self.method.lower(), None)
        filters = filter_parameters() if getattr(method, "with_filters", False) else []
        return [*super().get_override_parameters(), *HEADERS, *filters]

    def get_auth(self) -> list[dict[str, Any]]:
        """Describe the API key as optional, because settings decide whether it is required."""
        self.registry.register_on_missing(
            ResolvedComponent(
                name="ApiKey",
                type=ResolvedComponent.SECURITY_SCHEMA,
                object=Schema,
                schema={"type": "apiKey", "in": "header", "name": KEY_HEADER},
            )
        )
        return [{"ApiKey": []}, {}]

    def get_operation(self, *args: Any, **kwargs: Any) -> Any:
        """Return the operation, whose body is required if it has one."""
        operation = super().get_operation(*args, **kwargs)
        if operation and "requestBody" in operation:
            operation["requestBody"]["required"] = True
        return operation

    def get_operation_id(self) -> str:
        """Return the operation's name in generated clients: ``search``, ``batch`` …"""
        return type(self.view).__name__.removesuffix("View").lower()

    def get_summary(self) -> str:
        """Return the first line of the description."""
        return str(self.get_description()).split("\n")[0]

    def get_tags(self) -> list[str]:
        """Return one tag for all operations."""
        return ["Search by photo"]


def described(
    *,
    answers: Mapping[int, tuple[Any, dict[str, Any]]],
    refusals: Refusals = (),
    with_filters: bool = False,
    **options: Any,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return a decorator that describes a view's method in OpenAPI.

    ``answers``: (serializer, example) by HTTP status. ``refusals``: the errors that this endpoint
    has besides those of all endpoints. ``with_filters``: add the shop's filters as parameters.
    ``options`` are passed to ``extend_schema``.
    """
    responses: dict[int, OpenApiResponse] = {
        status: OpenApiResponse(serializer, examples=[OpenApiExample("answer", example)])
        for status, (serializer, example) in answers.items()
    }
    responses |= refused([*ANYWHERE, *refusals])

    def decorate(method: Callable[..., Any]) -> Callable[..., Any]:
        method.with_filters = with_filters  # type: ignore[attr-defined]
        method.kwargs = {"schema": Schema}  # type: ignore[attr-defined]
        found: Callable[..., Any] = extend_schema(responses=responses, **options)(method)
        return found

    return decorate


def refused(refusals: Refusals) -> dict[int, OpenApiResponse]:
    """Return the OpenAPI error responses by HTTP status, with an example of each error."""
    by_status: dict[int, list[OpenApiExample]] = defaultdict(list)
    for each in refusals:
        if issubclass(each, VisualSearchError):
            status, value = each.status, examples.error(each)
        else:
            status, value = each.status_code, examples.framework_error(each)
        by_status[status].append(OpenApiExample(value["errors"][0]["code"], value))
    return {
        status: OpenApiResponse(ErrorSerializer, MEANING[status], found)
        for status, found in sorted(by_status.items())
    }


def filter_parameters() -> list[OpenApiParameter]:
    """Return the shop's filters as OpenAPI query parameters, without ``category``."""
    filters = getattr(catalog().filterset_class, "base_filters", {})
    return [
        OpenApiParameter(
            name, type_of(each.field), description=f"Filter of the shop: {each.label or name}"
        )
        for name, each in filters.items()
        if name != "category"
    ]


def type_of(field: Field) -> Any:
    """Return the OpenAPI type for a Django form field."""
    name = type(field).__name__
    if name in ("DecimalField", "FloatField"):
        return OpenApiTypes.NUMBER
    return OpenApiTypes.INT if name == "IntegerField" else OpenApiTypes.STR
