"""The admin of runs: start, watch, pause, resume or cancel one; and the history of all."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from ..models import Embedding, Run
from ..reindex import runs
from . import product_links
from .base import ReadOnlyAdmin
from .number_formats import badge, duration, moment, number
from .run_progress import colour, outcome, progress, rate
from .start_run import ADD, hand_over, start_and_tell

CONTROL = "visualsearch.change_run"
CONTROLS = {"pause": runs.pause, "resume": runs.resume, "cancel": runs.cancel}
# Scopes with a button. Chosen products are reindexed from their own lists, and a fit is started
# from the list of versions.
BUTTONS = (Run.Scope.ALL, Run.Scope.MISSING, Run.Scope.FAILED)
# Most failed images and chosen products on a run's page; the lists have the rest.
NAMED = 50


@admin.register(Run)
class RunAdmin(ReadOnlyAdmin):
    """Admin of runs: the history, the card of the open run, and buttons to start one."""

    list_display = [
        "__str__",
        "outcome",
        "encoded_images",
        "failed_images",
        "time",
        "rate",
        "requested_by",
        "requested",
    ]
    date_hierarchy = "created"

    def get_urls(self) -> list[URLPattern]:
        """Return the default URLs, and those of the progress JSON and the buttons."""
        wrap = self.admin_site.admin_view
        return [
            path("reindex/", wrap(require_POST(self.reindex)), name="visualsearch_reindex"),
            path(
                "<int:pk>/progress/",
                wrap(require_GET(never_cache(self.progress))),
                name="visualsearch_run_progress",
            ),
            path(
                "<int:pk>/<slug:control>/now/",
                wrap(require_POST(self.control)),
                name="visualsearch_run_control",
            ),
            *super().get_urls(),
        ]

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        """Show the list, and above it the card of the open run, or buttons to start one."""
        run = Run.objects.filter(open=True).first()
        scopes = [] if run else [each for each in Run.Scope.choices if each[0] in BUTTONS]
        card = progress(run) if run else None
        context = {"title": gettext("Runs"), "run": run, "card": card, "scopes": scopes}
        return super().changelist_view(request, {**(extra_context or {}), **context})

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        """Show the card of a run, and the images that failed in it."""
        run = self.get_object(request, object_id)
        context: dict[str, Any] = {"run": run}
        if run is not None:
            failed = failed_in(run)
            keys = [*run.keys[:NAMED], *(row.item for row in failed[:NAMED])]
            names = product_links.products(self.admin_site, keys)
            context |= {
                "title": gettext("Run %(run)s") % {"run": run},
                "subtitle": None,
                "card": progress(run),
                "chosen": [names[key] for key in run.keys[:NAMED]],
                "failed": [(names[row.item], row) for row in failed[:NAMED]],
                "failed_count": failed.count(),
                "time": duration(seconds(run)),
            }
        return super().change_view(
            request, object_id, form_url, {**(extra_context or {}), **context}
        )

    def reindex(self, request: HttpRequest) -> HttpResponse:
        """Start a run of the posted ``scope``; raise Http404 for a scope without a button."""
        if not request.user.has_perm(ADD):
            raise PermissionDenied
        scope = request.POST.get("scope", Run.Scope.ALL)
        if scope not in BUTTONS:
            raise Http404
        start_and_tell(self, request, scope)
        return HttpResponseRedirect(self.url("visualsearch_run_changelist"))

    def progress(self, request: HttpRequest, pk: int) -> HttpResponse:
        """Return the progress of a run as JSON, for the script of its card."""
        self.may_look(request)
        return JsonResponse(progress(self.found(pk)))

    def control(self, request: HttpRequest, pk: int, control: str) -> HttpResponse:
        """Pause, resume or cancel a run; ``control``: which of them."""
        if not request.user.has_perm(CONTROL):
            raise PermissionDenied
        if control not in CONTROLS:
            raise Http404
        run = self.found(pk)
        try:
            CONTROLS[control](run)
        except runs.NotPossible as error:
            self.message_user(request, str(error), messages.ERROR)
        else:
            if control == "resume":
                hand_over(self, request, run)
        return HttpResponseRedirect(self.url("visualsearch_run_changelist"))

    @admin.display(description=_("state"), ordering="state")
    def outcome(self, run: Run) -> SafeString:
        """Return the run's state as a coloured badge."""
        return badge(colour(run), outcome(run))

    @admin.display(description=_("encoded"), ordering="encoded")
    def encoded_images(self, run: Run) -> str:
        """Return how many images were encoded."""
        return number(run.encoded)

    @admin.display(description=_("failed images"), ordering="failed")
    def failed_images(self, run: Run) -> SafeString | str:
        """Return how many images failed, as a badge if any did."""
        return badge("bad", number(run.failed)) if run.failed else "0"

    @admin.display(description=_("duration"), ordering="finished")
    def time(self, run: Run) -> str:
        """Return the time from the request of the run to its end, or until now."""
        return duration(seconds(run))

    @admin.display(description=_("requested"), ordering="created")
    def requested(self, run: Run) -> str:
        """Return when the run was requested."""
        return moment(run.created)

    @admin.display(description=_("rate"))
    def rate(self, run: Run) -> str:
        """Return products per second."""
        return rate(run)


def seconds(run: Run) -> float:
    """Return the seconds from the request of a run to its end, or until now."""
    return ((run.finished or timezone.now()) - run.created).total_seconds()


def failed_in(run: Run) -> QuerySet[Embedding]:
    """Return the images that failed during a run and are still failed."""
    rows = Embedding.objects.filter(removed=False, updated__gte=run.created).exclude(error="")
    if run.finished:
        rows = rows.filter(updated__lte=run.finished)
    if run.version:
        rows = rows.filter(encoder=run.version.encoder)
    return rows.defer("vector").order_by("item", "image")
