"""System checks of the project around the app: databases, middleware, proxies."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import ImproperlyConfigured
from django.db import connections
from django.middleware.csrf import CsrfViewMiddleware
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from .. import conf
from ..models.primary import database

SQLITE_OPTIONS = {
    "transaction_mode": "IMMEDIATE",
    "init_command": "PRAGMA journal_mode=WAL",
}
SUPPORTED_DATABASES = ("postgresql", "sqlite")


@register("visualsearch", deploy=True)
def check_proxies(**kwargs: Any) -> list[CheckMessage]:
    """Warn in production if clients can forge the address by which they are rate limited."""
    if not conf.get("THROTTLE") or "NUM_PROXIES" in getattr(settings, "REST_FRAMEWORK", {}):
        return []
    return [
        Warning(
            "Clients can avoid the rate limits by forging their IP address.",
            hint="Set REST_FRAMEWORK[“NUM_PROXIES”] to the number of proxies in front of this"
            " server that add to X-Forwarded-For (0 for none), or set VISUALSEARCH[“THROTTLE”] to"
            " None.",
            id="visualsearch.W002",
        )
    ]


@register("visualsearch")
def check_database(**kwargs: Any) -> list[CheckMessage]:
    """Report a database in which this app's rows cannot be stored correctly."""
    alias = database()
    if connections[alias].vendor in SUPPORTED_DATABASES:
        return []
    return [
        Error(
            f"The database “{alias}” is {connections[alias].display_name}, which is not supported.",
            hint="Keep this app's tables in PostgreSQL or SQLite: add such a database to DATABASES,"
            " and a router that returns it for the app label “visualsearch”.",
            id="visualsearch.E011",
        )
    ]


@register("visualsearch")
def check_sqlite(**kwargs: Any) -> list[CheckMessage]:
    """Warn about SQLite's default options, with which processes lock each other out."""
    alias = database()
    connection = connections[alias]
    if connection.vendor != "sqlite" or connection.is_in_memory_db():  # type: ignore[attr-defined]
        return []
    options = connection.settings_dict["OPTIONS"]
    waits = str(options.get("transaction_mode", "")).upper() in ("IMMEDIATE", "EXCLUSIVE")
    if waits and "wal" in str(options.get("init_command", "")).lower():
        return []
    return [
        Warning(
            f"The database “{alias}” is SQLite with its default options: while one process writes,"
            " others wait, and some of them fail.",
            hint=f"Set DATABASES[“{alias}”][“OPTIONS”] to {SQLITE_OPTIONS}.",
            id="visualsearch.W003",
        )
    ]


@register("visualsearch")
def check_csrf(**kwargs: Any) -> list[CheckMessage]:
    """Warn if the search page has a form whose CSRF token no cookie confirms."""
    try:
        address = reverse("visualsearch:search_page")
    except (NoReverseMatch, ImproperlyConfigured, ImportError):
        return []  # the API alone, or a fault of the URLs that Django reports
    if any(is_csrf_middleware(path) for path in settings.MIDDLEWARE):
        return []
    return [
        Warning(
            f"Photos that are sent from {address} without JavaScript are refused, because no"
            " middleware sets the CSRF cookie.",
            hint="Add “django.middleware.csrf.CsrfViewMiddleware” to MIDDLEWARE.",
            id="visualsearch.W004",
        )
    ]


def is_csrf_middleware(path: str) -> bool:
    """Return whether a dotted path names CsrfViewMiddleware or a subclass."""
    try:
        kind = import_string(path)
    except ImportError:
        return False
    return isinstance(kind, type) and issubclass(kind, CsrfViewMiddleware)
