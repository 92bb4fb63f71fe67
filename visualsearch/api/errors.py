"""Refusals as JSON: drf-standardized-errors' shape, with the app's own codes."""

from __future__ import annotations

import logging
from typing import Any

from django.core.exceptions import SuspiciousOperation
from django.core.exceptions import ValidationError as DjangoValidationError
from django.http import UnreadablePostError
from django.utils.translation import gettext
from drf_standardized_errors.handler import ExceptionHandler
from rest_framework.exceptions import APIException, ParseError, ValidationError
from rest_framework.response import Response

from ..exceptions import BodyTimeout, ServiceUnavailable, Throttled, VisualSearchError
from ..signals import refused

logger = logging.getLogger(__name__)


def describe(error: VisualSearchError) -> str:
    """What those who run the shop read, in the active language."""
    return gettext(error.message) % error.params


def told(error: VisualSearchError) -> str:
    """What a customer reads: where the message is not for them, the log has it."""
    if not error.told:
        return describe(error)
    logger.warning("%s: %s", error.code, error)
    return gettext(error.told)


class Refusal(APIException):
    """A VisualSearchError on its way to the client."""

    def __init__(self, error: VisualSearchError):
        self.status_code = error.status
        if isinstance(error, ServiceUnavailable | Throttled):
            self.wait = error.retry_after  # becomes the header Retry-After
        detail: Any = told(error)
        super().__init__({error.attr: detail} if error.attr else detail, error.code)


class Handler(ExceptionHandler):
    """Knows the app's exceptions besides those of Django and DRF, and always answers JSON."""

    def should_not_handle(self, exc: Exception) -> bool:
        """The contract holds in debug mode too; the traceback is in the log."""
        return False

    def report_exception(self, exc: APIException, response: Response) -> None:
        """A known refusal is no crash: what is down is logged in a line, without a traceback."""
        if isinstance(exc, Refusal):
            logger.info("%s: %s", exc.get_codes(), exc.detail)
        else:
            super().report_exception(exc, response)

    def convert_known_exceptions(self, exc: Exception) -> Exception:
        """Anything a client can be told about becomes an APIException."""
        if isinstance(exc, VisualSearchError):
            refused.send_robust(sender=None, code=exc.code)
            return Refusal(exc)
        if isinstance(exc, DjangoValidationError):
            return ValidationError(exc.message_dict)
        if isinstance(exc, UnreadablePostError):  # cut off by the server for being slow, or gone
            return self.convert_known_exceptions(BodyTimeout())
        if isinstance(exc, SuspiciousOperation):  # too many fields, or too large ones
            return ParseError(gettext("The form is too large. Send the photo as a file."))
        return super().convert_known_exceptions(exc)


def handle(exc: Exception, context: Any) -> Response | None:
    """The exception handler of the app's views, whatever the shop's settings say."""
    return Handler(exc, context).run()
