"""Intervals and p-values against theory in simple cases."""

import math

import numpy as np
import pytest

from visualsearch.metrics import bootstrap
from visualsearch.metrics.bootstrap import (
    interval,
    interval_of,
    intervals,
    paired,
    samples,
    sign_flip_p,
)


def binary(right, count):
    return [1] * right + [0] * (count - right)


def test_interval__is_near_the_normal_one_of_a_share():
    low, high = interval(binary(240, 400))
    half = 1.96 * math.sqrt(0.6 * 0.4 / 400)
    assert low == pytest.approx(0.6 - half, abs=0.008)
    assert high == pytest.approx(0.6 + half, abs=0.008)


def test_interval__holds_the_truth_95_times_in_100():
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        low, high = interval(rng.random(120) < 0.7, resamples=400)
        held += low <= 0.7 <= high
    assert 0.9 <= held / 200 <= 0.99


def test_interval__is_deterministic_and_seeded():
    scores = np.random.default_rng(2).random(50)
    assert interval(scores) == interval(scores)
    assert interval(scores, seed=1) != interval(scores, seed=2)


def test_interval__narrows_with_more_queries():
    widths = [np.diff(interval(binary(n // 2, n)))[0] for n in (20, 200, 2000)]
    assert widths[0] > 2 * widths[1] > 4 * widths[2]


def test_interval__one_score():
    assert interval([0.25]) == (0.25, 0.25)


@pytest.mark.parametrize("scores", [[], [[1, 2], [3, 4]]])
def test_interval__refused(scores):
    with pytest.raises(ValueError, match="one per query"):
        interval(scores)


def test_interval_of__a_mean_is_the_same_as_interval():
    scores = np.random.default_rng(3).random(40)
    found = interval_of(lambda rows: scores[rows].mean(), 40)
    assert found == pytest.approx(interval(scores))


def test_interval_of__leaves_out_what_is_undefined():
    found = interval_of(lambda rows: math.nan if rows[0] else 2.0, 3)
    assert found == (2.0, 2.0)


def test_interval_of__nothing():
    with pytest.raises(ValueError, match="nothing to resample"):
        interval_of(lambda rows: 0.0, 0)


def test_intervals__rounded_by_name():
    found = intervals({"recall@1": binary(1, 3), "mrr": [0.5, 0.5]})
    assert found["mrr"] == [0.5, 0.5]
    assert found["recall@1"] == [0, 1]
    assert intervals({"recall@1": []}) == {}


def test_samples__in_chunks_of_bounded_size(monkeypatch):
    monkeypatch.setattr(bootstrap, "CHUNK", 100)
    parts = list(samples(30, 10))
    assert [len(part) for part in parts] == [3, 3, 3, 1]
    assert all(part.min() >= 0 and part.max() < 30 for part in parts)


def test_paired__the_better_system():
    rng = np.random.default_rng(4)
    a = (rng.random(300) < 0.5).astype(float)
    b = np.maximum(a, rng.random(300) < 0.2)
    found = paired(a, b)
    assert found.difference == pytest.approx((b - a).mean())
    assert 0 < found.interval[0] < found.difference < found.interval[1]
    assert found.p < 0.001
    back = paired(b, a)
    assert back.difference == -found.difference
    assert back.p == found.p


def test_paired__sees_what_two_separate_intervals_hide():
    """Six in a hundred queries improve: too few for separate intervals, enough for pairs."""
    a, b = binary(60, 200), binary(72, 200)
    assert interval(a)[1] > interval(b)[0]
    assert paired(a, b).p < 0.01


def test_paired__equal_systems():
    found = paired([0, 1, 1], [0, 1, 1])
    assert (found.difference, found.interval, found.p) == (0, (0, 0), 1)


def test_paired__other_queries():
    with pytest.raises(ValueError, match="3 and of 2 queries"):
        paired([1, 0, 1], [1, 0])


def test_sign_flip_p__few_differences_are_exact():
    # Two of the 16 sign patterns of four equal differences are as extreme.
    assert sign_flip_p([1, 1, 1, 1]) == 2 / 16
    assert sign_flip_p([1, 1, 1, -1]) == 10 / 16


def test_sign_flip_p__zeros_change_nothing():
    assert sign_flip_p([1, 1, 1, 1, 0, 0, 0]) == 2 / 16


def test_sign_flip_p__many_differences_match_the_binomial():
    differences = [1] * 30 + [-1] * 14
    tail = sum(math.comb(44, k) for k in range(30, 45)) / 2**44
    assert sign_flip_p(differences) == pytest.approx(2 * tail, abs=0.006)


def test_sign_flip_p__is_never_zero():
    assert 0 < sign_flip_p([1] * 100) < 0.001


def test_sign_flip_p__is_uniform_where_nothing_differs():
    rng = np.random.default_rng(5)
    found = [sign_flip_p(rng.normal(size=30), flips=400, seed=n) for n in range(200)]
    assert 0.02 <= np.mean(np.array(found) < 0.1) <= 0.18
