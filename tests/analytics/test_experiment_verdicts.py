import math

import numpy as np
import pytest

from visualsearch.analytics.experiment_verdicts import SIGNALS, Arm, Verdict, judge, signals
from visualsearch.analytics.statistics import UNKNOWN, Interval


def arm(
    seed=0,
    *,
    n=1500,
    clicks=0.15,
    matched=0.7,
    empty=0.02,
    median=40.0,
    score=0.7,
    failing=0.02,
    encoder="m-1",
    per_visitor=1,
):
    """Return a variant with ``n`` random searches at these rates."""
    rng = np.random.default_rng(seed)
    return Arm(
        created=np.arange(float(n)) * 60,
        visitors=2 * (np.arange(n) // per_visitor) + seed % 2,
        scales=frozenset([encoder] if n else []),
        clicked=rng.random(n) < clicks,
        matched=rng.random(n) < matched,
        empty=rng.random(n) < empty,
        scores=rng.normal(score, 0.1, n),
        spent=rng.lognormal(math.log(median), 0.4, n),
        refused=60 * np.flatnonzero(rng.random(n) < failing).astype(float),
    )


def verdicts(control, treatment):
    return {each.name: each.verdict for each in signals(control, treatment)}


def first(whole, n):
    """Return a variant after its first n searches."""
    part = slice(n)
    return Arm(
        created=whole.created[part],
        visitors=whole.visitors[part],
        scales=whole.scales,
        clicked=whole.clicked[part],
        matched=whole.matched[part],
        empty=whole.empty[part],
        scores=whole.scores[part],
        spent=whole.spent[part],
        refused=whole.refused[whole.refused < 60 * n],
    )


@pytest.mark.parametrize(
    ("low", "high", "good", "verdict"),
    [
        (0.01, 0.05, 1, Verdict.BETTER),
        (0.01, 0.05, -1, Verdict.WORSE),
        (-0.05, -0.01, 1, Verdict.WORSE),
        (-0.05, -0.01, -1, Verdict.BETTER),
        (-0.01, 0.05, 1, Verdict.SAME),
        (-0.05, 0.01, -1, Verdict.SAME),
        (-0.05, 0.05, 1, Verdict.EARLY),
    ],
)
def test_judge(low, high, good, verdict):
    assert judge(Interval(low=low, high=high), good=good, margin=0.02) == verdict
    assert judge(UNKNOWN, good=good, margin=0.02) == Verdict.EARLY


def test_judge__a_tolerated_loss_is_no_reason_to_stop():
    slower = Interval(low=0.01, high=0.03)
    assert judge(slower, good=-1, margin=0.05, tolerance=0.05) == Verdict.SAME
    far = Interval(low=0.06, high=0.08)
    assert judge(far, good=-1, margin=0.05, tolerance=0.05) == Verdict.WORSE


def test_signals__of_nothing_it_is_too_early_to_say():
    found = signals(arm(n=0), arm(n=0))
    assert {each.verdict for each in found} == {Verdict.EARLY}
    assert found[0].control.value is None
    assert set(verdicts(arm(), arm(n=20)).values()) == {Verdict.EARLY}


def test_signals__are_as_many_as_the_error_is_divided_by():
    assert len(signals(arm(), arm())) == SIGNALS


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("clicked", {"clicks": 0.08}),
        ("matched", {"matched": 0.6}),
        ("empty", {"empty": 0.08}),
        ("failures", {"failing": 0.1}),
        ("p50", {"median": 70.0}),
        ("p95", {"median": 70.0}),
        ("score", {"score": 0.62}),
    ],
)
def test_signals__each_tells_its_own_kind_of_worse(name, change):
    assert verdicts(arm(1), arm(2, **change))[name] == Verdict.WORSE
    assert verdicts(arm(1, **change), arm(2))[name] == Verdict.BETTER


def test_signals__values_and_intervals():
    found = {each.name: each for each in signals(arm(1), arm(2, median=60.0))}
    p50, clicked = found["p50"], found["clicked"]
    assert p50.control.value == pytest.approx(40, abs=2)
    assert p50.control.interval.low < 40 < p50.control.interval.high
    assert p50.difference.low < 20 < p50.difference.high
    assert clicked.difference.low < 0 < clicked.difference.high
    assert clicked.treatment.value == pytest.approx(0.15, abs=0.03)


def test_signals__a_little_slower_is_no_worse():
    many = {"n": 20_000}
    assert verdicts(arm(1, **many), arm(2, median=43.0, **many))["p50"] == Verdict.SAME


def test_scores__of_two_models_are_not_compared():
    assert "score" not in verdicts(arm(1), arm(2, encoder="m-2"))


def test_visitors__who_search_often_count_once():
    rng = np.random.default_rng(3)

    def often(chance, seed=4):
        likes = np.repeat(rng.random(100) < chance, 15)
        base = arm(seed, per_visitor=15)
        return Arm(**{**vars(base), "clicked": likes})

    control, treatment = often(0.32), often(0.14, 5)
    found = signals(control, treatment)[0]
    assert found.control.interval.high - found.control.interval.low > 0.12
    assert found.verdict == Verdict.EARLY
    alone = Arm(**{**vars(control), "visitors": np.arange(1500)})
    others = Arm(**{**vars(treatment), "visitors": np.arange(1500, 3000)})
    assert signals(alone, others)[0].verdict == Verdict.WORSE


def test_no_worse__is_seldom_called_worse_at_any_time():
    wrong = 0
    for run in range(60):
        control, treatment = arm(2 * run + 100, n=1000), arm(2 * run + 101, n=1000)
        wrong += any(
            Verdict.WORSE in verdicts(first(control, n), first(treatment, n)).values()
            for n in range(50, 1001, 50)
        )
    # The error rate is at most 5 %; then more than 7 of 60 have a probability of 1 %.
    assert wrong <= 7


def test_worse__is_seen_by_early_signals_before_clicks_tell():
    control, treatment = arm(7), arm(8, clicks=0.11, matched=0.4, median=70.0)
    early = verdicts(first(control, 200), first(treatment, 200))
    assert early["matched"] == early["p50"] == Verdict.WORSE
    assert early["clicked"] == Verdict.EARLY
