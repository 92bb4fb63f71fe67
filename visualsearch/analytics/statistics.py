"""Confidence intervals of shares and quantiles, and of differences between two of them.

There are two kinds. Fixed intervals are valid for one look at the end (95 % unless said otherwise).
Sequential intervals stay valid for somebody who looks every day and stops when it looks bad.
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
# The difference, in standard deviations of an observation, for which a sequential interval is
# narrowest.
TYPICAL_EFFECT = 0.1
# Least observations per side; with fewer, the normal approximation is not valid.
FEWEST = 30


@dataclass(frozen=True, kw_only=True)
class Interval:
    """A closed interval from ``low`` to ``high``; infinite at an end that is unknown."""

    low: float
    high: float


UNKNOWN = Interval(low=-math.inf, high=math.inf)


@dataclass(frozen=True, kw_only=True)
class Share:
    """A proportion ``part`` / ``whole``.

    Both are counts, which are fractional after division by a design effect.
    """

    part: float
    whole: float

    @property
    def value(self) -> float | None:
        """The proportion, 0…1; None if ``whole`` is 0."""
        return self.part / self.whole if self.whole else None

    def divided(self, design_effect: float) -> Share:
        """Return the same proportion with both counts divided by the design effect."""
        return Share(part=self.part / design_effect, whole=self.whole / design_effect)


@dataclass(frozen=True, kw_only=True)
class Mean:
    """A mean, the standard deviation of one observation, and the number of observations."""

    value: float
    deviation: float
    count: float

    @classmethod
    def of(cls, values: Floats) -> Mean:
        """Return the mean of a sample (N,); all zeros if the sample is empty."""
        if not len(values):
            return cls(value=0.0, deviation=0.0, count=0)
        spread = float(values.std(ddof=1)) if len(values) > 1 else 0.0
        return cls(value=float(values.mean()), deviation=spread, count=len(values))

    def divided(self, design_effect: float) -> Mean:
        """Return the same mean with its count divided by the design effect."""
        return replace(self, count=self.count / design_effect)


def wilson(share: Share, z: float = Z95) -> Interval:
    """Return the confidence interval of a proportion; 0 to 1 without observations.

    The score interval: Wilson 1927; method 3 of Newcombe 1998, 17:857. ``z``: standard normal
    quantile.
    """
    if not share.whole:
        return Interval(low=0.0, high=1.0)
    n, p = share.whole, share.part / share.whole
    middle = p + z * z / (2 * n)
    half = z * math.sqrt(p * (1 - p) / n + z * z / (4 * n * n))
    scale = 1 + z * z / n
    return Interval(low=max(0.0, (middle - half) / scale), high=min(1.0, (middle + half) / scale))


def mover(control: float, around: Interval, treatment: float, other: Interval) -> Interval:
    """Return the interval of ``treatment`` − ``control`` from the interval of each.

    ``around``: the interval of ``control``; ``other``: that of ``treatment``. Method of variance
    estimates recovery (MOVER), Zou & Donner 2008.
    """
    difference = treatment - control
    return Interval(
        low=difference - math.hypot(treatment - other.low, around.high - control),
        high=difference + math.hypot(other.high - treatment, control - around.low),
    )


def newcombe(control: Share, treatment: Share, z: float = Z95) -> Interval:
    """Return the interval of the difference of two proportions, treatment − control.

    Method 10 of Newcombe 1998, 17:873. :data:`UNKNOWN` if either has no observations.
    """
    if control.value is None or treatment.value is None:
        return UNKNOWN
    return mover(control.value, wilson(control, z), treatment.value, wilson(treatment, z))


def quantile(ordered: Floats, q: float) -> float:
    """Return the q-quantile (0…1) of sorted values, by linear interpolation; NaN without values."""
    return float(np.quantile(ordered, q)) if len(ordered) else math.nan


def quantile_interval(ordered: Floats, q: float, confidence: float = 0.95) -> Interval:
    """Return a confidence interval of the q-quantile of sorted values, by order statistics.

    The number of values below a quantile is binomial (Conover, Practical Nonparametric Statistics,
    3.2). With too few values for the confidence, the interval ends at the smallest or largest
    value. :data:`UNKNOWN` without values.
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
    """Return P(X ≤ k) for k = 0…n as (n + 1,), where X is binomial with n trials and 0 < p < 1."""
    k = np.arange(n)
    steps = np.log((n - k) / (k + 1.0)) + math.log(p / (1 - p))
    logs = n * math.log1p(-p) + np.concatenate(([0.0], np.cumsum(steps)))
    return np.minimum(np.cumsum(np.exp(logs)), 1.0)


def quantile_difference(control: Floats, treatment: Floats, q: float) -> Interval:
    """Return the interval of the difference of two q-quantiles, treatment − control.

    At 95 % confidence, from the order-statistics interval of each (see :func:`quantile_interval`)
    by MOVER, the "method of variance estimates recovery" (see :func:`mover`). Both arrays must be
    sorted. :data:`UNKNOWN` if either is empty.
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
    """Return the factor, at least 1, by which to divide the number of observations.

    ``groups``: the visitor of each observation; ``values``: the observations. One visitor's
    searches are alike, and counting them as independent would make a difference look more certain
    than it is (Rao & Scott 1992). 1 if they are as varied as independent ones.
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
    """Return how many standard errors make a difference significant, however often one looks.

    The test is the mixture sequential probability ratio test with a normal prior (Robbins 1970;
    Johari, Koomen, Pekelis & Walsh 2022, "Always Valid Inference"; Howard et al. 2021). If the true
    difference is 0, the chance that any look exceeds the result is at most ``error``. ``pairs``: 1
    / (1/n₁ + 1/n₂) for n₁ and n₂ observations.
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
    """Return an interval of mean(treated) − mean(others), valid however often one looks.

    ``values`` (N,): booleans, which get a continuity correction, or finite floats. ``treated``
    (N,): which observations are from the treatment. ``strata`` (N,): a label of each observation,
    such as its hour; means are compared within strata, as in Cochran (1954) and Mantel & Haenszel
    (1959). This removes the bias that arises if the share of the treated grows while evening
    customers click more than morning ones. ``worth``: the design effect by which the number of
    observations is divided (see :func:`design_effect`). ``error``: 1 − confidence. :data:`UNKNOWN`
    if too few observations share a stratum.
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
