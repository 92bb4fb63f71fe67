"""Format numbers, dates and states for people."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.template.defaultfilters import filesizeformat
from django.utils.formats import date_format, number_format
from django.utils.html import format_html
from django.utils.safestring import SafeString

from ..analytics.local_time import local

NOTHING = "–"


def badge(kind: str, text: Any) -> SafeString:
    """Return a coloured badge; ``kind``: ``good``, ``bad``, ``warning``, ``busy`` or ``quiet``."""
    return format_html('<span class="vs-badge vs-badge-{}">{}</span>', kind, text)


def number(value: float | None, digits: int = 0) -> str:
    """Format a number with the separators of the active language; None as a dash."""
    if value is None:
        return NOTHING
    # ``number_format`` truncates, so round first.
    return number_format(round(value, digits), digits, use_l10n=True, force_grouping=True)


def size(value: float | None) -> str:
    """Format a number of bytes in a suitable unit; None as a dash."""
    return NOTHING if value is None else filesizeformat(value)


def milliseconds(value: float | None) -> str:
    """Format a latency in milliseconds, with a decimal if below ten; None as a dash."""
    return NOTHING if value is None else f"{number(value, 0 if value >= 10 else 1)}\xa0ms"


def percent(part: float, whole: float = 1) -> int:
    """Return ``part`` / ``whole`` in whole percent, limited to 0…100 for bars.

    0 if ``whole`` is 0.
    """
    return max(0, min(100, int(100 * part / whole))) if whole else 0


def percentage(value: float | None, digits: int = 1) -> str:
    """Format a share 0…1 in percent, 0 and 1 without decimals; None as a dash."""
    if value is None:
        return NOTHING
    return f"{number(100 * value, 0 if value in (0, 1) else digits)}\xa0%"


def percent_tick(value: float) -> str:
    """Format a share for an axis label; whole percents have no decimals."""
    return percentage(value, 0 if abs(100 * value - round(100 * value)) < 1e-6 else 1)


def signed(value: float, digits: int = 0) -> str:
    """Format a change with its sign; without one if it rounds to 0."""
    text = number(abs(value), digits)
    if text == number(0, digits):
        return text
    return f"{'+' if value > 0 else '−'}{text}"


def duration(seconds: float | None) -> str:
    """Format seconds in at most two units, with symbols that are the same in every language."""
    if seconds is None:
        return NOTHING
    if seconds < 1:
        return f"{number(seconds, 1)}\xa0s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}\xa0h\xa0{minutes:02}\xa0min"
    return f"{minutes}\xa0min\xa0{rest:02}\xa0s" if minutes else f"{rest}\xa0s"


def moment(value: datetime | None) -> str:
    """Format a date and time in local time; None as a dash."""
    return date_format(local(value), "SHORT_DATETIME_FORMAT") if value else NOTHING
