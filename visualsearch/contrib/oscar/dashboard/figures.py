"""The Insights page: what customers do with the search; and its CSV exports."""

from __future__ import annotations

from typing import Any

from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET

from ....admin import exports
from ....admin.insight_charts import page_of
from ....admin.insights import EXPORTS, PERIODS, Choice
from ....analytics.insights import insights
from ....analytics.local_time import today


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
def export(request: HttpRequest, name: str) -> HttpResponseBase:
    """Return the searches or the refusals of the selected period as CSV."""
    if name not in EXPORTS:
        raise Http404
    lines = EXPORTS[name](Choice.of(request).period())
    return exports.response(request, f"{name}-{today().isoformat()}", lines)
