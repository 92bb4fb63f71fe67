"""The admin of queries: figures and events of each search by photo."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from ..class_names import class_name
from ..models import KeptPhoto, Query
from ..web.kept_photos import photo_response
from . import product_links
from .colour_words import colour_name
from .insights import InsightsPages
from .number_formats import NOTHING, badge, milliseconds, moment, number, percentage
from .try_photo import STAGES
from .vain import SEE_PHOTO, VainPages


@admin.register(Query)
class QueryAdmin(InsightsPages, VainPages):
    """Admin of queries: one row per search by photo, until it expires."""

    list_display = [
        "searched",
        "first_class",
        "score",
        "is_matched",
        "results",
        "total_ms",
        "storefront",
        "variant",
    ]
    list_filter = ["matched", "storefront", "variant"]
    ordering = ["-created"]
    list_select_related = ["storefront"]
    date_hierarchy = "created"
    fields = [
        *("id", "created", "storefront", "experiment", "variant", "index_version", "encoder"),
        *(
            "classes",
            "main_colour",
            "words_said",
            "score",
            "matched",
            "results",
            "times",
            "warnings",
            "subject",
            "crop",
        ),
        *("expires", "what_became", "photo"),
    ]

    def get_queryset(self, request: HttpRequest) -> QuerySet[Query]:
        """Return the rows without ``vector`` and ``cells``, which are not shown."""
        return super().get_queryset(request).defer("vector", "cells")

    def get_urls(self) -> list[URLPattern]:
        """Return the default URLs, those of the Insights pages, and that of a stored photo."""
        kept = self.admin_site.admin_view(self.kept_photo)
        return [
            path("<uuid:pk>/photo/", kept, name="visualsearch_query_photo"),
            *self.insights_urls(),
            *self.vain_urls(),
            *super().get_urls(),
        ]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Return whether the user has the permission to delete queries."""
        return request.user.has_perm("visualsearch.delete_query")

    def delete_model(self, request: HttpRequest, obj: Query) -> None:
        """Delete a query with its events and photo."""
        Query.erase(pk=obj.pk)

    def delete_queryset(self, request: HttpRequest, queryset: QuerySet[Query]) -> None:
        """Delete the selected queries with their events and photos."""
        Query.erase(pk__in=list(queryset.values_list("pk", flat=True)))

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list with the app's own page title."""
        return super().changelist_view(request, {**(extra_context or {}), "title": _("Queries")})

    def get_fields(self, request: HttpRequest, obj: Any = None) -> list[Any]:
        """Return the fields, without the photo for users who may not view photos."""
        fields = list(super().get_fields(request, obj))
        return fields if request.user.has_perm(SEE_PHOTO) else fields[:-1]

    def kept_photo(self, request: HttpRequest, pk: UUID) -> HttpResponse:
        """Return the photo stored with a query as JPEG, which no cache may store.

        Raises Http404 if no photo is stored, PermissionDenied for users who may not view photos.
        """
        self.may_look(request)
        if not request.user.has_perm(SEE_PHOTO):
            raise PermissionDenied
        return photo_response(pk)

    @admin.display(description=_("created"), ordering="created")
    def searched(self, query: Query) -> str:
        """Return when the search was made."""
        return moment(query.created)

    @admin.display(description=_("colour"))
    def main_colour(self, query: Query) -> str:
        """Return the colour of what the photo shows, a dash if unknown."""
        return colour_name(query.colour) if query.colour else NOTHING

    @admin.display(description=_("words"))
    def words_said(self, query: Query) -> str:
        """Return the customer's words, with those that described no product marked."""
        return (
            ", ".join(
                word if known else gettext("%(word)s (describes no product)") % {"word": word}
                for word, known in (query.words or {}).items()
            )
            or NOTHING
        )

    @admin.display(description=_("class"))
    def first_class(self, query: Query) -> str:
        """Return the most probable class."""
        return query.predictions[0]["label"] if query.predictions else NOTHING

    @admin.display(description=_("classes"))
    def classes(self, query: Query) -> str:
        """Return the most probable classes with their probabilities."""
        return ", ".join(
            f"{class_name(each['label'])} {percentage(each['probability'])}"
            for each in query.predictions
        )

    @admin.display(description=_("best score"), ordering="best_score")
    def score(self, query: Query) -> str:
        """Return the similarity of the first hit."""
        return number(query.best_score, 2)

    @admin.display(description=_("matched"), ordering="matched")
    def is_matched(self, query: Query) -> SafeString:
        """Return whether the best hit reached the match threshold, as a coloured badge."""
        return badge("good", _("matched")) if query.matched else badge("quiet", _("no match"))

    @admin.display(description=_("results shown"))
    def results(self, query: Query) -> str:
        """Return how many products the search showed to the customer."""
        return number(len(set(query.shown.values())))

    @admin.display(description=_("time"))
    def total_ms(self, query: Query) -> str:
        """Return the time of the whole search."""
        return milliseconds(query.took_ms.get("total"))

    @admin.display(description=_("time by stage"))
    def times(self, query: Query) -> str:
        """Return the time of each stage, in the order of the stages."""
        return " · ".join(
            f"{label} {milliseconds(query.took_ms[name])}"
            for name, label in {**STAGES, "total": _("total")}.items()
            if name in query.took_ms
        )

    @admin.display(description=_("events"))
    def what_became(self, query: Query) -> SafeString | str:
        """Return the customer's events on the results as a list, each with its product."""
        events = list(query.events.order_by("created", "pk"))
        if not events:
            return gettext("No events were recorded.")
        named = product_links.products(self.admin_site, [event.item for event in events])
        rows = (
            (
                moment(event.created),
                event.get_kind_display(),
                named[event.item].name,
                gettext("rank %(rank)s") % {"rank": event.rank},
            )
            for event in events
        )
        lines = format_html_join("", "<li>{} · {} · {} · {}</li>", rows)
        return format_html('<ul class="vs-events">{}</ul>', lines)

    @admin.display(description=_("photo"))
    def photo(self, query: Query) -> SafeString | str:
        """Return the stored photo and when it expires, or a text that there is no photo."""
        kept = KeptPhoto.objects.filter(pk=query.pk, expires__gt=timezone.now()).only("expires")
        found = kept.first()
        if found is None:
            return gettext("The photo was not kept.")
        url = self.url("visualsearch_query_photo", query.pk)
        note = gettext("Kept until %(moment)s.") % {"moment": moment(found.expires)}
        picture = '<img class="vs-kept" src="{}" alt="{}"> <p class="vs-note">{}</p>'
        return format_html(picture, url, gettext("The customer's photo"), note)
