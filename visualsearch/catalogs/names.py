"""The names of the project's catalogs, and which of them this thread or task works for.

The rows of each catalog carry its name, so that one database holds the indexes of several.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from django.conf import settings

from .. import conf

MAX_CATALOG_NAME = 50
VALID = re.compile(rf"[a-z0-9_-]{{1,{MAX_CATALOG_NAME}}}")

_current: ContextVar[str | None] = ContextVar("catalog", default=None)


class UnknownCatalog(LookupError):
    """Raised for a catalog that the settings do not name."""


def catalog_names() -> list[str]:
    """Return the names of the project's catalogs, the default one first."""
    return list(conf.get("CATALOGS")) or [name_of_only_catalog()]


def name_of_only_catalog() -> str:
    """Return the name of the catalog in the setting ``CATALOG``.

    It is the setting ``CATALOG_NAME`` or, because each site may have settings of its own,
    ``site-<SITE_ID>``. The first site's is "".
    """
    if conf.get("CATALOG_NAME") is not None:
        return str(conf.get("CATALOG_NAME"))
    site = getattr(settings, "SITE_ID", None)
    return "" if site in (None, 1) else f"site-{site}"


def current_catalog_name() -> str:
    """Return the name of the catalog that this thread or task works for."""
    name = _current.get()
    return catalog_names()[0] if name is None else name


def of_current_catalog(setting: str) -> Any:
    """Return a setting that may be a dict of values by the name of the catalog.

    Returns "" if the dict has no value for the current catalog.
    """
    value = conf.get(setting)
    return value.get(current_catalog_name(), "") if isinstance(value, dict) else value


def switch_catalog(name: str) -> None:
    """Work for another catalog until the surrounding :func:`using_catalog` ends."""
    _current.set(name)


@contextmanager
def using_catalog(name: str | None) -> Iterator[None]:
    """Work for the catalog of this name in the ``with`` block; None leaves it as it is.

    Raises UnknownCatalog for a name that is not in the settings.
    """
    if name is not None and name not in catalog_names():
        known = ", ".join(repr(each) for each in catalog_names())
        raise UnknownCatalog(f"There is no catalog {name!r} in the settings; they name {known}.")
    before = _current.set(_current.get() if name is None else name)
    try:
        yield
    finally:
        _current.reset(before)
