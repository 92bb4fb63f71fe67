from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from tests.helpers.traces import BAD, leave_traces, version
from visualsearch.analytics import experiment_comparison
from visualsearch.analytics.experiment_comparison import compare_variants
from visualsearch.analytics.experiment_verdicts import Verdict
from visualsearch.models import Event, Experiment, Query

pytestmark = pytest.mark.django_db

# A fixed time, so that the traces do not depend on the time of the run.
NOON = (timezone.now() - timedelta(days=1)).replace(hour=12, minute=0, second=0, microsecond=0)


def experiment(days=6.0, **values):
    fields = {"name": "New model", "version": version(), "ramp_hours": 24.0, **values}
    started = NOON - timedelta(days=days)
    return Experiment.objects.create(started=started, ramp_started=started, **fields)


def test_compare__only_its_own_rows_count():
    other = experiment(running=None, stopped=timezone.now())
    mine = experiment()
    leave_traces(until=NOON, days=8, per_day=60, experiment=other, seed=2)
    leave_traces(until=NOON, days=8, per_day=60, experiment=mine)
    found = compare_variants(mine)
    rows = Query.objects.filter(experiment=mine)
    assert found.control == rows.filter(variant="control").count() > 0
    assert found.treatment == rows.filter(variant="treatment").count() > 0
    clicked = Event.objects.filter(kind="click", query__in=rows.filter(variant="control"))
    share = clicked.values("query").distinct().count() / found.control
    assert found.signals[0].control.value == share
    assert found.signals[0].name == "clicked"


def test_compare__the_same_is_not_called_worse():
    mine = experiment()
    leave_traces(until=NOON, days=7, per_day=300, experiment=mine)
    found = compare_variants(mine)
    assert found.verdict != Verdict.WORSE
    assert not found.cut


def test_compare__a_bad_variant_is_seen_on_its_first_day():
    mine = experiment(days=1, ramp_hours=0, running=None, stopped=NOON)
    leave_traces(until=NOON, days=2, per_day=500, experiment=mine, treatment=BAD)
    found = compare_variants(mine)
    assert found.by_hour
    assert found.verdict == Verdict.WORSE
    worse = {each.name for each in found.signals if each.verdict == Verdict.WORSE}
    assert "p50" in worse
    assert "clicked" not in worse


def test_read__whom_nothing_is_known_of_is_somebody_else_each_time():
    mine = experiment()
    for visitor in ("", "", "ann", "ann"):
        Query.objects.create(experiment=mine, variant="control", visitor=visitor, vector=b"")
    visitors = list(experiment_comparison.read_arms(mine)[0]["control"].visitors)
    assert sorted(map(visitors.count, visitors)) == [1, 1, 2, 2]


def test_compare__of_nothing():
    found = compare_variants(experiment())
    assert (found.control, found.treatment, found.verdict) == (0, 0, Verdict.EARLY)
    assert all(each.treatment.value is None for each in found.signals)


def test_moments__click_through_by_day_until_it_was_stopped():
    stopped = NOON - timedelta(days=2)
    mine = experiment(days=6, running=None, stopped=stopped)
    leave_traces(until=NOON, days=6, per_day=60, experiment=mine)
    found = compare_variants(mine)
    assert len(found.moments) == 5
    assert not found.by_hour
    late = Query.objects.filter(experiment=mine, created__lt=found.moments[-1].start)
    before = sum(each.control.whole + each.treatment.whole for each in found.moments[:-1])
    assert before == late.count()


def test_compare__says_when_it_is_cut(monkeypatch):
    mine = experiment()
    leave_traces(until=NOON, days=6, per_day=30, experiment=mine)
    monkeypatch.setattr(experiment_comparison, "SAMPLE", 50)
    found = compare_variants(mine)
    assert found.cut
    assert found.control + found.treatment == 50


def test_compare__asks_no_more_for_more_rows():
    mine = experiment()
    leave_traces(until=NOON, days=6, per_day=30, experiment=mine)
    with CaptureQueriesContext(connection) as asked:
        compare_variants(mine)
    assert len(asked) == 3


def test_scores__of_two_fits_are_not_compared():
    mine = experiment()
    leave_traces(until=NOON, days=6, per_day=60, experiment=mine)
    assert "score" in {each.name for each in compare_variants(mine).signals}
    fitted = version()
    fitted.fit = {"chosen": "catalog"}
    fitted.save()
    treatment = Query.objects.filter(variant="treatment")
    treatment.update(index_version=fitted.pk)
    assert "score" not in {each.name for each in compare_variants(mine).signals}
    Query.objects.update(index_version=fitted.pk)
    assert "score" in {each.name for each in compare_variants(mine).signals}


def test_visitors__that_are_not_known_are_not_one():
    mine = experiment()
    leave_traces(until=NOON, days=6, per_day=60, experiment=mine)
    Query.objects.update(visitor="")
    interval = compare_variants(mine).signals[1].control.interval
    assert interval.high - interval.low < 0.15
