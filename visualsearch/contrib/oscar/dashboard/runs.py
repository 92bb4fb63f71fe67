"""The state of the search, and the reindex: start, watch, pause, resume or cancel it."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST

from ....admin.pages import dashboard
from ....admin.run_progress import progress
from ....admin.runs import BUTTONS, CONTROLS
from ....admin.start_run import summary
from ....analytics.overview import overview
from ....catalogs import catalog
from ....exceptions import VisualSearchError
from ....models import Embedding, Run
from ....reindex import launch, runs
from ....versions import lifecycle
from ....web.refusals import staff_message

OVERVIEW = "visualsearch-dashboard:overview"
# Most failed images on the page.
NAMED = 50


@require_GET
def overview_page(request: HttpRequest) -> HttpResponse:
    """Show catalog, index, searches, runs and failed images."""
    run = Run.objects.filter(open=True).first()
    context = {
        **dashboard(overview()),
        "run": run,
        "card": progress(run) if run else None,
        "scopes": [each for each in Run.Scope.choices if each[0] in BUTTONS],
        "failed": failed_images(),
    }
    return render(request, "visualsearch/oscar/dashboard/overview.html", context)


def failed_images() -> list[dict[str, Any]]:
    """Return the failed images of the active version's model, with their products.

    At most :data:`NAMED`. ``name`` is the key of a product that is no longer public, ``url`` its
    page in the dashboard.
    """
    version = lifecycle.active_version()
    rows = Embedding.objects.filter(encoder=version.encoder if version else "", removed=False)
    failed = list(rows.exclude(error="").defer("vector").order_by("item", "image")[:NAMED])
    products = catalog().by_key({row.item for row in failed})
    return [
        {
            "name": str(products.get(row.item, row.item)),
            "url": reverse("dashboard:catalogue-product", args=[row.item]),
            "image": row.image,
            "error": row.error,
        }
        for row in failed
    ]


@require_POST
def reindex(request: HttpRequest) -> HttpResponse:
    """Start a run of the posted ``scope``; raise Http404 for a scope without a button."""
    scope = request.POST.get("scope", Run.Scope.ALL)
    if scope not in BUTTONS:
        raise Http404
    try:
        run, new = runs.request(scope, by=request.user.get_username())
    except runs.NotPossible as error:
        messages.error(request, str(error))
        return redirect(OVERVIEW)
    if new:
        launch_and_tell(request, run)
    else:
        text = _("%(run)s has not finished yet. Wait for it or cancel it, then try again.")
        messages.warning(request, about(run, text))
    return redirect(OVERVIEW)


@require_GET
@never_cache
def run_progress(request: HttpRequest, pk: int) -> HttpResponse:
    """Return the progress of a run as JSON, for the script of its card."""
    return JsonResponse(progress(get_object_or_404(Run, pk=pk)))


@require_POST
def control(request: HttpRequest, pk: int, control: str) -> HttpResponse:
    """Pause, resume or cancel a run; ``control``: which of them."""
    if control not in CONTROLS:
        raise Http404
    run = get_object_or_404(Run, pk=pk)
    try:
        CONTROLS[control](run)
    except runs.NotPossible as error:
        messages.error(request, str(error))
    else:
        if control == "resume":
            launch_and_tell(request, run)
    return redirect(OVERVIEW)


def launch_and_tell(request: HttpRequest, run: Run) -> None:
    """Start a queued run; tell the user in a message what happened."""
    try:
        launch.start_run(run)
    except VisualSearchError as error:
        messages.error(request, staff_message(error))
        return
    run.refresh_from_db()
    text, level = summary(run)
    messages.add_message(request, level, about(run, text))


def about(run: Run, text: str) -> str:
    """Return a message with the name of the run in place of ``%(run)s``."""
    return text.replace("%(run)s", _("Run %(number)s") % {"number": run.pk})
