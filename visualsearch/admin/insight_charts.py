"""Template context of the Insights page: tiles, plots and bars."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..analytics.insights import Insights, Step, Totals
from ..analytics.local_time import local
from ..analytics.rule_figures import RuleFigures, RulesFigures
from ..analytics.statistics import Share, newcombe, wilson
from ..class_names import class_name
from ..models import Event
from .charts import Plot, Series, plot
from .number_formats import milliseconds, number, percent, percent_tick, percentage, signed
from .try_photo import STAGES, Bar

Kind = Event.Kind

STEPS = {
    Kind.VIEW: gettext_lazy("a product came into view"),
    Kind.CLICK: gettext_lazy("a product was clicked"),
    Kind.BASKET: gettext_lazy("a product was added to the basket"),
    Kind.PURCHASE: gettext_lazy("a product was bought"),
}
REFUSALS = {
    "image_missing": gettext_lazy("no photo was sent"),
    "image_empty": gettext_lazy("the file was empty"),
    "invalid_base64": gettext_lazy("invalid base64"),
    "unsupported_image": gettext_lazy("unsupported format"),
    "image_too_large": gettext_lazy("file too large"),
    "image_corrupt": gettext_lazy("damaged or incomplete"),
    "image_too_many_pixels": gettext_lazy("too many pixels"),
    "image_bad_shape": gettext_lazy("too long and narrow"),
    "image_too_small": gettext_lazy("too small"),
    "search_overloaded": gettext_lazy("too many searches at once"),
    "search_timeout": gettext_lazy("timed out"),
    "search_unavailable": gettext_lazy("a server did not respond"),
    "index_not_ready": gettext_lazy("catalog not indexed yet"),
    "model_unavailable": gettext_lazy("the model could not be loaded"),
}
# Labels that fit below a plot on a phone.
LABELS = 5


@dataclass(frozen=True, kw_only=True)
class Tile:
    """A figure with its label, and its change since the previous period ("" if unknown)."""

    label: str
    value: str
    change: str = ""


def page_of(found: Insights) -> dict[str, Any]:
    """Return the template context of the figures on the Insights page.

    ``found`` is the Insights, ``has_events`` a bool. All other values are lists of Tiles or Bars,
    Plots (None if there is nothing to draw), or text.
    """
    return {
        "found": found,
        "tiles": tiles(found.totals, found.before),
        "searches": searches(found.steps, by_hour=found.period.by_hour),
        "latency": latency(found.steps, by_hour=found.period.by_hour) if found.p50 else None,
        "p50": milliseconds(found.p50),
        "p95": milliseconds(found.p95),
        "stages": stages(found.stages),
        "ranks": ranks(found) if found.totals.clicked else None,
        "funnel": funnel(found.totals),
        "has_events": bool(found.totals.events),
        "scores": scores(found) if found.scores else None,
        "unsold": bars([(class_name(label), count) for label, count in found.unsold]),
        "refusals": bars([(refusal_name(code), count) for code, count in found.refusals]),
        "failures": percentage(found.totals.failures.value),
    }


def refusal_name(code: str) -> str:
    """Return what an error code means in a few words; an unknown code is returned as it is."""
    return str(REFUSALS.get(code, code))


def tiles(now: Totals, before: Totals | None) -> list[Tile]:
    """Return the most important figures, with their changes since the previous period.

    ``before``: totals of the previous period, None if it had no searches.
    """
    relative = ""
    if before is not None:
        change = 100 * (now.searches - before.searches) / before.searches
        relative = f"{signed(change)}\xa0%"
    shares: list[tuple[str, Callable[[Totals], Share]]] = [
        (_("matched"), lambda of: of.share(of.matched)),
        (_("clicked"), lambda of: of.share(of.clicked)),
        (_("bought"), lambda of: of.share(of.events.get(Kind.PURCHASE, 0))),
        (_("without a result"), lambda of: of.share(of.without_result)),
        (_("photos refused"), lambda of: of.failures),
    ]
    return [
        Tile(label=_("searches"), value=number(now.searches), change=relative),
        *(
            Tile(
                label=label,
                value=percentage(share(now).value),
                change=changed(share(now), share(before)) if before else "",
            )
            for label, share in shares
        ),
    ]


def changed(now: Share, before: Share) -> str:
    """Return the change of a share in percentage points, "" if it may be due to chance."""
    if before.value is None or now.value is None:
        return ""
    interval = newcombe(before, now)
    if interval.low <= 0 <= interval.high:
        return ""
    points = 100 * (now.value - before.value)
    return _("%(points)s points") % {"points": signed(points, 1)}


def step_name(start: datetime, *, by_hour: bool) -> str:
    """Return the axis label of the hour or day that begins at ``start``."""
    return date_format(local(start), "H:i" if by_hour else "j M")


def spaced(count: int) -> int:
    """Return n such that labelling every n-th category gives at most :data:`LABELS` labels."""
    return max(1, math.ceil(count / LABELS))


def searches(steps: Sequence[Step], *, by_hour: bool) -> Plot:
    """Return the plot of searches over time, with and without a match."""
    return plot(
        label=_("Searches by hour") if by_hour else _("Searches by day"),
        head=_("Hour") if by_hour else _("Day"),
        categories=[step_name(step.start, by_hour=by_hour) for step in steps],
        series=[
            Series(name=_("matched"), colour="a", values=[step.matched for step in steps]),
            Series(
                name=_("no match"),
                colour="c",
                values=[step.searches - step.matched for step in steps],
            ),
        ],
        write=number,
        unit=_("searches"),
        every=spaced(len(steps)),
        whole=True,
    )


def latency(steps: Sequence[Step], *, by_hour: bool) -> Plot:
    """Return the plot of search time: median and 95th percentile."""
    return plot(
        label=_("Search time, median and 95th percentile"),
        head=_("Hour") if by_hour else _("Day"),
        categories=[step_name(step.start, by_hour=by_hour) for step in steps],
        series=[
            Series(name="p50", colour="a", kind="line", values=[step.p50 for step in steps]),
            Series(name="p95", colour="b", kind="line", values=[step.p95 for step in steps]),
        ],
        write=number,
        unit="ms",
        every=spaced(len(steps)),
    )


def stages(spent: dict[str, float]) -> list[Bar]:
    """Return a bar per stage, in their order; ``spent``: mean milliseconds by name of the stage."""
    total = spent.get("total", 0.0)
    return [
        Bar(label=label, text=milliseconds(spent[name]), percent=percent(spent[name], total))
        for name, label in STAGES.items()
        if name in spent
    ]


def ranks(found: Insights) -> Plot:
    """Return the plot of click-through by rank, with confidence intervals."""
    around = [wilson(each.clicks) for each in found.ranks]
    return plot(
        label=_("Click-through rate by rank, with confidence intervals"),
        head=_("Rank"),
        categories=[str(each.rank) for each in found.ranks],
        series=[
            Series(
                name=_("clicked"),
                colour="a",
                values=[each.clicks.value for each in found.ranks],
                lows=[each.low for each in around],
                highs=[each.high for each in around],
            )
        ],
        write=percentage,
        tick=percent_tick,
        unit=_("of products shown at this rank"),
        most=1.0,
    )


def funnel(totals: Totals) -> list[Bar]:
    """Return bars of how many searches reached each step, from a search to a purchase."""
    reached = [(_("all searches"), totals.searches)]
    reached.append((_("a product was found"), totals.searches - totals.without_result))
    reached += [(str(label), totals.events.get(kind, 0)) for kind, label in STEPS.items()]
    return [
        Bar(
            label=label,
            text=f"{number(count)} · {percentage(totals.share(count).value)}",
            percent=percent(count, totals.searches),
        )
        for label, count in reached
    ]


def scores(found: Insights) -> Plot:
    """Return the histogram of searches by their best score."""
    matched = [each.matched for each in found.scores]
    unmatched = [each.unmatched for each in found.scores]
    names = [number(each.low, 2) for each in found.scores]
    return plot(
        label=_("Searches by best score"),
        head=_("Best score from"),
        categories=names,
        series=[
            Series(name=_("matched"), colour="a", values=matched),
            Series(name=_("no match"), colour="c", values=unmatched),
        ],
        write=number,
        unit=_("searches"),
        every=spaced(len(names)),
        whole=True,
    )


def bars(counts: Sequence[tuple[str, int]]) -> list[Bar]:
    """Return counts by name as bars; the largest count has the longest bar."""
    most = max((count for _, count in counts), default=0)
    return [
        Bar(label=name, text=number(count), percent=percent(count, most)) for name, count in counts
    ]


def rules(found: RulesFigures | None) -> dict[str, Any] | None:
    """Return the figures of the ranking rules as text, None without any.

    ``touched`` and ``others``: (number of searches, share with a click); ``lines``: dicts of
    ``name``, ``pk`` (None of a deleted rule), ``searches``, ``shown``, ``clicks`` and ``rate``.
    """
    if found is None:
        return None
    return {
        "touched": (number(found.touched.whole), with_interval(found.touched)),
        "others": (number(found.others.whole), with_interval(found.others)),
        "lines": [
            {
                "name": named_rule(each),
                "pk": each.rule.pk if each.rule else None,
                "searches": number(each.searches),
                "shown": number(each.clicks.whole),
                "clicks": number(each.clicks.part),
                "rate": with_interval(each.clicks),
            }
            for each in found.rules
        ],
    }


def named_rule(figures: RuleFigures) -> str:
    """Return what a rule does, and its name."""
    rule = figures.rule
    if rule is None:
        return _("deleted rule %(pk)s") % {"pk": figures.pk}
    return f"{rule.get_action_display()}: {rule.name}"


def with_interval(share: Share) -> str:
    """Return a share in percent with its 95 % confidence interval; a dash if it is of nothing."""
    around = wilson(share)
    if not share.whole:
        return percentage(None)
    return f"{percentage(share.value)} ({percentage(around.low)} – {percentage(around.high)})"
