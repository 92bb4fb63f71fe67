"""Experiments and index versions: a tried version is kept; an activation ends the experiment."""

import logging
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import rebuild, reindex
from visualsearch.models import Embedding, Experiment, IndexVersion
from visualsearch.photos.decode import open_photo
from visualsearch.reindex import launch
from visualsearch.search import by_photo
from visualsearch.search.requests import SearchRequest
from visualsearch.versions import lifecycle


def running(version):
    return Experiment.objects.create(name="New model", version=version)


def states():
    return dict(IndexVersion.objects.values_list("pk", "state"))


@pytest.mark.parametrize(
    ("ramp_hours", "hours", "share"),
    [(0, -0.01, 0.5), (0, 0, 0.5), (10, -1, 0.01), (10, 0, 0.01), (10, 5, 0.255), (10, 99, 0.5)],
)
def test_share__grows_evenly_on_any_clock(ramp_hours, hours, share):
    experiment = Experiment(share=0.5, ramp_hours=ramp_hours)
    moment = experiment.ramp_started + timedelta(hours=hours)
    assert experiment.share_at(moment) == pytest.approx(share)


def test_share__a_small_one_is_never_exceeded():
    experiment = Experiment(share=0.005, ramp_hours=10)
    for hours in (0, 5, 99):
        assert experiment.share_at(experiment.ramp_started + timedelta(hours=hours)) == 0.005


@given(
    goals=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 99), st.floats(0, 99)), min_size=1),
)
def test_share__nobody_loses_the_treatment_unless_the_goal_is_lowered(goals):
    """A goal is a share, the hours to reach it, and the hours until the next goal is set."""
    experiment = Experiment(share=0.0, ramp_hours=0.0)
    moment = experiment.ramp_started
    for share, ramp_hours, later in goals:
        before = experiment.share_at(moment)
        experiment.go_on_from(before, moment)
        experiment.share, experiment.ramp_hours = share, ramp_hours
        seen = [experiment.share_at(moment + timedelta(hours=later * k / 4)) for k in range(5)]
        assert seen == sorted(seen)
        assert max(seen) <= share
        if share < before:
            assert seen[0] == share
        elif ramp_hours > 0:
            assert seen[0] == before
        moment += timedelta(hours=later)


def test_prune__leaves_the_version_of_a_running_experiment(sold, configure):
    configure(KEPT_VERSIONS=1)
    reindex()
    tried = rebuild()
    rebuild()
    tried.refresh_from_db()
    experiment = running(tried)
    for _ in range(3):
        version = lifecycle.create_version()
        lifecycle.build(version)
        lifecycle.delete_old_versions()
    assert states()[tried.pk] == "retired"
    IndexVersion.objects.filter(pk=tried.pk).update(state="ready")
    for _ in range(2):
        version = lifecycle.create_version()
        lifecycle.build(version)
        lifecycle.delete_old_versions()
    assert states()[tried.pk] == "ready"
    assert len(states()) == 3  # the active one, the one tried, and one that is ready
    experiment.stop()
    lifecycle.delete_old_versions()
    assert tried.pk not in states()


def test_prune__leaves_the_rows_of_its_model(sold, configure):
    reindex()
    configure(KEPT_VERSIONS=0, ENCODER_OPTIONS={"version": "2"})
    tried = lifecycle.create_version()
    IndexVersion.objects.filter(pk=tried.pk).update(state="ready")
    configure(ENCODER_OPTIONS={})
    launch.refresh_later([product.sku for product in sold])
    experiment = running(tried)
    lifecycle.delete_old_versions()
    assert Embedding.objects.filter(encoder="fake-2").count() == 8
    experiment.stop()
    lifecycle.delete_old_versions()
    assert not Embedding.objects.filter(encoder="fake-2").exists()


def test_experiment__finds_what_came_on_sale_while_it_runs(sold, sell, configure):
    reindex()
    configure(ENCODER_OPTIONS={"version": "2"})
    tried = reindex(activate=False).version
    running(tried)
    sell("new", picture(42))
    launch.refresh_later(["new"])
    photo = open_photo(encoded(picture(42)))
    for version, model in ((tried.pk, "fake-2"), (None, "fake-1")):
        result = by_photo.search(photo, SearchRequest(limit=1, version=version))
        assert (result.model, result.hits[0].item) == (model, "new")


@pytest.mark.parametrize("its_own", [True, False])
def test_activate__ends_the_experiment(sold, caplog, its_own):
    tried = reindex().version
    rebuild()
    other = lifecycle.create_version()
    lifecycle.build(other)
    tried.refresh_from_db()
    experiment = running(tried)
    version = tried if its_own else other
    with caplog.at_level(logging.WARNING):
        lifecycle.activate(version)
    experiment.refresh_from_db()
    assert experiment.running is None
    assert experiment.stopped == IndexVersion.objects.get(pk=version.pk).activated
    assert "The experiment ended" in caplog.text


def test_activate__what_is_not_complete_ends_nothing(sold):
    tried = reindex().version
    rebuild()
    experiment = running(tried)
    with pytest.raises(lifecycle.NotUsable):
        lifecycle.activate(lifecycle.create_version())
    experiment.refresh_from_db()
    assert experiment.running
