"""Judge whether an experiment's treatment is worse, by several signals, valid at any time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .statistics import (
    UNKNOWN,
    Z95,
    Floats,
    Interval,
    Mean,
    Share,
    design_effect,
    mover,
    newcombe,
    quantile,
    quantile_difference,
    quantile_interval,
    sequential_difference,
    wilson,
)

# The chance that a treatment that is no worse is ever called worse, by any of the signals.
ERROR = 0.05
SIGNALS = 7
# Searches are compared within strata of this many seconds, because customers' behaviour changes
# with the hour while the share of the treatment grows.
STRATUM = 3 * 3600.0


class Verdict(StrEnum):
    """The verdict on the treatment; repeated checks do not raise the error rate.

    EARLY: not enough data yet. SAME: no gain is certain, and a loss beyond the margin is excluded.
    WORSE: certainly worse than control, by more than the tolerance. BETTER: certainly better.
    """

    EARLY = "early"
    SAME = "same"
    WORSE = "worse"
    BETTER = "better"


@dataclass(frozen=True, kw_only=True)
class Arm:
    """The data of one variant: arrays with one value per search, except ``refused``.

    ``created``: seconds since the epoch; ``visitors``: an integer id of the visitor; ``clicked``,
    ``matched`` and ``empty``: whether there was a click, a match, no result; ``scores``: that of
    the best hit, and ``spent``: milliseconds, both NaN if unknown. ``refused``: seconds since the
    epoch at which photos failed. ``scales``: names of all encoders, or index versions with a fitted
    transform, that produced the scores; scores of different ones cannot be compared.
    """

    created: Floats
    visitors: NDArray[np.int64]
    scales: frozenset[str]
    clicked: NDArray[np.bool_]
    matched: NDArray[np.bool_]
    empty: NDArray[np.bool_]
    scores: Floats
    spent: Floats
    refused: Floats

    @property
    def searches(self) -> int:
        """Number of searches."""
        return len(self.created)

    def share(self, hits: NDArray[np.bool_]) -> Share:
        """Return the share of searches for which ``hits`` (searches,) is true."""
        return Share(part=int(hits.sum()), whole=len(hits))

    def worth(self, hits: NDArray[np.bool_]) -> Share:
        """Return the share of searches for which ``hits`` is true, corrected for repeated visitors.

        Its counts are divided by the design effect, because one visitor's searches are not
        independent. Confidence intervals are computed from it.
        """
        return self.share(hits).divided(design_effect(self.visitors, hits))

    def mean(self, values: Floats) -> Mean:
        """Return the mean of the values (searches,) that are not NaN.

        Its count is divided by the design effect, because one visitor's searches are not
        independent.
        """
        known = np.isfinite(values)
        worth = design_effect(self.visitors[known], values[known])
        return Mean.of(values[known]).divided(worth)

    @property
    def times(self) -> Floats:
        """The known milliseconds of the searches, sorted."""
        return np.sort(self.spent[np.isfinite(self.spent)])

    @property
    def failures(self) -> Share:
        """Number of failed photos as a share of all photos."""
        return Share(part=len(self.refused), whole=len(self.refused) + self.searches)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A figure of one variant and its 95 % interval; both None without data."""

    value: float | None
    interval: Interval | None


@dataclass(frozen=True, kw_only=True)
class Signal:
    """A figure compared between the variants. ``unit``: ``share``, ``ms`` or ``score``.

    ``difference``: the 95 % interval of treatment − control, valid for a single look at the data.
    ``verdict`` is based on a wider interval, which stays valid when looked at every day.
    """

    name: str
    unit: str
    control: Estimate
    treatment: Estimate
    difference: Interval
    verdict: Verdict


def signals(control: Arm, treatment: Arm) -> list[Signal]:
    """Return all signals: clicks first, then those that reveal a bad variant earlier.

    These are matches, empty results, failed photos, response times and scores. ``score`` is left
    out if the arms' scores come from different encoders or differently fitted indexes.
    """
    found = [
        of_shares("clicked", control, treatment, lambda arm: arm.clicked, relative=0.1),
        of_shares("matched", control, treatment, lambda arm: arm.matched, relative=0.05),
        of_shares("empty", control, treatment, lambda arm: arm.empty, good=-1, margin=0.01),
        of_failures(control, treatment),
        of_times("p50", control, treatment),
        of_times("p95", control, treatment),
    ]
    # Scores of different models, or of different fits of one model, cannot be compared.
    if len(control.scales | treatment.scales) == 1:
        found.append(of_scores(control, treatment))
    return found


def judge(difference: Interval, *, good: int, margin: float, tolerance: float = 0.0) -> Verdict:
    """Return the verdict for a sequential interval of treatment − control.

    ``good``: 1 if more is better, -1 if less is. ``margin``: SAME if the loss is certainly smaller
    than this. ``tolerance``: WORSE only if the loss is certainly larger than this. Both have the
    unit of ``difference``.
    """
    low, high = sorted((good * difference.low, good * difference.high))
    if high < -tolerance:
        return Verdict.WORSE
    if low > 0:
        return Verdict.BETTER
    return Verdict.SAME if low > -margin else Verdict.EARLY


