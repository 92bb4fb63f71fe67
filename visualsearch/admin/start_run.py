"""Start a run from any page of the admin, and tell the user in a message."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin, messages
from django.http import HttpRequest
from django.urls import reverse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from ..exceptions import VisualSearchError
from ..models import Run
from ..reindex import launch, runs
from ..web.refusals import staff_message

ADD = "visualsearch.add_run"


def start_and_tell(
    model_admin: admin.ModelAdmin, request: HttpRequest, scope: str, keys: Sequence[str] = ()
) -> None:
    """Request a run and start it; tell the user in a message what happened.

    ``scope``: a :class:`Run.Scope`. ``keys``: keys of the products, for the scope ``chosen``. The
    app's errors are shown in the message, not raised.
    """
    try:
        run, new = runs.request(scope, keys=keys, by=request.user.get_username())
    except runs.NotPossible as error:
        model_admin.message_user(request, str(error), messages.ERROR)
        return
    if not new:
        text = _("%(run)s has not finished yet. Wait for it or cancel it, then try again.")
        model_admin.message_user(request, linked(text, model_admin, run), messages.WARNING)
        return
    hand_over(model_admin, request, run)


def hand_over(model_admin: admin.ModelAdmin, request: HttpRequest, run: Run) -> None:
    """Start a queued run, in a worker if there is one; tell the user in a message.

    The app's errors are shown in the message, not raised.
    """
    try:
        launch.start_run(run)
    except VisualSearchError as error:
        model_admin.message_user(request, staff_message(error), messages.ERROR)
        return
    run.refresh_from_db()
    text, level = summary(run)
    model_admin.message_user(request, linked(text, model_admin, run), level)


def linked(text: str, model_admin: admin.ModelAdmin, run: Run) -> SafeString:
    """Return a message with a link to the run in place of ``%(run)s``."""
    site = model_admin.admin_site.name
    url = reverse("admin:visualsearch_run_change", args=[run.pk], current_app=site)
    before, after = text.split("%(run)s", 1)
    name = _("Run %(number)s") % {"number": run.pk}
    return format_html('{}<a href="{}">{}</a>{}', before, url, name, after)


def summary(run: Run) -> tuple[str, int]:
    """Return a message about a run, with the placeholder ``%(run)s``, and its message level."""
    counts = {
        "run": "%(run)s",
        "encoded": run.encoded,
        "unchanged": run.unchanged,
        "failed": run.failed,
        "error": run.error,
    }
    if run.state == Run.State.FINISHED:
        text = _("%(run)s has finished: %(encoded)s images encoded, %(unchanged)s unchanged.")
        return text % counts, messages.SUCCESS
    if run.state == Run.State.WITH_FAILURES:
        text = _("%(run)s has finished, but %(failed)s images failed. %(error)s")
        return text % counts, messages.WARNING
    if run.state == Run.State.FAILED:
        return _("%(run)s failed: %(error)s") % counts, messages.ERROR
    return _("%(run)s has started.") % counts, messages.SUCCESS
