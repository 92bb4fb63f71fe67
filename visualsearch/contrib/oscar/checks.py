"""System checks of a shop's settings for this app."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.core.checks import CheckMessage, Error, Warning
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from ... import conf
from .navigation import NAMESPACE

APP = "visualsearch.contrib.oscar"
CATALOG = f"{APP}.catalog.OscarCatalog"


def check_order(**kwargs: Any) -> list[CheckMessage]:
    """Report an app whose templates hide those of this app."""
    names = [config.name for config in apps.get_app_configs()]
    before = [name for name in names[: names.index(APP)] if name in ("visualsearch", "oscar")]
    return [
        Error(
            f"“{name}” is before “{APP}” in INSTALLED_APPS, so its templates are used instead.",
            hint=f"Put “{APP}” first in INSTALLED_APPS.",
            id="visualsearch.E103",
        )
        for name in before
    ]


def check_urls(**kwargs: Any) -> list[CheckMessage]:
    """Report missing URLs, without which every page of the shop fails."""
    names = ["visualsearch:search_page", "visualsearch-api:search", f"{NAMESPACE}:overview"]
    try:
        for name in names:
            reverse(name)
    except NoReverseMatch as error:
        return [
            Error(
                f"The URLs of search by photo are missing: {error}",
                hint=f"Add path(“”, include(“{APP}.urls”)) to your URLs, before those of oscar.",
                id="visualsearch.E104",
            )
        ]
    return []


def check_catalog(**kwargs: Any) -> list[CheckMessage]:
    """Warn if the shop's catalog is not the one of this app or derived from it."""
    from .catalog import OscarCatalog

    try:
        kind = import_string(conf.get("CATALOG"))
    except ImportError:
        kind = None
    if isinstance(kind, type) and issubclass(kind, OscarCatalog):
        return []
    return [
        Warning(
            f"VISUALSEARCH[“CATALOG”] is {conf.get('CATALOG')!r}.",
            hint=f"Set it to “{CATALOG}”, or to a class that derives from it.",
            id="visualsearch.W101",
        )
    ]
