"""Turn the app's errors into messages, and record refused photos."""

from __future__ import annotations

import logging

from django.db import DatabaseError, InterfaceError, OperationalError
from django.utils.translation import gettext

from ..exceptions import ImageMissing, InvalidCrop, PhotoError, VisualSearchError
from ..models import Refusal
from ..signals import refused

logger = logging.getLogger(__name__)
DATABASE_AWAY = (OperationalError, InterfaceError)


def staff_message(error: VisualSearchError) -> str:
    """Return the message of an error for the shop's staff, in the active language."""
    return gettext(error.message) % error.params


def customer_message(error: VisualSearchError) -> str:
    """Return an error's message for customers; if the one for staff differs, log that one."""
    if error.told:
        logger.warning("%s: %s", error.code, error)
    return customer_text(error)


def customer_text(error: VisualSearchError) -> str:
    """Return the message of an error for customers, without logging."""
    return gettext(error.told) if error.told else staff_message(error)


def record_refusal(error: VisualSearchError, *, storefront: int | None = None) -> None:
    """Send the signal ``refused`` for an error, and store a Refusal if the photo failed.

    Nothing is stored for a missing photo or an invalid crop. ``storefront``: primary key of the
    calling storefront.
    """
    refused.send_robust(sender=None, code=error.code)
    if isinstance(error, PhotoError) and not isinstance(error, ImageMissing | InvalidCrop):
        try:
            Refusal.objects.create(code=error.code, storefront_id=storefront)
        except DatabaseError as trouble:
            logger.warning("The refusal “%s” could not be stored: %s", error.code, trouble)
