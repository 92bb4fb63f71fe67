"""Links between pages of results. A page's URL holds all of its state."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

from django.urls import reverse
from django.utils.translation import gettext

from ..catalogs import catalog
from ..class_names import class_name
from ..search import categories, facets_and_sorting
from ..search.requests import DEFAULT_LIMIT
from ..search.results import SearchResult

PHOTO, OFFSET, ORDERING, WORDS, OBJECT = "photo", "offset", "ordering", "q", "object"

PAGE_SIZE = DEFAULT_LIMIT
CHIPS = 3
WORTH_OFFERING = 0.01


def page_url(params: dict[str, Any]) -> str:
    """Return the URL of the search page with these query parameters; empty ones are left out."""
    given = {name: value for name, value in params.items() if value not in ("", None)}
    return f"{reverse('visualsearch:search_page')}?{urlencode(given, doseq=True)}"


def chips(result: SearchResult, params: dict[str, str]) -> list[dict[str, Any]]:
    """Return links that filter by the photo's likely categories, and one to all items.

    Each is a dict: ``label``, ``percent`` (probability, None if unknown), ``chosen`` (whether it is
    the current filter) and ``url``. [] if the shop has none of the categories. ``params``: query
    parameters of the page.
    """
    offered = catalog().categories([each.label for each in result.predictions])
    chosen = result.category
    found = [
        {
            "label": class_name(each.label),
            "percent": round(each.probability * 100),
            "chosen": each.label == chosen,
            "url": page_url({**params, OFFSET: "", categories.CATEGORY: each.label}),
        }
        for each in result.predictions
        if each.label in offered and (each.probability >= WORTH_OFFERING or each.label == chosen)
    ][:CHIPS]
    if chosen and not any(chip["chosen"] for chip in found):
        name = catalog().category_name(chosen)
        found.insert(0, {"label": name, "percent": None, "chosen": True, "url": page_url(params)})
    everything = {
        "label": gettext("Everything"),
        "percent": None,
        "chosen": not chosen,
        "url": page_url({**params, OFFSET: "", categories.CATEGORY: ""}),
    }
    return [*found, everything] if found else []


def things(result: SearchResult, params: dict[str, str]) -> list[dict[str, Any]]:
    """Return links that search for one thing in the photo, and one to its subject.

    Each is a dict: ``label``, ``chosen`` (whether it is searched for now) and ``url``. [] if the
    photo shows a single thing.
    """
    chosen = params.get(OBJECT) or ""
    again = {**params, OFFSET: "", "crop": "", categories.CATEGORY: categories.AUTO}
    found = [
        {
            "label": class_name(each.label),
            "chosen": str(each.id) == chosen,
            "url": page_url({**again, OBJECT: each.id}),
        }
        for each in result.objects
    ]
    subject = {
        "label": gettext("Whole photo"),
        "chosen": not chosen,
        "url": page_url({**again, OBJECT: ""}),
    }
    return [*found, subject] if found else []


class Narrowing:
    """Template context of the form with facets and sort orders.

    ``params``: query parameters of the page. ``kept``: those without the form's own fields, and
    ``hidden``: their names and values for hidden inputs. ``active``: whether a facet is set.
    ``clear_url``: the page without facets.
    """

    def __init__(self, result: SearchResult, params: dict[str, str]):
        self.facets = result.facets or []
        self.orderings = facets_and_sorting.orderings(catalog())
        self.ordering = params.get(ORDERING, "")
        self.words = params.get(WORDS, "")
        own = {ORDERING, OFFSET, WORDS}
        for facet in self.facets:
            own |= {facet.get("min_param"), facet.get("max_param"), facet["name"]} - {None}
        self.kept = {name: text for name, text in params.items() if text and name not in own}
        self.hidden = [
            (name, each)
            for name, text in self.kept.items()
            for each in (text if isinstance(text, list) else [text])
        ]
        self.active = any(each["value"] not in (None, [None, None]) for each in self.facets)
        self.clear_url = page_url({**self.kept, ORDERING: self.ordering, WORDS: self.words})


def paging(result: SearchResult, params: dict[str, str], offset: int) -> dict[str, Any]:
    """Return ``next_url`` and ``previous_url``, each None if there is no such page."""
    after = offset + PAGE_SIZE
    before = max(0, offset - PAGE_SIZE)
    return {
        "next_url": page_url({**params, OFFSET: after}) if after < result.count else None,
        "previous_url": page_url({**params, OFFSET: before or ""}) if offset else None,
    }
