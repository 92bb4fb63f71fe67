"""Template tags for a shop's own templates: ``{% load visualsearch %}``."""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

from django import template
from django.contrib.staticfiles import finders
from django.template import RequestContext
from django.template.context import Context
from django.templatetags.static import static
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import get_language

from .. import conf
from ..catalogs import cards_for, catalog, catalog_names, current_catalog_name
from ..exceptions import VisualSearchError
from ..search.requests import DEFAULT_LIMIT, SimilarRequest
from ..search_queue import dispatch

logger = logging.getLogger(__name__)
register = template.Library()

FORM = "visualsearch/_form.html"
LINK = "visualsearch/_link.html"


@register.simple_tag(takes_context=True)
def visual_search(
    context: Context,
    *,
    compact: bool = False,
    history: bool = False,
    results_url: str = "",
    photo: str = "",
    limit: int = DEFAULT_LIMIT,
    content: str = "",
    api_key: str = "",
) -> SafeString:
    """Render the search component, with a form for browsers without JavaScript.

    ``compact``: render a camera button that opens the search. ``results_url``: page that shows the
    results; by default the search page if compact, else this page. ``history``: store the search in
    the page's URL. ``photo``: id of a query whose results to show at first. ``limit``: results per
    page. ``content``: template to show without JavaScript. ``api_key``: key of the storefront to
    attribute searches to.
    """
    page = reverse("visualsearch:search_page")
    language = get_language() or "en"
    values = {
        "compact": compact,
        "history": history,
        "results_url": results_url or (page if compact else ""),
        "photo": photo,
        "limit": limit,
        "api_key": api_key,
        "content": content or (LINK if compact else FORM),
        "endpoint": reverse("visualsearch-api:search").removesuffix("search/"),
        "language": language,
        "texts": texts_url(language),
        "accepted": conf.limits().accepted,
        "max_megabytes": conf.get("MAX_PHOTO_BYTES") // 1_000_000,
        "takes_words": catalog().takes_words,
        "script": is_first(context),
    }
    return rendered(context, "visualsearch/_visual_search.html", values)


@register.simple_tag(takes_context=True)
def similar_products(context: Context, product: Any, limit: int = 4) -> SafeString:
    """Render cards of products that look like ``product``, an item of the catalog or its key.

    Renders no card if the product is unknown or the search is down.
    """
    source = catalog()
    key = source.key_of(product) if isinstance(product, source.model) else str(product)
    try:
        with cards_for(context.get("request")):
            hits = dispatch.similar(SimilarRequest(item=key, limit=limit)).hits
    except VisualSearchError as error:
        logger.info("Similar products of %s cannot be shown: %s", key, error)
        hits = []
    return rendered(context, "visualsearch/_similar.html", {"hits": hits})


@register.inclusion_tag("admin/visualsearch/_catalogs.html", takes_context=True)
def choice_of_catalog(context: Context) -> dict[str, Any]:
    """Render a form for the catalog that the admin shows; nothing if the project has only one."""
    names = catalog_names()
    return {
        "names": names if len(names) > 1 else [],
        "chosen": current_catalog_name(),
        "csrf_token": context.get("csrf_token"),
    }


def rendered(context: Context, name: str, values: dict[str, Any]) -> SafeString:
    """Render a template with the page's context and ``values``, as ``{% include %}`` does."""
    assert context.template is not None
    page = context.template.engine.get_template(name)
    with context.push(**values):
        return page.render(context)


def texts_url(language: str) -> str:
    """Return the URL of the component's texts in a language, "" if they are not in a file."""
    name = f"visualsearch/visual-search.{language.split('-')[0].lower()}.js"
    return static(name) if is_static_file(name) else ""


@cache
def is_static_file(name: str) -> bool:
    """Return whether an app or the shop has a static file of this name."""
    return finders.find(name) is not None


def is_first(context: Context) -> bool:
    """Return whether the page lacks the component's ``<script>``; the next call returns False."""
    if not isinstance(context, RequestContext):
        return True  # browsers run a module only once
    first = not hasattr(context.request, "visual_search_script")
    context.request.visual_search_script = True  # type: ignore[attr-defined]
    return first
