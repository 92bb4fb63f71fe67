"""Template context of an experiment's page: its progress, its figures, and the verdict."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..analytics.experiment_comparison import Comparison, compare_variants
from ..analytics.experiment_verdicts import Estimate, Signal, Verdict
from ..analytics.statistics import Interval, Share, wilson
from ..models import Experiment, IndexVersion
from .charts import Plot, Series, plot
from .insight_charts import spaced, step_name
from .number_formats import NOTHING, number, percent_tick, percentage, signed

VERDICTS = {
    Verdict.EARLY: ("quiet", gettext_lazy("too early to say")),
    Verdict.SAME: ("good", gettext_lazy("no worse")),
    Verdict.WORSE: ("bad", gettext_lazy("worse")),
    Verdict.BETTER: ("good", gettext_lazy("better")),
}
OVERALL = VERDICTS | {Verdict.WORSE: ("bad", gettext_lazy("worse: stop the experiment"))}
SIGNALS = {
    "clicked": gettext_lazy("searches with a click"),
    "matched": gettext_lazy("matched"),
    "empty": gettext_lazy("without a result"),
    "failures": gettext_lazy("photos that failed"),
    "p50": gettext_lazy("median time"),
    "p95": gettext_lazy("95th percentile time"),
    "score": gettext_lazy("score of the best result"),
}
# Searches per hour or day below which the click-through is not drawn.
ENOUGH = 20


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of the table of compared metrics, as text for the template.

    ``colour`` and ``verdict``: colour and text of a badge. Intervals are "" if unknown.
    """

    label: str
    control: str
    control_interval: str
    treatment: str
    treatment_interval: str
    difference: str
    difference_interval: str
    colour: str
    verdict: str


def report(experiment: Experiment) -> dict[str, Any]:
    """Return the template context of an experiment's page.

    Keys: ``experiment``; ``now``: see :func:`standing`; ``found``: the Comparison of both variants;
    ``colour`` and ``verdict``: colour and text of the badge; ``worse``: names of the metrics that
    are worse in the treatment; ``lines``: rows of the table; ``clicks``: a Plot of click-through
    rates, None without searches; ``ended_by``: see :func:`ended_by`.
    """
    found = compare_variants(experiment)
    colour, verdict = OVERALL[found.verdict]
    return {
        "experiment": experiment,
        "now": standing(experiment),
        "found": found,
        "colour": colour,
        "verdict": verdict,
        "worse": [
            str(SIGNALS[each.name]) for each in found.signals if each.verdict == Verdict.WORSE
        ],
        "lines": [line(each) for each in found.signals],
        "clicks": clicks(found) if found.control + found.treatment else None,
        "ended_by": ended_by(experiment),
    }


def notice() -> dict[str, Any] | None:
    """Return the context of a notice about the running experiment, None if none is running.

    Keys: ``experiment``; ``share``: share of visitors in the treatment now, as text; ``colour`` and
    ``verdict``: colour and text of a badge.
    """
    experiment = Experiment.objects.select_related("version").filter(running=True).first()
    if experiment is None:
        return None
    colour, verdict = OVERALL[compare_variants(experiment).verdict]
    now = standing(experiment)["share"]
    return {"experiment": experiment, "share": now, "colour": colour, "verdict": verdict}


def standing(experiment: Experiment) -> dict[str, Any]:
    """Return how far the share of visitors in an experiment's treatment has grown.

    Keys: ``share`` (now, or at its end) and ``goal``, both as text; ``percent``: ``share`` as a
    number; ``growing``: whether the share still grows; ``hours_left``: hours until the goal.
    """
    moment = experiment.stopped or timezone.now()
    share = experiment.share_at(moment)
    hours = (moment - experiment.ramp_started).total_seconds() / 3600
    return {
        "share": percent_tick(share),
        "goal": percent_tick(experiment.share),
        "percent": round(100 * share),
        "growing": bool(experiment.running) and share < experiment.share,
        "hours_left": math.ceil(max(0.0, experiment.ramp_hours - hours)),
    }


def ended_by(experiment: Experiment) -> IndexVersion | None:
    """Return the version whose activation ended the experiment, None if it ended otherwise."""
    if experiment.stopped is None:
        return None
    return IndexVersion.objects.filter(activated=experiment.stopped).first()


def line(signal: Signal) -> Line:
    """Return a compared metric as a row of the table."""
    colour, verdict = VERDICTS[signal.verdict]
    control, treatment = signal.control.value, signal.treatment.value
    gap = None if control is None or treatment is None else treatment - control
    return Line(
        label=str(SIGNALS[signal.name]),
        control=value_text(control, signal.unit),
        control_interval=around(signal.control, signal.unit),
        treatment=value_text(treatment, signal.unit),
        treatment_interval=around(signal.treatment, signal.unit),
        difference=NOTHING if gap is None else gap_text(gap, signal.unit),
        difference_interval="" if gap is None else gap_range(signal.difference, signal.unit),
        colour=colour,
        verdict=str(verdict),
    )


def value_text(value: float | None, unit: str) -> str:
    """Format a figure; ``unit``: ``share`` (shown in percent), ``ms`` or ``score``."""
    if value is None:
        return NOTHING
    if unit == "share":
        return percentage(value)
    return f"{number(value)}\xa0ms" if unit == "ms" else number(value, 3)


def around(estimate: Estimate, unit: str) -> str:
    """Format the confidence interval of a figure, "" if it has none."""
    if estimate.interval is None:
        return ""
    low, high = estimate.interval.low, estimate.interval.high
    return f"{value_text(low, unit)} – {value_text(high, unit)}"


def gap_text(value: float, unit: str) -> str:
    """Format a difference with its sign; a difference of shares is in percentage points."""
    if unit == "share":
        return _("%(points)s points") % {"points": signed(100 * value, 1)}
    return f"{signed(value)}\xa0ms" if unit == "ms" else signed(value, 3)


def gap_range(interval: Interval, unit: str) -> str:
    """Format the interval of a difference, without a unit; "" if it is infinite."""
    if not math.isfinite(interval.high - interval.low):
        return ""
    scale, digits = {"share": (100, 1), "ms": (1, 0), "score": (1, 3)}[unit]
    low, high = (signed(scale * end, digits) for end in (interval.low, interval.high))
    return _("%(low)s to %(high)s") % {"low": low, "high": high}


def clicks(found: Comparison) -> Plot:
    """Return the plot of both variants' click-through rates over time."""
    moments = found.moments
    return plot(
        label=_("Searches with a click by hour")
        if found.by_hour
        else _("Searches with a click by day"),
        head=_("Hour") if found.by_hour else _("Day"),
        categories=[step_name(each.start, by_hour=found.by_hour) for each in moments],
        series=[
            of_variant(_("control"), "a", [each.control for each in moments]),
            of_variant(_("treatment"), "b", [each.treatment for each in moments]),
        ],
        write=percentage,
        tick=percent_tick,
        unit=_("share of searches, with confidence intervals"),
        every=spaced(len(moments)),
        most=1.0,
    )


def of_variant(name: str, colour: str, shares: list[Share]) -> Series:
    """Return a variant's click-through rates as a line with a confidence band.

    ``shares``: the rate of each hour or day. The line has gaps where there were fewer than
    :data:`ENOUGH` searches.
    """
    around = [wilson(share) if share.whole >= ENOUGH else None for share in shares]
    return Series(
        name=name,
        colour=colour,
        kind="line",
        values=[share.value if share.whole >= ENOUGH else None for share in shares],
        lows=[each.low if each else None for each in around],
        highs=[each.high if each else None for each in around],
    )
