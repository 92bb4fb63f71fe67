"""Bootstrap intervals of a mean score, and a paired test of two systems.

A score is a number per query: 0 or 1 for a wrong or right answer, a reciprocal rank, … All
functions are seeded, so that the same scores give the same interval.

Sources: B. Efron and R. Tibshirani, An Introduction to the Bootstrap, 1993, chapter 13 (percentile
intervals); M. Smucker, J. Allan and B. Carterette, A Comparison of Statistical Significance Tests
for Information Retrieval Evaluation, CIKM 2007 (randomisation test).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

RESAMPLES = 2000
FLIPS = 10_000
LEVEL = 0.95
# With fewer differences, all 2^n signs are tried, and the p value is exact.
EXACT_BELOW = 13
# Numbers drawn at a time: 16 MB.
CHUNK = 2_000_000

Interval = tuple[float, float]


@dataclass(frozen=True, kw_only=True)
class Paired:
    """Mean difference of two systems on the same queries, its 95 % interval, and the p value."""

    difference: float
    interval: Interval
    p: float


def samples(count: int, resamples: int = RESAMPLES, seed: int = 0) -> Iterator[NDArray[np.int64]]:
    """Yield batches of bootstrap samples: arrays (batch, ``count``) of row indexes.

    Row indexes are drawn with replacement. The batches have ``resamples`` rows in total.
    """
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK // max(1, count))
    for start in range(0, resamples, step):
        yield rng.integers(0, count, (min(step, resamples - start), count))


def interval(scores: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> Interval:
    """Return the 95 % percentile bootstrap interval of the mean of ``scores`` (N,).

    If all scores are equal, the interval has no width, however few they are. Raises ValueError
    without scores.
    """
    values = numbers(scores)
    means = [values[rows].mean(axis=1) for rows in samples(len(values), resamples, seed)]
    return percentiles(np.concatenate(means))


def interval_of(
    statistic: Callable[[NDArray[np.int64]], float],
    count: int,
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Interval:
    """Return the 95 % bootstrap interval of a ``statistic`` of ``count`` rows.

    ``statistic``: called with row indexes (count,), returns a float; a sample for which it is NaN
    is left out. Raises ValueError if ``count`` is 0.
    """
    if not count:
        raise ValueError("there is nothing to resample")
    drawn = [float(statistic(row)) for rows in samples(count, resamples, seed) for row in rows]
    return percentiles(np.array(drawn))


def intervals(scores: Mapping[str, ArrayLike], *, seed: int = 0) -> dict[str, list[float]]:
    """Return the 95 % bootstrap interval [low, high] of each metric's mean, by metric.

    ``scores``: scores (N,) by metric; a metric without scores is left out. Rounded to 4 digits.
    """
    return {
        name: [round(end, 4) for end in interval(values, seed=seed)]
        for name, values in scores.items()
        if np.size(values)
    }


def paired(a: ArrayLike, b: ArrayLike, *, resamples: int = RESAMPLES, seed: int = 0) -> Paired:
    """Compare system ``b`` with system ``a`` on the same queries; difference > 0: ``b`` is better.

    ``a`` and ``b``: scores (N,) in the same order. The two-sided p value is the share of random
    signs of the differences that give a mean at least as far from 0. Raises ValueError if ``a`` and
    ``b`` have different lengths or are empty.
    """
    first, second = numbers(a), numbers(b)
    if len(first) != len(second):
        raise ValueError(f"scores of {len(first)} and of {len(second)} queries cannot be paired")
    differences = second - first
    return Paired(
        difference=float(differences.mean()),
        interval=interval(differences, resamples=resamples, seed=seed),
        p=sign_flip_p(differences, seed=seed),
    )


def sign_flip_p(differences: ArrayLike, *, flips: int = FLIPS, seed: int = 0) -> float:
    """Return the two-sided p value of the mean of differences (N,), by random signs.

    1 if all differences are 0. Raises ValueError without differences.
    """
    moved = numbers(differences)
    moved = moved[moved != 0]
    if not len(moved):
        return 1.0
    # Sums of the same numbers in another order differ by rounding.
    least = abs(moved.sum()) - 1e-9
    if len(moved) < EXACT_BELOW:
        signs = 1 - 2 * (np.arange(2 ** len(moved))[:, None] >> np.arange(len(moved)) & 1)
        return float((np.abs(signs @ moved) >= least).mean())
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK // len(moved))
    reached = 0
    for start in range(0, flips, step):
        signs = rng.integers(0, 2, (min(step, flips - start), len(moved)), np.int8) * 2 - 1
        reached += int((np.abs(signs @ moved) >= least).sum())
    # The observed signs are one of the possible ones: p is never 0.
    return (reached + 1) / (flips + 1)


def numbers(scores: ArrayLike) -> NDArray[np.float64]:
    """Return scores as an array (N,); raise ValueError if there are none or they are nested."""
    values = np.asarray(scores, np.float64)
    if values.ndim != 1 or not len(values):
        raise ValueError("scores are a list of numbers, one per query, and at least one")
    return values


def percentiles(drawn: NDArray[np.float64]) -> Interval:
    """Return the interval that leaves out 2.5 % of the resampled values at either end."""
    tail = 50 * (1 - LEVEL)
    low, high = np.nanpercentile(drawn, [tail, 100 - tail])
    return float(low), float(high)
