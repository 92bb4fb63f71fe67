import io

import pytest
from django.core.exceptions import ValidationError
from django.db import OperationalError as DatabaseAway
from kombu.exceptions import OperationalError

from tests.helpers.busy import searches_running
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.exceptions import BackendUnavailable, ImageCorrupt, ItemNotFound, Overloaded
from visualsearch.models import Run
from visualsearch.reindex import launch, tasks
from visualsearch.search.requests import SearchRequest, SimilarRequest
from visualsearch.search_queue import dispatch, heartbeat, redis_queue
from visualsearch.versions import lifecycle

PHOTO = encoded(picture(3))


@pytest.fixture
def indexed(sold):
    reindex()


@pytest.fixture
def with_workers(configure, redis_server, monkeypatch):
    """Pretend that a search worker is alive; its messages are not consumed."""
    monkeypatch.setattr(heartbeat, "SILENCE", 600)  # one heartbeat lasts for the whole test
    configure(USE_CELERY=True, REDIS_URL=redis_server.url)
    heartbeat.Heartbeat("worker", lambda: None).beat()


def test_search__with_the_time_of_each_stage(indexed):
    result = dispatch.search(dispatch.decode_photo(PHOTO), SearchRequest(limit=2))
    assert result.hits[0].item == "P3"
    stages = ["decode", "encode", "index", "products"]
    assert sorted(set(result.took_ms) - {"total"}) == stages
    assert result.took_ms["total"] == pytest.approx(
        sum(result.took_ms[k] for k in stages), abs=0.01
    )


def test_search__refusals_keep_their_kind(indexed):
    with pytest.raises(ImageCorrupt):
        dispatch.search(dispatch.decode_photo(PHOTO[:300]), SearchRequest())
    with pytest.raises(ItemNotFound):
        dispatch.similar(SimilarRequest(item="NONE"))
    with pytest.raises(ValidationError) as error:
        dispatch.search(dispatch.decode_photo(PHOTO), SearchRequest(filters={"min_price": "x"}))
    assert error.value.message_dict.keys() == {"min_price"}


def test_search__warnings_of_the_decoder(indexed):
    frames = [picture(3), picture(4)]
    file = io.BytesIO()
    frames[0].save(file, "GIF", save_all=True, append_images=frames[1:])
    assert dispatch.search(dispatch.decode_photo(file.getvalue()), SearchRequest()).warnings == [
        "animation_first_frame"
    ]


def test_search__what_is_no_photo_never_reaches_a_worker(with_workers, monkeypatch):
    monkeypatch.setattr(redis_queue, "post", lambda *args: pytest.fail("a job was posted"))
    with pytest.raises(ImageCorrupt):
        dispatch.search(dispatch.decode_photo(PHOTO[:300]), SearchRequest())


def test_search__no_worker(configure, redis_server, monkeypatch):
    """A search without a worker is rejected before any work is done."""
    monkeypatch.setattr(dispatch, "open_photo", lambda *args, **kw: pytest.fail("was decoded"))
    monkeypatch.setattr(redis_queue, "wait", lambda *args: pytest.fail("was waited for"))
    configure(USE_CELERY=True, REDIS_URL=redis_server.url)
    with pytest.raises(BackendUnavailable):
        dispatch.search(dispatch.decode_photo(PHOTO), SearchRequest())
    with redis_server.client() as client:
        assert client.keys("visualsearch:*") == []


@pytest.mark.parametrize("error", [OperationalError, ConnectionRefusedError, RuntimeError])
def test_refresh__broker_down(with_workers, monkeypatch, error):
    asked = []

    def down(*args, **kwargs):
        asked.append(args)
        raise error("down")

    monkeypatch.setattr(tasks.index_items, "apply_async", down)
    with pytest.raises(BackendUnavailable):
        launch.refresh_later(["P1"])
    assert len(asked) == 2  # one retry, as a pooled connection may predate a restart


def test_refresh__connection_of_before_a_restart(with_workers, monkeypatch):
    answers = [OperationalError("closed"), None]

    def once(*args, **kwargs):
        if error := answers.pop(0):
            raise error

    monkeypatch.setattr(tasks.index_items, "apply_async", once)
    launch.refresh_later(["P1"])
    assert not answers


def test_search__one_too_many(indexed, configure):
    configure(MAX_QUEUE=2)
    with searches_running(2), pytest.raises(Overloaded):
        dispatch.search(dispatch.decode_photo(PHOTO), SearchRequest())
    assert dispatch.search(dispatch.decode_photo(PHOTO), SearchRequest()).hits[0].item == "P3"


def test_search__a_refusal_gives_its_place_back(indexed, configure):
    configure(MAX_QUEUE=1)
    for _ in range(3):
        with pytest.raises(ImageCorrupt):
            dispatch.search(dispatch.decode_photo(PHOTO[:300]), SearchRequest())
    assert dispatch.search(dispatch.decode_photo(PHOTO), SearchRequest()).hits[0].item == "P3"


def test_search__database_away(indexed, monkeypatch):
    def away(*args, **kwargs):
        raise DatabaseAway

    monkeypatch.setattr("visualsearch.serving.loaded_versions.current", away)
    with pytest.raises(BackendUnavailable):
        dispatch.search(dispatch.decode_photo(PHOTO), SearchRequest())


def test_search__a_fault_of_this_process_is_not_hidden(indexed, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("a bug")

    monkeypatch.setattr("visualsearch.search.similar_items.find_similar", broken)
    with pytest.raises(RuntimeError, match="a bug"):
        dispatch.similar(SimilarRequest(item="P1"))


def test_start__records_what_stopped_the_run(sold, monkeypatch):
    def broken(version, **options):
        raise OSError("disk full")

    monkeypatch.setattr(lifecycle, "build", broken)
    run = Run.objects.create()
    launch.start_run(run)
    run.refresh_from_db()
    assert (run.state, run.error) == (Run.State.FAILED, "disk full")


def test_index_run__is_done_once(sold):
    run = Run.objects.create()
    launch.start_run(run)
    built = Run.objects.get().version_id
    assert tasks.index_run(run.pk) == Run.State.FINISHED
    assert Run.objects.get().version_id == built


@pytest.mark.parametrize("eager", [True, False])
def test_index_run__database_away(sold, monkeypatch, eager):
    """A task is retried for long enough to survive a restart of the database."""
    asked = []

    def away(run, **options):
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
    # The invitation of the task may have expired when it is retried.
    assert all(each["args"] == (run.pk,) for each in asked)
    waited = [each["countdown"] * each["max_retries"] for each in asked]
    assert waited == ([] if eager else [3600])
