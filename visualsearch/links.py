"""Links between pages of results. A page's URL holds all of its state."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext

from . import categories, facets
from .catalogs import catalog
from .classes import class_name
from .results import SearchResult

PHOTO, OFFSET, ORDERING = "photo", "offset", "ordering"

PAGE_SIZE = 12
CHIPS = 3
WORTH_OFFERING = 0.01


def address(params: dict[str, Any]) -> str:
    """Return the URL of the search page with these parameters, without empty ones."""
    given = {name: value for name, value in params.items() if value not in ("", None)}
    return f"{reverse('visualsearch:search_page')}?{urlencode(given)}"


def chips(result: SearchResult, params: dict[str, str]) -> list[dict[str, Any]]:
    """Return links to the photo's likely categories and to all items; mark the chosen one."""
    offered = catalog().categories([each.label for each in result.predictions])
    chosen = result.category
    found = [
        {
            "label": class_name(each.label),
            "percent": round(each.probability * 100),
            "chosen": each.label == chosen,
            "url": address({**params, OFFSET: "", categories.CATEGORY: each.label}),
        }
        for each in result.predictions
        if each.label in offered and (each.probability >= WORTH_OFFERING or each.label == chosen)
    ][:CHIPS]
    if chosen and not any(chip["chosen"] for chip in found):
        name = catalog().category_name(chosen)
        found.insert(0, {"label": name, "percent": None, "chosen": True, "url": address(params)})
    everything = {
        "label": gettext("Everything"),
        "percent": None,
        "chosen": not chosen,
        "url": address({**params, OFFSET: "", categories.CATEGORY: ""}),
    }
    return [*found, everything] if found else []


class Narrowing:
    """Template context of the filter form; ``kept``: parameters to preserve in hidden fields."""

    def __init__(self, result: SearchResult, params: dict[str, str]):
        self.facets = result.facets or []
        self.orderings = facets.orderings(catalog())
        self.ordering = params.get(ORDERING, "")
        own = {ORDERING, OFFSET}
        for facet in self.facets:
            own |= {facet.get("min_param"), facet.get("max_param"), facet["name"]} - {None}
        self.kept = {name: text for name, text in params.items() if text and name not in own}
        self.active = any(each["value"] not in (None, [None, None]) for each in self.facets)
        self.clear_url = address({**self.kept, ORDERING: self.ordering})


def paging(result: SearchResult, params: dict[str, str], offset: int) -> dict[str, Any]:
    """Return the URLs of the next and previous page, or None."""
    after = offset + PAGE_SIZE
    before = max(0, offset - PAGE_SIZE)
    return {
        "next_url": address({**params, OFFSET: after}) if after < result.count else None,
        "previous_url": address({**params, OFFSET: before or ""}) if offset else None,
    }
