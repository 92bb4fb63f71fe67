"""The entry for search by photo in the navigation of oscar's dashboard."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.translation import gettext_lazy as _

from .permissions import PERMISSIONS, may

NAMESPACE = "visualsearch-dashboard"


def may_open(user: Any, url_name: str, url_args: Any = None, url_kwargs: Any = None) -> bool:
    """Return whether to show a user the link to a page; False if the shop lacks its URL."""
    try:
        reverse(url_name, args=url_args, kwargs=url_kwargs)
    except NoReverseMatch:
        return False
    return may(user, PERMISSIONS[url_name.partition(":")[2]])


def entry() -> dict[str, Any]:
    """Return the entry, as ``OSCAR_DASHBOARD_NAVIGATION`` has them."""
    pages = {
        "overview": _("Overview"),
        "insights": _("Insights"),
        "vain": _("Searched in vain"),
    }
    return {
        "label": _("Search by photo"),
        "icon": "fas fa-camera",
        "children": [
            {"label": label, "url_name": f"{NAMESPACE}:{name}", "access_fn": may_open}
            for name, label in pages.items()
        ],
    }


def add() -> None:
    """Append the entry to the dashboard's navigation, unless the shop has placed it itself."""
    own = f"{NAMESPACE}:overview"
    entries = [*settings.OSCAR_DASHBOARD_NAVIGATION]  # type: ignore[misc]
    children = [child for each in entries for child in each.get("children", [])]
    if own not in [each.get("url_name") for each in (*entries, *children)]:
        settings.OSCAR_DASHBOARD_NAVIGATION = [*entries, entry()]
