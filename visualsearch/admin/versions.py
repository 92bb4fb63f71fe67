"""The admin of index versions: compare their figures, and choose the active one."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_POST

from ..models import Experiment, IndexVersion, Run
from ..versions import lifecycle
from .number_formats import NOTHING, badge, milliseconds, moment, number, size
from .pages import PagesAdmin
from .start_run import start_and_tell
from .version_figures import known, measured, named_shares, quality, share, table

State = IndexVersion.State

COLOURS = {
    State.BUILDING: "busy",
    State.READY: "quiet",
    State.ACTIVE: "good",
    State.RETIRED: "quiet",
    State.FAILED: "bad",
}
CHANGE = "visualsearch.change_indexversion"
# Names of the searches that a fit was compared with.
OPTIONS = {
    "now": gettext_lazy("previous weights"),
    "catalog": gettext_lazy("fitted to the catalog"),
    "labels": gettext_lazy("fitted with labels"),
}
# Most versions in the comparison if none are selected.
COMPARED = 6


@admin.register(IndexVersion)
class IndexVersionAdmin(PagesAdmin):
    """Admin of index versions; activation and rollback ask for confirmation."""

    list_display = [
        "__str__",
        "badge",
        "encoder",
        "structure",
        "item_count",
        "image_count",
        "memory",
        "file_size",
        "recall",
        "latency",
        "built",
        "since",
    ]
    actions = ["compare_selected"]

    def get_urls(self) -> list[URLPattern]:
        """Return the default URLs and those of the app's own pages and buttons."""
        wrap = self.admin_site.admin_view
        return [
            path("compare/", wrap(self.compare), name="visualsearch_compare"),
            path("roll-back/", wrap(self.roll_back), name="visualsearch_roll_back"),
            path("fit/", wrap(require_POST(self.fit)), name="visualsearch_fit"),
            path("<int:pk>/activate/", wrap(self.activate), name="visualsearch_activate"),
            *self.page_urls(),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, with a rollback button for users who may activate versions."""
        allowed = self.allowed(request)
        before = lifecycle.previous_version() if allowed["may_activate"] else None
        context = {"previous": before, "title": _("Versions"), **allowed}
        return super().changelist_view(request, {**(extra_context or {}), **context})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show one version beside the active one."""
        version = self.get_object(request, object_id)
        context: dict[str, Any] = {}
        if version is not None:
            active = lifecycle.active_version()
            shown = [version] if active in (None, version) else [version, active]
            context = {
                "version": version,
                "title": _("Version %(version)s") % {"version": version.pk},
                "subtitle": None,
                "options": options(version),
                **self.columns(shown),
                **self.allowed(request),
            }
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )

    def columns(self, shown: list[IndexVersion]) -> dict[str, Any]:
        """Return the template context of the table that compares these versions."""
        heads = [(version, self.badge(version)) for version in shown]
        return {"heads": heads, "lines": table(shown)}

    def allowed(self, request: HttpRequest) -> dict[str, bool]:
        """Return ``may_activate`` and ``may_fit``: whether to offer activation and fitting."""
        may = request.user.has_perm(CHANGE)
        return {"may_activate": may, "may_fit": may and not lifecycle.reason_not_to_fit()}

    def compare(self, request: HttpRequest) -> HttpResponse:
        """Show the versions in ``?version=`` side by side, by default the newest complete ones."""
        self.may_look(request)
        rows = IndexVersion.objects.all()
        chosen = [int(pk) for pk in request.GET.getlist("version") if pk.isdecimal()]
        if chosen:
            shown = list(rows.filter(pk__in=chosen[:20]))
        else:
            shown = list(rows.exclude(state__in=[State.FAILED, State.BUILDING])[:COMPARED])
        context = {**self.columns(shown), **self.allowed(request)}
        return self.page(request, "compare.html", title=_("Compare versions"), **context)

    def activate(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Show a confirmation page; on POST, activate the version."""
        self.may_change(request)
        version = self.found(pk)
        if request.method == "POST":
            return self.switch(request, lambda: activated(version))
        return self.ask(request, version, _("Activate version %(version)s?"))

    def roll_back(self, request: HttpRequest) -> HttpResponse:
        """Show a confirmation page; on POST, activate the previously active version."""
        self.may_change(request)
        if request.method == "POST":
            return self.switch(request, lifecycle.roll_back)
        return self.ask(
            request, lifecycle.previous_version(), _("Roll back to version %(version)s?")
        )

    def fit(self, request: HttpRequest) -> HttpResponse:
        """Start a run that builds a version whose vectors are fitted to the catalog."""
        self.may_change(request)
        start_and_tell(self, request, Run.Scope.FIT)
        return HttpResponseRedirect(self.url("visualsearch_indexversion_changelist"))

    def may_change(self, request: HttpRequest) -> None:
        """Raise PermissionDenied for users who may not change versions."""
        if not request.user.has_perm(CHANGE):
            raise PermissionDenied

    def ask(
        self, request: HttpRequest, version: IndexVersion | None, question: str
    ) -> HttpResponse:
        """Show a page that asks for confirmation; ``question`` has the placeholder ``version``.

        Redirects to the list with an error if the version is None or cannot be activated.
        """
        if version is None or not version.can_be_activated:
            self.message_user(request, why_not(version), messages.ERROR)
            return HttpResponseRedirect(self.url("visualsearch_indexversion_changelist"))
        active = lifecycle.active_version()
        shown = [active, version] if active else [version]
        return self.page(
            request,
            "activate.html",
            title=question % {"version": version.pk},
            version=version,
            active=active,
            experiment=running(),
            other_encoder=active is not None and active.encoder != version.encoder,
            **self.columns(shown),
        )

    def switch(self, request: HttpRequest, change: Any) -> HttpResponse:
        """Call ``change``, which activates a version; tell the user the outcome in a message.

        ``change`` returns the version or raises NotUsable.
        """
        experiment = running()
        try:
            version = change()
        except lifecycle.NotUsable as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            text = _("Version %(version)s is now active.")
            self.message_user(request, text % {"version": version.pk}, messages.SUCCESS)
            if experiment is not None:
                text = _(
                    "The experiment “%(name)s” has ended, because its control version is"
                    " no longer active."
                )
                self.message_user(request, text % {"name": experiment.name}, messages.WARNING)
        return HttpResponseRedirect(self.url("visualsearch_indexversion_changelist"))

    @admin.action(description=gettext_lazy("Compare the selected versions"), permissions=["view"])
    def compare_selected(
        self, request: HttpRequest, queryset: QuerySet[IndexVersion]
    ) -> HttpResponse:
        """Redirect to the comparison of the selected versions."""
        query = urlencode({"version": list(queryset.values_list("pk", flat=True))}, doseq=True)
        return HttpResponseRedirect(f"{self.url('visualsearch_compare')}?{query}")

    @admin.display(description=gettext_lazy("state"), ordering="state")
    def badge(self, version: IndexVersion) -> SafeString:
        """Return the version's state as a coloured badge, with the error if it failed."""
        word = badge(COLOURS[State(version.state)], version.get_state_display())
        if not version.error:
            return word
        return format_html('{} <span class="vs-reason">{}</span>', word, version.error)

    @admin.display(description=gettext_lazy("structure"))
    def structure(self, version: IndexVersion) -> str:
        """Return the structure of the index, such as ``flat`` or ``hnsw``."""
        return version.figures.get("structure") or ""

    @admin.display(description=gettext_lazy("products"), ordering="items")
    def item_count(self, version: IndexVersion) -> str:
        """Return the number of items in the version."""
        return number(version.items)

    @admin.display(description=gettext_lazy("images"), ordering="images")
    def image_count(self, version: IndexVersion) -> str:
        """Return the number of images in the version."""
        return number(version.images)

    @admin.display(description=gettext_lazy("memory"))
    def memory(self, version: IndexVersion) -> str:
        """Return the memory that the index takes in one search process."""
        return size(known("memory_bytes")(version))

    @admin.display(description=gettext_lazy("file size"))
    def file_size(self, version: IndexVersion) -> str:
        """Return the size of the index file on disk."""
        return size(known("file_bytes")(version))

    @admin.display(description="recall@10")
    def recall(self, version: IndexVersion) -> str:
        """Return recall@10 on the shop's labelled photos."""
        return quality(version)

    @admin.display(description=gettext_lazy("latency p95"))
    def latency(self, version: IndexVersion) -> str:
        """Return the 95th percentile of search time on the shop's labelled photos."""
        return milliseconds(measured("latency_ms", "p95")(version))

    @admin.display(description=gettext_lazy("created"), ordering="created")
    def built(self, version: IndexVersion) -> str:
        """Return when the version was created."""
        return moment(version.created)

    @admin.display(description=gettext_lazy("activated"), ordering="activated")
    def since(self, version: IndexVersion) -> str:
        """Return when the version was last activated."""
        return moment(version.activated)


def options(version: IndexVersion) -> list[list[str]]:
    """Return the weights that were compared when a version was fitted, as rows of text.

    A row: name, weights of the embedding's parts, recall@1, @5, @10 and MRR.
    """
    return [
        [
            str(OPTIONS[each["name"]]),
            named_shares(each["shares"]) or NOTHING,
            *(share(each[name]) for name in ("recall@1", "recall@5", "recall@10", "mrr")),
        ]
        for each in (version.fit or {}).get("tried", [])
    ]


def running() -> Experiment | None:
    """Return the running experiment, which ends when another version is activated."""
    return Experiment.objects.filter(running=True).first()


def activated(version: IndexVersion) -> IndexVersion:
    """Activate a version and return it."""
    lifecycle.activate(version)
    return version


def why_not(version: IndexVersion | None) -> str:
    """Return why a version cannot be activated; None stands for a missing earlier version."""
    if version is None:
        return _(
            "There is no earlier version to roll back to. Increase the setting"
            " KEPT_VERSIONS to keep more versions."
        )
    return _("Version %(version)s cannot be activated: it is %(state)s.") % {
        "version": version.pk,
        "state": version.get_state_display(),
    }
