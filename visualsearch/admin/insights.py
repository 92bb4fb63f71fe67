"""The Insights page: what customers do with the search; and its CSV exports."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseBase
from django.urls import URLPattern, path
from django.utils import timezone
from django.utils.http import urlencode
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from ..analytics.insights import Period, insights
from ..analytics.local_time import today
from ..analytics.rule_figures import rule_figures
from ..models import Storefront
from . import exports, insight_charts
from .base import ReadOnlyAdmin
from .experiment_report import notice

PERIODS = {
    1: gettext_lazy("24 hours"),
    7: gettext_lazy("7 days"),
    30: gettext_lazy("30 days"),
    90: gettext_lazy("90 days"),
}
DEFAULT = 7
EXPORTS = {"searches": exports.searches, "refusals": exports.refusals}


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The period and storefront selected on the Insights page.

    ``days``: one of :data:`PERIODS`. ``storefront``: a primary key, None for all storefronts.
    """

    days: int
    storefront: int | None

    @classmethod
    def of(cls, request: HttpRequest) -> Choice:
        """Return the selection in the query string; invalid values are replaced by defaults."""
        days, shop = request.GET.get("days", ""), request.GET.get("storefront", "")
        known = days in map(str, PERIODS)
        pk = int(shop) if shop.isascii() and shop.isdecimal() and len(shop) < 19 else None
        return cls(days=int(days) if known else DEFAULT, storefront=pk)

    def period(self) -> Period:
        """Return the selected period, which ends now."""
        return Period.last(self.days, now=timezone.now(), storefront=self.storefront)

    def query(self, **other: Any) -> str:
        """Return the selection as a query string; ``other``: values to replace or add."""
        values = {"days": self.days, "storefront": self.storefront, **other}
        return urlencode({name: value for name, value in values.items() if value is not None})


class InsightsPages(ReadOnlyAdmin):
    """A base class that adds the Insights pages to the admin of queries.

    The pages require permission to view queries.
    """

    def insights_urls(self) -> list[URLPattern]:
        """Return the URLs of the Insights page and its exports, below those of queries."""
        wrap = self.admin_site.admin_view
        return [
            path("insights/", wrap(require_GET(self.insights)), name="visualsearch_insights"),
            *(
                path(
                    f"insights/{name}.csv",
                    wrap(require_GET(self.export)),
                    {"name": name},
                    name=f"visualsearch_export_{name}",
                )
                for name in EXPORTS
            ),
        ]

    def insights(self, request: HttpRequest) -> HttpResponse:
        """Show the figures of the selected period."""
        self.may_look(request)
        choice = Choice.of(request)
        periods = [
            (name, choice.query(days=days), days == choice.days) for days, name in PERIODS.items()
        ]
        return self.page(
            request,
            "insights.html",
            title=_("Insights"),
            choice=choice,
            periods=periods,
            period_name=PERIODS[choice.days],
            storefronts=list(Storefront.objects.all()),
            query=choice.query(),
            notice=notice(),
            rules=insight_charts.rules(rule_figures(choice.period())),
            **insight_charts.page_of(insights(choice.period())),
        )

    def export(self, request: HttpRequest, name: str) -> HttpResponseBase:
        """Return the searches or the refusals of the selected period as CSV."""
        self.may_look(request)
        day = today().isoformat()
        lines = EXPORTS[name](Choice.of(request).period())
        return exports.response(request, f"{name}-{day}", lines)
