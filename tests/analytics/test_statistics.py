"""Statistics against published values, and by simulation for statements about chance."""

import math

import numpy as np
import pytest

from visualsearch.analytics.statistics import (
    UNKNOWN,
    Interval,
    Mean,
    Share,
    binomial_cdf,
    design_effect,
    newcombe,
    quantile_difference,
    quantile_interval,
    sequential_difference,
    sequential_z,
    wilson,
)

NOBODY = Share(part=0, whole=0)


def share(part, whole):
    return Share(part=part, whole=whole)


def near(low, high):
    return pytest.approx((low, high), abs=6e-5)


def ends(interval):
    return interval.low, interval.high


# Newcombe 1998, Statistics in Medicine 17:857, table I, method 3.
@pytest.mark.parametrize(
    ("part", "whole", "low", "high"),
    [
        (81, 263, 0.2553, 0.3662),
        (15, 148, 0.0624, 0.1605),
        (0, 20, 0.0, 0.1611),
        (1, 29, 0.0061, 0.1718),
    ],
)
def test_wilson__published(part, whole, low, high):
    assert ends(wilson(share(part, whole))) == near(low, high)


def test_wilson__of_nothing_is_anything():
    assert wilson(NOBODY) == Interval(low=0, high=1)


# Newcombe 1998, Statistics in Medicine 17:873, table II, method 10.
@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe__published(first, second, low, high):
    assert ends(newcombe(share(*second), share(*first))) == near(low, high)


def test_newcombe__of_nothing_is_unknown():
    assert newcombe(NOBODY, share(1, 2)) == UNKNOWN


# Ranks of the 95 % interval of a median: Conover, Practical Nonparametric Statistics.
@pytest.mark.parametrize(("n", "low", "high"), [(10, 2, 9), (20, 6, 15), (100, 40, 61)])
def test_quantile_interval__published_ranks(n, low, high):
    assert quantile_interval(np.arange(1.0, n + 1), 0.5) == Interval(low=low, high=high)


def test_quantile_interval__too_few_end_at_the_extremes():
    assert quantile_interval(np.array([1.0, 2.0, 3.0]), 0.95) == Interval(low=2.0, high=3.0)
    assert quantile_interval(np.array([7.0]), 0.5) == Interval(low=7.0, high=7.0)
    assert quantile_interval(np.array([]), 0.5) == UNKNOWN


def test_binomial_cdf__is_exact():
    exact = np.cumsum([math.comb(12, k) * 0.3**k * 0.7 ** (12 - k) for k in range(13)])
    assert binomial_cdf(12, 0.3) == pytest.approx(exact, abs=1e-12)
    assert binomial_cdf(50_000, 0.95)[47_500] == pytest.approx(0.5, abs=0.005)


@pytest.mark.parametrize("q", [0.5, 0.95])
def test_quantile_intervals__cover_what_they_should(q):
    rng = np.random.default_rng(1)
    true = float(np.exp(3 + 0.5 * {0.5: 0.0, 0.95: 1.6449}[q]))
    one = both = 0
    for _ in range(400):
        first, second = np.sort(rng.lognormal(3, 0.5, (2, 300)), axis=1)
        found = quantile_interval(first, q)
        one += found.low <= true <= found.high
        found = quantile_difference(first, second, q)
        both += found.low <= 0 <= found.high
    assert 0.93 <= one / 400 <= 0.99
    assert both / 400 >= 0.93


def test_quantile_difference__of_what_is_slower():
    rng = np.random.default_rng(2)
    quick, slow = np.sort(rng.lognormal(3, 0.3, 800)), np.sort(rng.lognormal(3.4, 0.3, 800))
    found = quantile_difference(quick, slow, 0.5)
    assert 0 < found.low < math.exp(3.4) - math.exp(3) < found.high
    assert quantile_difference(quick, np.array([]), 0.5) == UNKNOWN


def test_design_effect__of_independent_visitors_is_none():
    hits = np.random.default_rng(3).random(5000) < 0.1
    assert design_effect(list(range(5000)), hits) == pytest.approx(1.0, abs=0.01)


def test_design_effect__of_visitors_who_do_the_same_each_time():
    # Rao & Scott 1992: with a correlation of 1 within groups of m it is m.
    visitors = np.repeat(np.arange(1000), 4)
    hits = np.repeat(np.random.default_rng(4).random(1000) < 0.3, 4)
    assert design_effect(visitors, hits) == pytest.approx(4.0, abs=0.01)


@pytest.mark.parametrize("hits", [[True] * 9, [False] * 9])
def test_design_effect__where_all_do_the_same_there_is_none_to_tell(hits):
    assert design_effect(list("aaabbbccc"), np.array(hits)) == 1.0
    assert design_effect(["a"], np.array([1.0])) == design_effect([], np.array([])) == 1.0


def test_divided__is_worth_less_and_says_the_same():
    assert share(20, 100).divided(4.0) == share(5, 25)
    few = Mean.of(np.arange(100.0)).divided(4.0)
    assert (few.value, few.count) == (49.5, 25)


def looks(runs, treatment, control, *, seed, n=6000, hour=150, evening=1.0):
    """Yield, for each run, the intervals at every 50th search while the share grows to a half.

    ``evening``: factor of the clicks in the second half of each eight hours.
    """
    rng = np.random.default_rng(seed)
    hours = np.arange(n) // hour
    for _ in range(runs):
        treated = rng.random(n) < np.minimum(0.01 + np.arange(n) / n, 0.5)
        rate = np.where(treated, treatment, control) * np.where(hours % 8 < 4, 1, evening)
        hit = rng.random(n) < rate
        yield [sequential_difference(hit[:k], treated[:k], hours[:k]) for k in range(50, n + 1, 50)]


