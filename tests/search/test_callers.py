from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.utils import timezone

from tests.api.test_search import PHOTO, upload
from tests.helpers.pictures import picture
from tests.helpers.reindex import rebuild, reindex
from visualsearch.exceptions import IndexNotReady
from visualsearch.models import Experiment, IndexVersion, Query, Refusal, running_experiment
from visualsearch.photos.decode import Photo
from visualsearch.search import by_photo, later_pages
from visualsearch.search.callers import Caller, pseudonym
from visualsearch.search.requests import PageRequest, SearchRequest
from visualsearch.serving import index_files, loaded_versions
from visualsearch.versions import lifecycle

PEOPLE = [f"visitor {n}" for n in range(400)]


@pytest.fixture
def experiment(sold):
    """An experiment with the version before the active one for half of the visitors, no ramp."""
    treatment = reindex().version
    rebuild()
    running_experiment.forget_experiment()
    return Experiment.objects.create(
        name="older", version=treatment, share=0.5, ramp_hours=0, salt="a"
    )


def search(place="somebody", **values):
    by_photo.search(Photo(image=picture(3)), SearchRequest(caller=Caller(place=place, **values)))
    return Query.objects.latest("created")


def treated(experiment, moment=None):
    return {each for each in PEOPLE if experiment.has(each, moment or timezone.now())}


def test_share__is_kept(experiment):
    assert len(treated(experiment)) == pytest.approx(200, abs=40)
    for share, count in ((0.0, 0), (1.0, 400)):
        experiment.share = share
        assert len(treated(experiment)) == count


def test_share__grows_and_nobody_goes_back(experiment):
    experiment.ramp_hours = 10
    before, start = set(), experiment.ramp_started
    for hours in (0, 2, 5, 8, 10, 100):
        now = treated(experiment, start + timedelta(hours=hours))
        assert before <= now
        before = now
    assert experiment.share_at(start) == 0.01
    assert experiment.share_at(start + timedelta(hours=5)) == pytest.approx(0.255)
    assert experiment.share_at(start + timedelta(hours=11)) == 0.5
    assert len(before) == pytest.approx(200, abs=40)


def test_share__another_experiment_divides_anew(experiment):
    other = Experiment(share=0.5, ramp_hours=0, salt="b")
    assert len(treated(experiment) & treated(other)) == pytest.approx(100, abs=40)


def test_search__each_visitor_has_one_version(experiment):
    active = lifecycle.active_version().pk
    seen = {}
    for place in PEOPLE[:20] * 2:
        query = search(place)
        expected = experiment.has(place, timezone.now())
        assert query.variant == ("treatment" if expected else "control")
        assert query.index_version == (experiment.version_id if expected else active)
        assert query.experiment == experiment
        assert seen.setdefault(place, query.variant) == query.variant
    assert set(seen.values()) == {"treatment", "control"}


def test_search__whom_nothing_tells_apart_has_the_active_version(experiment):
    query = search("")
    assert (query.variant, query.experiment) == ("", None)
    assert query.index_version == lifecycle.active_version().pk


def test_search__a_stopped_experiment_has_nobody(experiment):
    place = next(iter(treated(experiment)))
    assert search(place).variant == "treatment"
    experiment.stop()
    running_experiment.forget_experiment()  # or a second later
    query = search(place)
    assert (query.variant, query.index_version) == ("", lifecycle.active_version().pk)


def test_search__a_stop_is_felt_within_a_second(experiment, monkeypatch):
    place = next(iter(treated(experiment)))
    assert search(place).variant == "treatment"
    experiment.stop()
    assert running_experiment.CACHED_FOR <= 1
    later = running_experiment.time.monotonic() + running_experiment.CACHED_FOR + 0.1
    monkeypatch.setattr(running_experiment.time, "monotonic", lambda: later)
    assert search(place).variant == ""


@pytest.mark.parametrize("warm", [True, False])
def test_search__a_treatment_that_cannot_be_loaded_leaves_nobody_without_an_answer(
    experiment, warm
):
    place = next(iter(treated(experiment)))
    loaded_versions.unload_all()
    if warm:
        by_photo.warm_up()
    IndexVersion.objects.filter(pk=experiment.version_id).update(
        encoder="gone", encoder_class="nowhere.Encoder"
    )
    query = search(place)
    assert (query.variant, query.index_version) == ("", lifecycle.active_version().pk)
    row = Refusal.objects.get()
    assert (row.code, row.variant, row.experiment) == ("model_unavailable", "treatment", experiment)


