"""Choose the catalog of each request, for projects with several."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Any

from asgiref.sync import iscoroutinefunction, markcoroutinefunction
from django.contrib.sites.shortcuts import get_current_site
from django.http import HttpRequest, HttpResponseBase
from django.utils.module_loading import import_string
from django.utils.translation import get_language

from . import conf
from .catalogs import catalog_names, using_catalog
from .catalogs.names import UnknownCatalog, switch_catalog

# Where the session of a member of staff keeps the catalog that the admin shows.
CHOSEN = "visualsearch_catalog"


class CatalogMiddleware:
    """Works for the catalog that ``VISUALSEARCH["CATALOG_OF_REQUEST"]`` returns for a request.

    In the admin it is the catalog that the user has chosen there. List the middleware after those
    that the choice depends on, such as LocaleMiddleware and SessionMiddleware.
    """

    sync_capable = async_capable = True

    def __init__(self, get_response: Callable[[HttpRequest], Any]):
        self.get_response = get_response
        self.is_async = iscoroutinefunction(get_response)
        if self.is_async:
            markcoroutinefunction(self)

    def __call__(self, request: HttpRequest) -> HttpResponseBase | Awaitable[HttpResponseBase]:
        """Answer the request while its catalog is the current one."""
        if self.is_async:
            return self.answer_async(request)
        with using_catalog(self.catalog_of(request)):
            response: HttpResponseBase = self.get_response(request)
            return response

    async def answer_async(self, request: HttpRequest) -> HttpResponseBase:
        """Answer the request as :meth:`__call__` does, in an event loop."""
        with using_catalog(self.catalog_of(request)):
            response: HttpResponseBase = await self.get_response(request)
            return response

    def catalog_of(self, request: HttpRequest) -> str | None:
        """Return the name of the catalog that the setting chooses, None for the default one.

        Raises UnknownCatalog for a name that is not in the settings.
        """
        path = conf.get("CATALOG_OF_REQUEST")
        return import_string(path)(request) if path else None

    def process_view(self, request: HttpRequest, *args: Any) -> None:
        """Switch to the catalog that the user has chosen, if the request is to the admin."""
        match = request.resolver_match
        if match is not None and "admin" in match.app_names:
            chosen = getattr(request, "session", {}).get(CHOSEN)
            if chosen in catalog_names():
                # The block in __call__ ends it.
                switch_catalog(chosen)


def by_site(request: HttpRequest) -> str | None:
    """Return the catalog whose name is the domain of the request's site, with ``-`` for dots.

    Without such a catalog, returns None for the default one. The domain is that of
    ``django.contrib.sites``, if installed, else the host of the request.
    """
    return known(get_current_site(request).domain.split(":")[0].replace(".", "-"))


def by_language(request: HttpRequest) -> str | None:
    """Return the catalog whose name is the active language, else that of its main language.

    Without such a catalog, returns None for the default one.
    """
    language = (get_language() or "").lower()
    return known(language) or known(language.split("-")[0])


def known(name: str) -> str | None:
    """Return a name if a catalog has it, else None."""
    with suppress(UnknownCatalog), using_catalog(name):
        return name
    return None
