"""How sure a figure is: intervals of shares and quantiles, and of how two of them differ.

Two kinds. The intervals that are right for one look at the end (95 % unless said otherwise), and
the sequential ones, which stay right for somebody who looks every day and stops when it looks bad.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

Z95 = 1.959963984540054
# The difference, in standard deviations of one observation, that a sequential interval is best at.
TYPICAL_EFFECT = 0.1
# Fewer observations on one side say nothing: the normal approximation is not to be trusted.
FEWEST = 30


@dataclass(frozen=True, kw_only=True)
class Interval:
    """From ``low`` to ``high``, both included; infinite where nothing can be said."""

    low: float
    high: float


UNKNOWN = Interval(low=-math.inf, high=math.inf)


@dataclass(frozen=True, kw_only=True)
class Share:
    """``part`` of ``whole``; not whole numbers where they were made smaller by a design effect."""

    part: float
    whole: float

    @property
    def value(self) -> float | None:
        """0…1; None of nothing."""
        return self.part / self.whole if self.whole else None

    def divided(self, design_effect: float) -> Share:
        """The same share of as many independent observations as it is worth."""
        return Share(part=self.part / design_effect, whole=self.whole / design_effect)


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean, the standard deviation of one observation, and how many there were."""

    value: float
    deviation: float
    count: float

    @classmethod
    def of(cls, values: Floats) -> Mean:
        """Of a sample."""
        if not len(values):
            return cls(value=0.0, deviation=0.0, count=0)
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        return cls(value=float(values.mean()), deviation=spread, count=len(values))

    def divided(self, design_effect: float) -> Mean:
        """The same mean of as many independent observations as it is worth."""
        return replace(self, count=self.count / design_effect)


def wilson(share: Share, z: float = Z95) -> Interval:
    """The score interval of a proportion (Wilson 1927; method 3 of Newcombe 1998, 17:857)."""
    if not share.whole:
        return Interval(low=0.0, high=1.0)
    n, p = share.whole, share.part / share.whole
    middle = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return Interval(low=max(0.0, (middle - half) / scale), high=min(1.0, (middle + half) / scale))


def mover(control: float, around: Interval, treatment: float, other: Interval) -> Interval:
    """Of treatment − control, from an interval of each (Zou & Donner 2008, "MOVER")."""
    difference = treatment - control
    return Interval(
        low=difference - math.hypot(treatment - other.low, around.high - control),
        high=difference + math.hypot(other.high - treatment, control - around.low),
    )


def newcombe(control: Share, treatment: Share, z: float = Z95) -> Interval:
    """Of the difference treatment − control of two proportions (Newcombe 1998, 17:873, method 10).

    Unknown while one of them is of nothing.
    """
    if control.value is None or treatment.value is None:
        return UNKNOWN
    return mover(control.value, wilson(control, z), treatment.value, wilson(treatment, z))


def quantile(ordered: Floats, q: float) -> float:
    """The q-quantile (0…1) of sorted values, by linear interpolation; NaN of none."""
    return float(np.quantile(ordered, q)) if len(ordered) else math.nan


def quantile_interval(ordered: Floats, q: float, confidence: float = 0.95) -> Interval:
    """Of a quantile, by order statistics: how many values lie below it is binomial.

    (Conover, Practical Nonparametric Statistics, 3.2.) ``ordered``: sorted values. Where there are
    too few of them for the confidence, it ends at the smallest or the largest.
    """
    n = len(ordered)
    if not n:
        return UNKNOWN
    below = binomial_cdf(n, q)
    tail = (1 - confidence) / 2
    lowest = int(np.searchsorted(below, tail, side="right"))  # the rank, from 1
    highest = int(np.searchsorted(below, 1 - tail)) + 1
    return Interval(
        low=float(ordered[max(lowest, 1) - 1]), high=float(ordered[min(highest, n) - 1])
    )


def binomial_cdf(n: int, p: float) -> Floats:
    """P(X ≤ k) for k = 0…n, of n trials that succeed with probability p, 0 < p < 1."""
    k = np.arange(n)
    steps = np.log((n - k) / (k + 1.0)) + math.log(p / (1 - p))
    logs = n * math.log1p(-p) + np.concatenate(([0.0], np.cumsum(steps)))
    return np.minimum(np.cumsum(np.exp(logs)), 1.0)


def quantile_difference(control: Floats, treatment: Floats, q: float) -> Interval:
    """Of treatment − control of a quantile, from the order-statistic interval of each (MOVER).

    Both sorted. Unknown while one of them is empty.
    """
    if not len(control) or not len(treatment):
        return UNKNOWN
    return mover(
        quantile(control, q),
        quantile_interval(control, q),
        quantile(treatment, q),
        quantile_interval(treatment, q),
    )


def design_effect(groups: Sequence[Any] | NDArray[Any], values: NDArray[Any]) -> float:
    """How many observations are worth one that is independent, at least 1 (Rao & Scott 1992).

    ``groups``: of which visitor each observation is; searches of one visitor are alike, and to
    count them as independent ones would make a difference look surer than it is.
    """
    if len(groups) < 2:
        return 1.0
    _, group = np.unique(np.asarray(groups), return_inverse=True)
    off = np.asarray(values, np.float64)
    off = off - off.mean()
    many, spread = int(group.max()) + 1, float((off**2).sum())
    if many < 2 or not spread:
        return 1.0
    clustered = float((np.bincount(group, weights=off) ** 2).sum()) * many / (many - 1)
    return max(1.0, clustered / spread)


def sequential_z(pairs: float, error: float) -> float:
    """How many standard errors a difference must be away from 0 to count, looked at at any time.

    The mixture sequential probability ratio test with a normal prior (Robbins 1970; Johari, Koomen,
    Pekelis & Walsh 2022, "Always Valid Inference"; Howard et al. 2021): the chance that a
    difference of 0 is ever beyond it is at most ``error``. ``pairs``: 1 / (1/n₁ + 1/n₂).
    """
    gained = pairs * TYPICAL_EFFECT**2
    return math.sqrt((1 + 1 / gained) * (2 * math.log(1 / error) + math.log1p(gained)))


def sequential_difference(
    values: NDArray[Any],
    treated: NDArray[np.bool_],
    strata: NDArray[Any],
    *,
    worth: float = 1.0,
    error: float = 0.05,
) -> Interval:
    """Of the mean of those treated − that of the others, right at every look (1 − ``error``).

    They are compared within ``strata``, such as hours, as Cochran (1954), Mantel & Haenszel (1959)
    do: where the share of the treated grows while customers of the evening click more than those
    of the morning, that makes no difference. ``values``: booleans, which get the correction for
    continuity, or finite floats; ``worth``: their design effect. Unknown where too few are in the
    same strata.
    """
    _, place = np.unique(strata, return_inverse=True)
    count = np.bincount(place)
    many = np.bincount(place, weights=treated)
    shared = many * (count - many) / np.maximum(count, 1)
    pairs = float(shared.sum()) / worth
    fewest = min(float(many.sum()), float((count - many).sum()))
    if fewest < FEWEST * worth or pairs < FEWEST / 2:
        return UNKNOWN
    observed = values.astype(np.float64)
    mean = np.bincount(place, weights=observed) / count
    off = observed - mean[place]
    variance = np.bincount(place, weights=off**2) / np.maximum(count - 1, 1)
    difference = float(off[treated].sum()) / (pairs * worth)
    spread = math.sqrt(float((shared * variance).sum()) / worth) / pairs
    half = sequential_z(pairs, error) * spread
    if values.dtype == np.bool_:
        half += 0.5 / pairs
    return Interval(low=difference - half, high=difference + half)