def test_search__a_damaged_treatment_is_made_good(experiment, index_file):
    place = next(iter(treated(experiment)))
    (index_files.folder() / experiment.version.file).write_bytes(b"torn")
    loaded_versions.unload_all()
    assert search(place).variant == "treatment"


def test_page__stays_with_the_treatment(experiment):
    place = next(iter(treated(experiment)))
    result = by_photo.search(Photo(image=picture(3)), SearchRequest(caller=Caller(place=place)))
    assert result.index_version == experiment.version_id
    assert (
        later_pages.later_page(PageRequest(query_id=result.query_id)).index_version
        == experiment.version_id
    )
    lifecycle.delete_version(experiment.version)
    assert (
        later_pages.later_page(PageRequest(query_id=result.query_id)).index_version
        == lifecycle.active_version().pk
    )


def test_live__an_experiment_s_version_stays_loaded(experiment, monkeypatch):
    place = next(iter(treated(experiment)))
    search(place)
    loaded = loaded_versions.in_memory(experiment.version_id)
    later = loaded_versions.time.monotonic() + loaded_versions.IDLE_SECONDS + 1
    monkeypatch.setattr(loaded_versions.time, "monotonic", lambda: later)
    loaded_versions.current()
    assert loaded_versions.in_memory(experiment.version_id) is loaded


def test_experiment__one_at_a_time(experiment):
    with pytest.raises(IntegrityError), transaction.atomic():
        Experiment.objects.create(name="second", version=experiment.version)
    experiment.stop()
    Experiment.objects.create(name="second", version=experiment.version)


def test_current__without_waiting_needs_a_version_that_is_there(sold):
    reindex()
    with pytest.raises(IndexNotReady):
        loaded_versions.current(10_000, wait=False)


def test_caller__by_name_by_login_and_by_address(client, experiment):
    user = User.objects.create_user("customer")
    upload(client, PHOTO)
    assert Query.objects.latest("created").visitor == ""
    assert Query.objects.latest("created").variant != ""
    upload(client, PHOTO, visitor="basket 17")
    named = Query.objects.latest("created").visitor
    assert named == pseudonym("visitor", "basket 17")
    assert "17" not in named or len(named) == 32
    client.force_login(user)
    upload(client, PHOTO)
    assert Query.objects.latest("created").visitor == pseudonym("user", user.pk)


def test_pseudonym__depends_on_the_secret_and_the_storefront(settings):
    one = pseudonym("visitor", "x")
    assert one == pseudonym("visitor", "x") != pseudonym("user", "x")
    assert one != pseudonym("visitor", "x", 1)
    settings.SECRET_KEY = "another"
    assert one != pseudonym("visitor", "x")


def test_search__two_encoders_side_by_side(sold, shipped_model, configure):
    treatment = reindex().version
    configure(ENCODER="visualsearch.encoders.fake.FakeEncoder", ENCODER_OPTIONS={})
    control = reindex().version
    assert control.encoder != treatment.encoder
    experiment = Experiment.objects.create(version=treatment, share=0.5, ramp_hours=0)
    running_experiment.forget_experiment()
    for version, place in (
        (treatment, next(each for each in PEOPLE if experiment.has(each, timezone.now()))),
        (control, next(each for each in PEOPLE if not experiment.has(each, timezone.now()))),
    ):
        result = by_photo.search(
            Photo(image=picture(3)), SearchRequest(limit=2, caller=Caller(place=place))
        )
        assert (result.model, result.index_version) == (version.encoder, version.pk)
        assert result.hits[0].item == "P3"
        page = later_pages.later_page(PageRequest(query_id=result.query_id, offset=2))
        assert (page.model, page.index_version) == (version.encoder, version.pk)
        if version == treatment:  # only this version can search by parts of a photo
            part = later_pages.later_page(
                PageRequest(query_id=result.query_id, crop=(0, 0, 0.9, 0.9))
            )
            assert part.hits[0].item == "P3"
