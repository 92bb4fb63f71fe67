"""The permissions that the dashboard's pages need, the same as those of the admin."""

from __future__ import annotations

from typing import Any

from oscar.views.decorators import check_permissions

# Required permissions by URL name. Oscar reads ``is_staff`` from the user.
PERMISSIONS = {
    "overview": ["is_staff", "visualsearch.view_run"],
    "progress": ["is_staff", "visualsearch.view_run"],
    "reindex": ["is_staff", "visualsearch.add_run"],
    "control": ["is_staff", "visualsearch.change_run"],
    "insights": ["is_staff", "visualsearch.view_query"],
    "vain": ["is_staff", "visualsearch.view_query"],
    "vain_csv": ["is_staff", "visualsearch.view_query"],
    "photo": ["is_staff", "visualsearch.view_query", "visualsearch.view_keptphoto"],
    "export": ["is_staff", "visualsearch.view_query"],
}


def may(user: Any, permissions: list[str]) -> bool:
    """Return whether a user has all of the permissions."""
    return bool(check_permissions(user, permissions))