def told_apart(run):
    return any(each.low > 0 or each.high < 0 for each in run)


@pytest.mark.parametrize("rate", [0.5, 0.08, 0.005])
def test_sequential__two_that_are_alike_are_seldom_told_apart_at_any_time(rate):
    wrong = [told_apart(run) for run in looks(150, rate, rate, seed=5)]
    # The error rate is at most 5 %; then 14 or more of 150 runs have a probability of 2 %.
    assert sum(wrong) <= 13


def test_sequential__a_growing_share_on_a_changing_day_makes_no_difference():
    wrong = [told_apart(run) for run in looks(100, 0.1, 0.1, seed=15, hour=750, evening=3.0)]
    assert sum(wrong) <= 10
    rng = np.random.default_rng(16)  # without strata it looks like an effect
    treated = np.concatenate([rng.random(4000) < 0.05, rng.random(4000) < 0.5])
    hit = rng.random(8000) < np.repeat([0.1, 0.3], 4000)
    hours = np.repeat([0, 1], 4000)
    assert sequential_difference(hit, treated, np.zeros(8000)).low > 0
    found = sequential_difference(hit, treated, hours)
    assert found.low < 0 < found.high


def test_sequential__an_interval_for_one_look_would_cry_wolf():
    rng = np.random.default_rng(6)
    wrong = 0
    for _ in range(100):
        hits = np.cumsum(rng.random((2, 3000)) < 0.3, axis=1)
        found = [
            newcombe(share(int(hits[0, k]), k + 1), share(int(hits[1, k]), k + 1))
            for k in range(49, 3000, 50)
        ]
        wrong += any(each.low > 0 or each.high < 0 for each in found)
    assert wrong > 20


@pytest.mark.parametrize(
    ("treatment", "control", "within"),
    [(0.56, 0.71, 3000), (0.3, 0.01, 2000), (0.04, 0.08, 5000)],
    ids=["matched", "failures", "clicks"],
)
def test_sequential__a_real_change_is_told_early(treatment, control, within):
    firsts = []
    for run in looks(50, treatment, control, seed=7):
        told = [each.high < 0 if treatment < control else each.low > 0 for each in run]
        firsts.append(50 * (told.index(True) + 1) if any(told) else math.inf)
    assert float(np.median(firsts)) <= within


def whole(control, treatment):
    """Return values and treatment flags of both variants, all in one hour."""
    values = np.concatenate([control, treatment])
    treated = np.repeat([False, True], [len(control), len(treatment)])
    return values, treated, np.zeros(len(values))


def test_sequential__few_say_nothing():
    many, few = np.arange(500.0), np.arange(29.0)
    assert sequential_difference(*whole(many, few)) == UNKNOWN
    assert sequential_difference(*whole(few, many)) == UNKNOWN
    assert sequential_difference(*whole(few[:0], few[:0])) == UNKNOWN
    apart = np.repeat([1.0, 2.0], 500)  # never in the same hour
    values, treated, _ = whole(many, many)
    assert sequential_difference(values, treated, apart) == UNKNOWN


def test_sequential__is_the_test_of_cochran_mantel_and_haenszel():
    # By hand from two tables: clicks and no clicks of the treated, then of the control.
    tables = [(30, 70, 40, 160), (10, 90, 5, 95)]
    values, treated, strata = [], [], []
    excess = variance = pairs = 0.0
    for place, (a, b, c, d) in enumerate(tables):
        n = a + b + c + d
        values += [True] * a + [False] * b + [True] * c + [False] * d
        treated += [True] * (a + b) + [False] * (c + d)
        strata += [place] * n
        excess += a - (a + b) * (a + c) / n
        variance += (a + b) * (c + d) * (a + c) * (b + d) / (n**2 * (n - 1))
        pairs += (a + b) * (c + d) / n
    found = sequential_difference(np.array(values), np.array(treated), np.array(strata))
    half = sequential_z(pairs, 0.05) * math.sqrt(variance) / pairs + 0.5 / pairs
    assert ends(found) == pytest.approx((excess / pairs - half, excess / pairs + half))


def test_sequential__means_at_any_time():
    rng = np.random.default_rng(8)
    wrong = 0
    for _ in range(200):
        values, treated = rng.normal(3, 0.4, 2000), rng.random(2000) < 0.3
        hours = np.arange(2000) // 100
        wrong += told_apart(
            [sequential_difference(values[:k], treated[:k], hours[:k]) for k in range(50, 2001, 50)]
        )
    assert wrong <= 16
    found = sequential_difference(*whole(rng.normal(3, 0.4, 300), rng.normal(3.3, 0.4, 300)))
    assert 0 < found.low < 0.3 < found.high


def test_sequential__is_wider_than_for_one_look_and_for_fewer_visitors():
    clicks = np.repeat([True, False], [80, 920]), np.repeat([True, False], [95, 905])
    once = newcombe(share(80, 1000), share(95, 1000))
    always = sequential_difference(*whole(*clicks))
    fewer = sequential_difference(*whole(*clicks), worth=2.0)
    assert fewer.low < always.low < once.low < once.high < always.high < fewer.high


def test_mean__of_one_and_of_none():
    assert Mean.of(np.array([2.0])) == Mean(value=2.0, deviation=0.0, count=1)
    assert Mean.of(np.array([])).count == 0
