from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from shop.models import Category
from tests.helpers.traces import at_their_time, leave_traces
from visualsearch.analytics import insights as module
from visualsearch.analytics.insights import Period, insights
from visualsearch.models import Event, Query, Refusal, Storefront

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 3, 18, 12, 30, tzinfo=UTC)


@pytest.fixture(autouse=True)
def utc(settings):
    settings.TIME_ZONE = "UTC"


def searched(hours_ago=1.0, *, events=(), **values):
    """Create a search some hours before noon, with events given as (kind, rank)."""
    fields = {"best_score": 0.8, "matched": True, "took_ms": {"total": 40.0, "encode": 30.0}}
    fields |= {"shown": {"A": 1, "B": 2}, "encoder": "fake-1", "vector": b""}
    with at_their_time():
        moment = NOON - timedelta(hours=hours_ago)
        query = Query.objects.create(**{**fields, "created": moment, **values})
        for kind, rank in events:
            item = {1: "A", 2: "B"}[rank]
            Event.objects.create(query=query, kind=kind, item=item, rank=rank, created=moment)
    return query


def refused(code, hours_ago=1.0, **values):
    with at_their_time():
        Refusal.objects.create(code=code, created=NOON - timedelta(hours=hours_ago), **values)


def of_days(days, **values):
    return insights(Period.last(days, now=NOON, **values))


def test_period__the_last_24_hours_by_hour():
    period = Period.last(1, now=NOON)
    assert period.by_hour
    assert (len(period.steps), period.steps[0].hour, period.steps[-1].hour) == (24, 13, 12)
    assert period.before().end == NOON - timedelta(days=1)


def test_period__days_are_those_of_the_people_there(settings):
    settings.TIME_ZONE = "Europe/Paris"
    spring = datetime(2026, 3, 30, 12, 0, tzinfo=UTC)  # daylight saving began on the 29th
    period = Period.last(7, now=spring)
    assert len(period.steps) == 7
    assert {timezone.localtime(start).hour for start in period.steps} == {0}
    assert period.before().end == spring - timedelta(days=7)


def test_totals__and_those_of_the_period_before():
    searched(1, events=[("view", 1), ("view", 2), ("click", 1), ("click", 2)])
    searched(2, matched=False, events=[("view", 1)])
    searched(3, matched=False, best_score=None, shown={})
    refused("image_corrupt")
    searched(24 * 7 + 1)
    found = of_days(7)
    totals = found.totals
    assert (totals.searches, totals.matched, totals.without_result) == (3, 1, 1)
    assert totals.events == {"view": 2, "click": 1}
    assert totals.share(totals.clicked).value == pytest.approx(1 / 3)
    assert totals.failures.value == 0.25
    assert found.before.searches == 1
    assert of_days(1).before is None


def test_period__begins_and_ends_where_it_says():
    searched(24 * 6 + 12.4)  # the first midnight has just been
    searched(24 * 6 + 12.6)
    searched(-0.1)
    assert of_days(7).totals.searches == 1


def test_steps__searches_and_times_by_day():
    searched(1, took_ms={"total": 10.0})
    searched(2, took_ms={"total": 30.0}, matched=False)
    searched(49, took_ms={})
    steps = of_days(7).steps
    assert [step.searches for step in steps] == [0, 0, 0, 0, 1, 0, 2]
    assert [step.matched for step in steps] == [0, 0, 0, 0, 1, 0, 1]
    assert (steps[-1].p50, steps[-1].p95) == (20.0, 29.0)
    assert steps[4].p50 is None


def test_steps__by_hour():
    searched(0.2)
    searched(3.2)
    searched(3.3)
    assert [step.searches for step in of_days(1).steps][-5:] == [0, 2, 0, 0, 1]


