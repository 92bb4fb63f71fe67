"""Refusals as JSON: drf-standardized-errors' shape, with the app's own codes."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.db import DatabaseError, InterfaceError, OperationalError
from django.http import UnreadablePostError
from django.utils.translation import gettext
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.response import Response

from ..exceptions import (
    ApiKeyInvalid,
    ApiKeyMissing,
    BackendUnavailable,
    BodyTimeout,
    ImageMissing,
    InvalidCrop,
    PhotoError,
    ServiceUnavailable,
    Throttled,
    VisualSearchError,
)
from ..models import Refusal
from ..signals import refused

logger = logging.getLogger(__name__)

DATABASE_AWAY = (OperationalError, InterfaceError)


def describe(error: VisualSearchError) -> str:
    """What those who run the shop read, in the active language."""
    return gettext(error.message) % error.params


def told(error: VisualSearchError) -> str:
    """What a customer reads: where the message is not for them, the log has it."""
    if error.told:
        logger.warning("%s: %s", error.code, error)
    return sentence(error)


def sentence(error: VisualSearchError) -> str:
    """The same, said to nobody."""
    return gettext(error.told) if error.told else describe(error)


class Refused(APIException):
    """A VisualSearchError on its way to the client."""

    def __init__(self, error: VisualSearchError):
        self.status_code = error.status
        if isinstance(error, ServiceUnavailable | Throttled):
            self.wait = error.retry_after  # becomes the header Retry-After
        if isinstance(error, ApiKeyMissing | ApiKeyInvalid):
            self.auth_header = "ApiKey"  # becomes the header WWW-Authenticate
        detail: Any = told(error)
        super().__init__({error.attr: detail} if error.attr else detail, error.code)


class Handler(ExceptionHandler):
    """Knows the app's exceptions besides those of Django and DRF, and always answers JSON."""

    def should_not_handle(self, exc: Exception) -> bool:
        """The contract holds in debug mode too; the traceback is in the log."""
        return False

    def report_exception(self, exc: APIException, response: Response) -> None:
        """A known refusal is no crash: what is down is logged in a line, without a traceback."""
        if isinstance(self.exc, (VisualSearchError, *DATABASE_AWAY)):
            logger.info("%s: %s", exc.get_codes(), exc.detail)
        else:
            super().report_exception(exc, response)

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        """Anything a client can be told about becomes an APIException."""
        if isinstance(exc, VisualSearchError):
            view = self.context.get("view")
            report(exc, storefront=getattr(view, "storefront_id", None))
            return Refused(exc)
        if isinstance(exc, DjangoValidationError):
            return ValidationError(exc.message_dict)
        if isinstance(exc, UnreadablePostError):  # cut off by the server for being slow, or gone
            return self.convert_known_exceptions(BodyTimeout())
        if isinstance(exc, DATABASE_AWAY):
            logger.warning("the database is away: %s", exc)
            return self.convert_known_exceptions(BackendUnavailable())
        if isinstance(exc, SuspiciousOperation):  # too many fields, or too large ones
            return ParseError(gettext("The form is too large. Send the photo as a file."))
        return super().convert_known_exceptions(exc)

    def convert_unhandled_exceptions(self, exc: Exception) -> APIException:
        """What nobody foresaw has a code and a sentence, too; the log has the rest."""
        return exc if isinstance(exc, APIException) else Refused(VisualSearchError())


def as_items(error: VisualSearchError, *, storefront: int | None = None) -> list[dict[str, Any]]:
    """A refusal as one of several answers in one body; it is reported as well."""
    report(error, storefront=storefront)
    return [{"code": error.code, "detail": told(error), "attr": error.attr or None}]


def report(error: VisualSearchError, *, storefront: int | None = None) -> None:
    """Let it be known that a client was refused; of photos that fail, the shop has a count."""
    refused.send_robust(sender=None, code=error.code)
    if isinstance(error, PhotoError) and not isinstance(error, ImageMissing | InvalidCrop):
        try:
            Refusal.objects.create(code=error.code, storefront_id=storefront)
        except DatabaseError as trouble:
            logger.warning("%s is not counted: %s", error.code, trouble)


def handle(exc: Exception, context: Any) -> Response | None:
    """The exception handler of the app's views, whatever the shop's settings say."""
    return Handler(exc, context).run()