def always(control: Arm, treatment: Arm, values: Callable[[Arm], NDArray[Any]]) -> Interval:
    """Return an interval of mean(treatment) − mean(control), valid however often one looks.

    ``values`` returns an arm's values (searches,); NaN is left out. See
    :func:`visualsearch.analytics.statistics.sequential_difference`.
    """
    arms = (control, treatment)
    found = np.concatenate([values(each) for each in arms])
    known = np.isfinite(found)
    visitors = np.concatenate([each.visitors for each in arms])[known]
    return sequential_difference(
        found[known],
        np.repeat([False, True], [each.searches for each in arms])[known],
        np.concatenate([each.created // STRATUM for each in arms])[known],
        worth=design_effect(visitors, found[known]),
        error=ERROR / SIGNALS,
    )


def of_shares(
    name: str,
    control: Arm,
    treatment: Arm,
    hits: Callable[[Arm], NDArray[np.bool_]],
    *,
    good: int = 1,
    relative: float = 0.0,
    margin: float = 0.0,
) -> Signal:
    """Compare the share of searches for which ``hits(arm)`` is true.

    ``good``: 1 if a larger share is better, -1 if a smaller one is. The margin for SAME is
    ``margin``, or ``relative`` times control's share.
    """
    before, after = control.share(hits(control)), treatment.share(hits(treatment))
    ours, theirs = control.worth(hits(control)), treatment.worth(hits(treatment))
    margin = margin or relative * (before.value or 0.0)
    return Signal(
        name=name,
        unit="share",
        control=estimate(before, ours),
        treatment=estimate(after, theirs),
        difference=newcombe(ours, theirs),
        verdict=judge(always(control, treatment, hits), good=good, margin=margin),
    )


def estimate(share: Share, worth: Share) -> Estimate:
    """Return the observed share with its confidence interval.

    ``worth``: the same share with its counts reduced by the design effect, from which the interval
    is computed. The interval is None without observations.
    """
    return Estimate(value=share.value, interval=wilson(worth) if share.whole else None)


def of_failures(control: Arm, treatment: Arm) -> Signal:
    """Compare the arms' shares of failed photos.

    Failed photos are not linked to visitors, so several by one visitor are not corrected for."""
    ours, theirs = control.failures, treatment.failures
    moments = [control.refused, control.created, treatment.refused, treatment.created]
    many = [len(each) for each in moments]
    difference = sequential_difference(
        np.repeat([True, False, True, False], many),
        np.repeat([False, False, True, True], many),
        np.concatenate(moments) // STRATUM,
        error=ERROR / SIGNALS,
    )
    return Signal(
        name="failures",
        unit="share",
        control=estimate(ours, ours),
        treatment=estimate(theirs, theirs),
        difference=newcombe(ours, theirs),
        verdict=judge(difference, good=-1, margin=0.01),
    )


def of_times(name: str, control: Arm, treatment: Arm) -> Signal:
    """Compare the percentile ``name`` (``p50`` or ``p95``) of the milliseconds.

    The reported interval is of the difference of the percentiles. The verdict is based for ``p50``
    on the mean logarithm of the milliseconds (20 % slower is tolerated), and for ``p95`` on the
    share of searches slower than control's 95th percentile (twice as many are tolerated).
    """
    q = {"p50": 0.5, "p95": 0.95}[name]
    ours, theirs = control.times, treatment.times
    if name == "p50":
        difference = always(control, treatment, lambda arm: np.log(np.maximum(arm.spent, 1e-3)))
        tolerance = math.log(1.2)
    else:
        limit, tolerance = quantile(ours, q), 0.05
        difference = always(control, treatment, lambda arm: arm.spent > limit)
    return Signal(
        name=name,
        unit="ms",
        control=of_quantile(ours, q),
        treatment=of_quantile(theirs, q),
        difference=quantile_difference(ours, theirs, q),
        verdict=judge(difference, good=-1, margin=tolerance, tolerance=tolerance),
    )


def of_quantile(ordered: Floats, q: float) -> Estimate:
    """Return the q-quantile of sorted values with its interval; both None without values."""
    if not len(ordered):
        return Estimate(value=None, interval=None)
    return Estimate(value=quantile(ordered, q), interval=quantile_interval(ordered, q))


def of_scores(control: Arm, treatment: Arm) -> Signal:
    """Compare the mean score of the best hit; a loss of 0.02 is tolerated."""
    ours, theirs = control.mean(control.scores), treatment.mean(treatment.scores)
    before, after = of_mean(ours), of_mean(theirs)
    difference = UNKNOWN
    if before.interval and after.interval:
        difference = mover(ours.value, before.interval, theirs.value, after.interval)
    apart = always(control, treatment, lambda arm: arm.scores)
    return Signal(
        name="score",
        unit="score",
        control=before,
        treatment=after,
        difference=difference,
        verdict=judge(apart, good=1, margin=0.02, tolerance=0.02),
    )


def of_mean(mean: Mean) -> Estimate:
    """Return a mean with its interval, by the normal approximation.

    Both are None with fewer than two observations.
    """
    if mean.count < 2:
        return Estimate(value=None, interval=None)
    half = Z95 * mean.deviation / math.sqrt(mean.count)
    return Estimate(
        value=mean.value, interval=Interval(low=mean.value - half, high=mean.value + half)
    )
