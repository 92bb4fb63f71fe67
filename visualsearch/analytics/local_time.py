"""Local times for people, also in projects with ``USE_TZ = False``."""

from __future__ import annotations

from datetime import date, datetime, time

from django.conf import settings
from django.utils import timezone


def local(moment: datetime) -> datetime:
    """Return a moment in the current time zone; a naive one is local already."""
    return timezone.localtime(moment) if timezone.is_aware(moment) else moment


def today() -> date:
    """Return the current date in the current time zone."""
    return local(timezone.now()).date()


def start_of(day: date) -> datetime:
    """Return the midnight at which a day begins, aware if the project's times are."""
    midnight = datetime.combine(day, time.min)
    return timezone.make_aware(midnight) if settings.USE_TZ else midnight
