"""What was searched for, as numbers."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from ..models import Query
from .formats import NOTHING, badge, milliseconds, number
from .insights import InsightsPages


@admin.register(Query)
class QueryAdmin(InsightsPages):
    """One row per search by photo, for as long as they are kept."""

    list_display = ["id", "created", "first_class", "score", "is_matched", "total_ms"]
    list_filter = ["matched"]
    date_hierarchy = "created"
    exclude = ["vector"]

    def get_urls(self) -> list[URLPattern]:
        """The stock ones, and the insights."""
        return [*self.insights_urls(), *super().get_urls()]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Who may delete them may do so: nothing depends on one."""
        return request.user.has_perm("visualsearch.delete_query")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list under its own name."""
        return super().changelist_view(request, {**(extra_context or {}), "title": _("Queries")})

    @admin.display(description=_("class"))
    def first_class(self, query: Query) -> str:
        """The most probable class."""
        return query.predictions[0]["label"] if query.predictions else NOTHING

    @admin.display(description=_("best score"), ordering="best_score")
    def score(self, query: Query) -> str:
        """Similarity of the first hit."""
        return number(query.best_score, 2)

    @admin.display(description=_("matched"), ordering="matched")
    def is_matched(self, query: Query) -> SafeString:
        """Coloured and worded."""
        return badge("good", _("matched")) if query.matched else badge("quiet", _("no match"))

    @admin.display(description=_("time"))
    def total_ms(self, query: Query) -> str:
        """Of the whole search."""
        return milliseconds(query.took_ms.get("total"))
