import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError as DatabaseAway
from kombu.exceptions import OperationalError

from tests.pictures import encoded, picture
from tests.reindex import reindex
from visualsearch import dispatch, tasks, versions
from visualsearch.exceptions import BackendUnavailable, ImageCorrupt, ItemNotFound
from visualsearch.models import Run
from visualsearch.photos import open_photo

PHOTO = encoded(picture(3))


@pytest.fixture
def indexed(sold):
    reindex()


@pytest.fixture
def with_workers(configure):
    """As if workers were there; nothing takes the messages."""
    configure(USE_CELERY=True)


def test_search__through_the_task(indexed):
    result = dispatch.search(PHOTO, limit=2)
    assert result.hits[0].item == "P3"
    assert "decode" in result.took_ms


def test_search__refusals_keep_their_kind(indexed):
    with pytest.raises(ImageCorrupt):
        dispatch.search(PHOTO[:300])
    with pytest.raises(ItemNotFound):
        dispatch.similar("NONE")
    with pytest.raises(ValidationError) as error:
        dispatch.search(PHOTO, filters={"min_price": "x"})
    assert error.value.message_dict.keys() == {"min_price"}


def test_to_send__without_workers_the_photo_itself():
    assert dispatch.to_send(PHOTO, (0, 0, 1, 1)) == (PHOTO, (0, 0, 1, 1))


def test_to_send__to_a_worker_a_small_upright_jpeg(with_workers):
    large = encoded(picture(3).resize((3000, 4000)))
    small, crop = dispatch.to_send(large, None)
    assert crop is None
    assert len(small) <= 160_000
    assert small.startswith(b"\xff\xd8")
    assert min(open_photo(small).image.size) >= 224


def test_to_send__to_a_worker_only_the_crop(with_workers):
    small, crop = dispatch.to_send(PHOTO, (0, 0, 0.5, 0.5))
    assert crop is None
    assert open_photo(small).image.size == (48, 64)


def test_to_send__what_is_no_photo_never_reaches_a_worker(with_workers):
    with pytest.raises(ImageCorrupt):
        dispatch.to_send(PHOTO[:300], None)


@pytest.mark.parametrize("error", [OperationalError, ConnectionRefusedError, RuntimeError])
def test_call__broker_down(with_workers, monkeypatch, error):
    def down(*args, **kwargs):
        raise error("down")

    monkeypatch.setattr(tasks.search_similar, "apply_async", down)
    with pytest.raises(BackendUnavailable):
        dispatch.similar("P1")


def test_call__a_fault_of_this_process_is_not_hidden(indexed, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr("visualsearch.searching.similar", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        dispatch.similar("P1")


def test_start__records_what_stopped_the_run(sold, monkeypatch):
    def broken(version):
        raise OSError("disk full")

    monkeypatch.setattr(versions, "build", broken)
    run = Run.objects.create()
    dispatch.start(run)
    run.refresh_from_db()
    assert (run.state, run.error) == (Run.State.FAILED, "disk full")


def test_index_run__is_done_once(sold):
    run = Run.objects.create()
    dispatch.start(run)
    built = Run.objects.get().version_id
    assert tasks.index_run(run.pk) == Run.State.FINISHED
    assert Run.objects.get().version_id == built


@pytest.mark.parametrize("eager", [True, False])
def test_index_run__database_away(sold, monkeypatch, eager):
    """A worker tries for long enough that a restarted database is back."""
    asked = []

    def away(run):
        raise DatabaseAway

    def retry(**options):
        asked.append(options)
        return options["exc"]

    monkeypatch.setattr(tasks.runs, "execute", away)
    monkeypatch.setattr(tasks.index_run, "retry", retry)
    run = Run.objects.create()
    tasks.index_run.push_request(is_eager=eager)
    try:
        with pytest.raises(DatabaseAway):
            tasks.index_run.run(run.pk)
    finally:
        tasks.index_run.pop_request()
    waited = [each["countdown"] * each["max_retries"] for each in asked]
    assert waited == ([] if eager else [3600])
