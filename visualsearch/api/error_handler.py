"""Error responses as JSON, in the format of drf-standardized-errors with the app's own codes."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import UnreadablePostError
from django.utils.translation import gettext
from drf_standardized_errors.formatter import ExceptionFormatter
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.response import Response

from ..exceptions import (
    ApiKeyInvalid,
    ApiKeyMissing,
    BackendUnavailable,
    BodyTimeout,
    ServiceUnavailable,
    Throttled,
    VisualSearchError,
)
from ..web.refusals import DATABASE_AWAY, customer_message, record_refusal

logger = logging.getLogger(__name__)


class Refused(APIException):
    """A VisualSearchError as an APIException, with its status and headers."""

    def __init__(self, error: VisualSearchError):
        self.status_code = error.status
        if isinstance(error, ServiceUnavailable | Throttled):
            self.wait = error.retry_after  # becomes the header Retry-After
        if isinstance(error, ApiKeyMissing | ApiKeyInvalid):
            self.auth_header = "ApiKey"  # becomes the header WWW-Authenticate
        detail: Any = customer_message(error)
        super().__init__({error.attr: detail} if error.attr else detail, error.code)


class Handler(ExceptionHandler):
    """An exception handler that converts the app's exceptions, with JSON responses only.

    The host project's settings for drf-standardized-errors do not apply.
    """

    def format_exception(self, exc: APIException) -> Any:
        """Return the body of the response: ``type`` and ``errors``."""
        return ExceptionFormatter(exc, self.context, self.exc).run()

    def should_not_handle(self, exc: Exception) -> bool:
        """Return False, so that responses are the same in debug mode; the log has tracebacks."""
        return False

    def report_exception(self, exc: APIException, response: Response) -> None:
        """Log an expected error in one line; report any other with its traceback."""
        if isinstance(self.exc, (VisualSearchError, *DATABASE_AWAY)):
            logger.info("%s: %s", exc.get_codes(), exc.detail)
        else:
            super().report_exception(exc, response)

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        """Return the APIException for a known error; record the app's own errors as refusals."""
        if isinstance(exc, VisualSearchError):
            view = self.context.get("view")
            record_refusal(exc, storefront=getattr(view, "storefront_id", None))
            return Refused(exc)
        if isinstance(exc, DjangoValidationError):
            return ValidationError(exc.message_dict)
        if isinstance(exc, UnreadablePostError):  # the client was too slow, or has disconnected
            return self.convert_known_exceptions(BodyTimeout())
        if isinstance(exc, DATABASE_AWAY):
            logger.warning("The database does not respond: %s", exc)
            return self.convert_known_exceptions(BackendUnavailable())
        if isinstance(exc, SuspiciousOperation):  # too many fields, or too large ones
            return ParseError(gettext("The form is too large. Send the photo as a file."))
        return super().convert_known_exceptions(exc)

    def convert_unhandled_exceptions(self, exc: Exception) -> APIException:
        """Return the error ``search_failed`` for an unexpected exception."""
        return exc if isinstance(exc, APIException) else Refused(VisualSearchError())


def as_items(error: VisualSearchError, *, storefront: int | None = None) -> list[dict[str, Any]]:
    """Return one photo's error as the JSON list ``errors``, and record it as a refusal."""
    record_refusal(error, storefront=storefront)
    return [{"code": error.code, "detail": customer_message(error), "attr": error.attr or None}]


def handle(exc: Exception, context: Any) -> Response | None:
    """Return the error response to an exception; ``context``: see REST framework."""
    return Handler(exc, context).run()
