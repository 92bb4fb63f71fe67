"""The index in the stock admin: its versions, its runs, and the images that failed."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_POST

from . import dispatch, indexing
from .api.errors import describe
from .exceptions import VisualSearchError
from .models import Embedding, IndexVersion, Query, Run


class ReadOnlyAdmin(admin.ModelAdmin):
    """Rows that the app writes and people look at."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds these by hand."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Nobody edits these by hand."""
        return False


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """History of runs, with the button that starts one."""

    change_list_template = "admin/visualsearch/run/change_list.html"
    list_display = [
        "__str__",
        "state",
        "items",
        "done",
        "encoded",
        "unchanged",
        "removed",
        "failed",
        "created",
        "finished",
        "version",
    ]
    list_filter = ["state", "scope"]
    date_hierarchy = "created"

    def get_urls(self) -> list[URLPattern]:
        """The stock ones and the button's."""
        view = require_POST(self.admin_site.admin_view(self.reindex))
        return [path("reindex/", view, name="visualsearch_reindex"), *super().get_urls()]

    def has_reindex_permission(self, request: HttpRequest) -> bool:
        """Who may add runs may start them."""
        return request.user.has_perm("visualsearch.add_run")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """The list, with a button for each scope for those who may."""
        scopes = Run.Scope.choices if self.has_reindex_permission(request) else []
        return super().changelist_view(request, {**(extra_context or {}), "scopes": scopes})

    def reindex(self, request: HttpRequest) -> HttpResponse:
        """Start a run of the posted scope, and say what became of it."""
        if not self.has_reindex_permission(request):
            raise PermissionDenied
        scope = request.POST.get("scope", Run.Scope.ALL)
        if scope not in Run.Scope.values:
            raise PermissionDenied
        run = Run.objects.create(scope=scope)
        try:
            dispatch.start(run)
        except VisualSearchError as error:
            self.message_user(request, describe(error), messages.ERROR)
        else:
            run.refresh_from_db()
            self.message_user(request, *summary(run))
        return HttpResponseRedirect(reverse("admin:visualsearch_run_changelist"))


def summary(run: Run) -> tuple[str, int]:
    """A sentence on a run, and how grave it is."""
    counts = {
        "run": run.pk,
        "encoded": run.encoded,
        "unchanged": run.unchanged,
        "failed": run.failed,
    }
    if run.state == Run.State.FINISHED:
        text = _("Run %(run)s is done: %(encoded)s images encoded, %(unchanged)s unchanged.")
        return text % counts, messages.SUCCESS
    if run.state == Run.State.WITH_FAILURES:
        text = _(
            "Run %(run)s is done, but %(failed)s images failed: see “Embeddings”, filter “failed”."
        )
        return text % counts, messages.WARNING
    if run.state == Run.State.FAILED:
        return _("Run %(run)s failed: %(error)s") % {**counts, "error": run.error}, messages.ERROR
    return _("Run %(run)s was handed to the index worker.") % counts, messages.INFO


@admin.register(IndexVersion)
class IndexVersionAdmin(ReadOnlyAdmin):
    """Versions of the index; one kept version can be made active again."""

    list_display = ["__str__", "encoder", "images", "items", "revision", "created", "activated"]
    list_filter = ["state", "encoder"]
    actions = ["activate"]

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Versions are pruned by the setting KEPT_VERSIONS."""
        return False

    def has_activate_permission(self, request: HttpRequest) -> bool:
        """Who may change versions may activate one."""
        return request.user.has_perm("visualsearch.change_indexversion")

    @admin.action(
        description=gettext_lazy("Activate the selected version"), permissions=["activate"]
    )
    def activate(self, request: HttpRequest, queryset: QuerySet[IndexVersion]) -> None:
        """Roll back, or forth."""
        kept = queryset.filter(state__in=[IndexVersion.State.RETIRED, IndexVersion.State.READY])
        if queryset.count() != 1 or not kept:
            self.message_user(
                request, _("Select one version that is ready or retired."), messages.ERROR
            )
            return
        version = kept[0]
        indexing.activate(version)
        text = _("Version %(version)s answers searches from now on.")
        self.message_user(request, text % {"version": version.pk}, messages.SUCCESS)


class FailedFilter(admin.SimpleListFilter):
    """Embeddings by what became of the image."""

    title = gettext_lazy("result")
    parameter_name = "result"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, Any]]:
        """The choices."""
        return [
            ("searchable", gettext_lazy("searchable")),
            ("failed", gettext_lazy("failed")),
            ("removed", gettext_lazy("removed")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Embedding]) -> QuerySet[Embedding]:
        """The chosen ones."""
        if self.value() == "failed":
            return queryset.filter(removed=False).exclude(error="")
        if self.value() == "removed":
            return queryset.filter(removed=True)
        if self.value() == "searchable":
            return queryset.filter(removed=False, error="")
        return queryset


@admin.register(Embedding)
class EmbeddingAdmin(ReadOnlyAdmin):
    """Each image's state, and a retry for those that failed."""

    list_display = ["item", "image", "searchable", "error", "attempts", "encoder", "updated"]
    list_filter = [FailedFilter, "encoder"]
    search_fields = ["item", "image"]
    exclude = ["vector"]
    actions = ["retry"]

    @admin.display(boolean=True, description=gettext_lazy("searchable"))
    def searchable(self, embedding: Embedding) -> bool:
        """Whether a search can find it."""
        return not embedding.removed and not embedding.error

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Rows follow the catalog."""
        return False

    def has_retry_permission(self, request: HttpRequest) -> bool:
        """Who may start a run may retry an image."""
        return request.user.has_perm("visualsearch.add_run")

    @admin.action(
        description=gettext_lazy("Index the selected images again"), permissions=["retry"]
    )
    def retry(self, request: HttpRequest, queryset: QuerySet[Embedding]) -> None:
        """Refresh the items that the selected images belong to."""
        keys = sorted(set(queryset.values_list("item", flat=True)))
        try:
            dispatch.refresh(keys)
        except VisualSearchError as error:
            self.message_user(request, describe(error), messages.ERROR)
            return
        text = ngettext(
            "%(count)s product is indexed again.",
            "%(count)s products are indexed again.",
            len(keys),
        )
        self.message_user(request, text % {"count": len(keys)}, messages.SUCCESS)


@admin.register(Query)
class QueryAdmin(ReadOnlyAdmin):
    """What was searched for, as numbers."""

    list_display = ["id", "created", "first_class", "best_score", "matched", "total_ms"]
    list_filter = ["matched"]
    date_hierarchy = "created"
    exclude = ["vector"]

    @admin.display(description=gettext_lazy("class"))
    def first_class(self, query: Query) -> str:
        """The most probable class."""
        return query.predictions[0]["label"] if query.predictions else ""

    @admin.display(description=gettext_lazy("milliseconds"))
    def total_ms(self, query: Query) -> float | None:
        """Time of the whole search."""
        return query.took_ms.get("total")