def test_ranks__clicked_of_shown():
    searched(1, events=[("click", 2)])
    searched(2, events=[("click", 2), ("click", 1), ("view", 1)])
    searched(3, shown={"A": 1})
    searched(4, shown={f"P{n}": n for n in range(1, 30)})
    ranks = of_days(7).ranks
    assert len(ranks) == 12
    assert [(each.clicks.part, each.clicks.whole) for each in ranks[:3]] == [(1, 4), (2, 3), (0, 1)]


def test_scores__matched_and_not_without_gaps():
    searched(1, best_score=0.31, matched=False)
    searched(2, best_score=0.45)
    searched(3, best_score=1.0)
    searched(4, best_score=None)
    found = of_days(7).scores
    assert [(each.low, each.matched, each.unmatched) for each in found][:4] == [
        (0.3, 0, 1),
        (0.35, 0, 0),
        (0.4, 0, 0),
        (0.45, 1, 0),
    ]
    assert (found[-1].low, found[-1].matched) == (0.95, 1)


def test_stages__mean_of_those_that_went_through():
    searched(1, took_ms={"encode": 10.0, "total": 10.0})
    searched(2, took_ms={"encode": 20.0, "index": 4.0, "total": 24.0})
    found = of_days(7)
    assert found.stages == {"encode": 15.0, "total": 17.0, "index": 4.0}
    assert found.p50 == 17.0


def test_unsold__classes_that_are_asked_for(sell):
    sell("P1", category="Shirts")
    for label, probability in [("hat", 0.9), ("hat", 0.5), ("hat", 0.4), ("shirt", 1.0)]:
        searched(1, predictions=[{"label": label, "probability": probability}])
    searched(1, predictions=[])
    assert of_days(7).unsold == [("hat", 2)]
    sell("P2", category="Hats")
    assert of_days(7).unsold == []


def test_unsold__is_not_told_by_a_catalog_that_knows_no_class():
    assert not Category.objects.exists()
    searched(1, predictions=[{"label": "hat", "probability": 0.9}])
    assert of_days(7).unsold == []


def test_refusals__by_code():
    for code in ("image_corrupt", "image_too_large", "image_too_large"):
        refused(code)
    refused("old_one", hours_ago=999)
    assert of_days(7).refusals == [("image_too_large", 2), ("image_corrupt", 1)]


def test_storefront__only_its_own():
    shop = Storefront(name="app")
    shop.new_key()
    shop.save()
    searched(1, storefront=shop, events=[("click", 1)])
    searched(2, events=[("click", 2)])
    refused("image_corrupt", storefront=shop)
    refused("image_too_large")
    found = of_days(7, storefront=shop.pk)
    assert (found.totals.searches, found.totals.clicked) == (1, 1)
    assert found.refusals == [("image_corrupt", 1)]
    assert [each.clicks.part for each in found.ranks] == [1, 0]
    assert of_days(7).totals.searches == 2


def test_sample__says_when_it_is_cut(monkeypatch):
    searched(1, took_ms={"total": 10.0}, events=[("click", 2)])
    searched(2, took_ms={"total": 90.0}, events=[("click", 1)])
    assert not of_days(7).cut
    monkeypatch.setattr(module, "SAMPLE", 1)
    found = of_days(7)
    assert found.cut
    assert (found.sampled, found.totals.searches, found.p50) == (1, 2, 10.0)
    assert [(each.clicks.part, each.clicks.whole) for each in found.ranks] == [(0, 1), (1, 1)]


def test_insights__of_nothing():
    found = of_days(30)
    assert (found.totals.searches, found.before, found.ranks, found.scores) == (0, None, [], [])
    assert found.totals.share(0).value is None
    assert len(found.steps) == 30


def test_insights__asks_no_more_for_more_rows(sell):
    sell("P1")
    counts = []
    for seed in (1, 2):
        leave_traces(days=3, per_day=20 * seed, seed=seed)
        with CaptureQueriesContext(connection) as asked:
            insights(Period.last(7, now=timezone.now()))
        counts.append(len(asked))
    assert counts[0] == counts[1] <= 15
