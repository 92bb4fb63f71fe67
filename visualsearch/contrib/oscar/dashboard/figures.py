"""The pages about customers' searches, Insights and Searched in vain, with their CSV exports."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from ....admin import exports, vain
from ....admin.insight_charts import page_of
from ....admin.insights import EXPORTS, PERIODS, Choice
from ....analytics.insights import insights
from ....analytics.local_time import today
from ....analytics.vain import searches_in_vain
from ....web.kept_photos import photo_response
from ..permissions import PERMISSIONS, may


@require_GET
def insights_page(request: HttpRequest) -> HttpResponse:
    """Show the figures of the selected period."""
    choice = Choice.of(request)
    page = page_of(insights(choice.period()))
    context = {
        **page,
        "periods": [
            (name, choice.query(days=days), days == choice.days) for days, name in PERIODS.items()
        ],
        "query": choice.query(),
        "plots": [each for each in plots(page) if each[1]],
        "charts": [each for each in charts(page) if each[1]],
    }
    return render(request, "visualsearch/oscar/dashboard/insights.html", context)


def plots(page: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the headings and plots of the page; a plot is None if there is nothing to draw."""
    return [
        (_("Searches"), page["searches"]),
        (_("Click-through rate by rank"), page["ranks"]),
        (_("Search time"), page["latency"]),
        (_("Best scores"), page["scores"]),
    ]


def charts(page: dict[str, Any]) -> list[tuple[str, Any]]:
    """Return the headings and bars of the page; [] in place of bars if there are none."""
    return [
        (_("From search to purchase"), page["funnel"]),
        (_("Searched for but not sold"), page["unsold"]),
        (_("Photos that failed"), page["refusals"]),
        (_("Average time by stage"), page["stages"]),
    ]


@require_GET
def vain_page(request: HttpRequest) -> HttpResponse:
    """Show the searches in vain of the selected period."""
    choice, why = Choice.of(request), vain.reason(request)
    context = {
        **vain.page_of(searches_in_vain(choice.period(), why, vain.match_threshold())),
        "periods": [
            (name, choice.query(days=days, why=why), days == choice.days)
            for days, name in PERIODS.items()
        ],
        "reasons": [
            (name, choice.query(why=value), value == why) for value, name in vain.REASONS.items()
        ],
        "query": choice.query(why=why),
        "see_photos": may(request.user, PERMISSIONS["photo"]),
    }
    return render(request, "visualsearch/oscar/dashboard/vain.html", context)


@require_GET
def photo(request: HttpRequest, pk: UUID) -> HttpResponse:
    """Return the photo of a search that its customer let the shop keep."""
    return photo_response(pk)


@require_GET
def vain_csv(request: HttpRequest) -> HttpResponseBase:
    """Return the searches in vain of the selected period as CSV."""
    choice, why = Choice.of(request), vain.reason(request)
    found = searches_in_vain(choice.period(), why, vain.match_threshold())
    name = f"searched-in-vain-{today().isoformat()}"
    return exports.response(request, name, vain.csv_rows(found))


@require_GET
def export(request: HttpRequest, name: str) -> HttpResponseBase:
    """Return the searches or the refusals of the selected period as CSV."""
    if name not in EXPORTS:
        raise Http404
    lines = EXPORTS[name](Choice.of(request).period())
    return exports.response(request, f"{name}-{today().isoformat()}", lines)
