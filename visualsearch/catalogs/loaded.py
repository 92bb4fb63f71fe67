"""The instances of the project's catalogs."""

from __future__ import annotations

from functools import cache

from django.core.signals import setting_changed
from django.utils.module_loading import import_string

from .. import conf
from .names import catalog_names, current_catalog_name
from .source import CatalogSource


def catalog() -> CatalogSource:
    """Return the instance of the current catalog's class, one per process."""
    return load_catalog(current_catalog_name())


@cache
def load_catalog(name: str) -> CatalogSource:
    """Return the instance of the catalog of this name; raise KeyError for an unknown name."""
    path = conf.get("CATALOGS")[name] if conf.get("CATALOGS") else conf.get("CATALOG")
    source: CatalogSource = import_string(path)()
    source.catalog_name = name
    return source


def all_catalogs() -> list[CatalogSource]:
    """Return the instances of all catalogs of the project, the default one first."""
    return [load_catalog(name) for name in catalog_names()]


def drop_catalogs(*, setting: str, **kwargs: object) -> None:
    """Drop the cached instances when a test overrides the settings."""
    if setting == "VISUALSEARCH":
        load_catalog.cache_clear()


setting_changed.connect(drop_catalogs)
