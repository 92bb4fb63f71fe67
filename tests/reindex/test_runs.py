import time
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone

from tests.helpers.at_once import at_once
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.encoders.fake import FakeEncoder
from visualsearch.models import Embedding, IndexVersion, Run, RunChunk, process_names
from visualsearch.reindex import chunks, embeddings, retries, run_row, runs, scopes, tasks
from visualsearch.versions import lifecycle

State, Wish = Run.State, Run.Wish


@pytest.fixture
def encodings(monkeypatch, configure):
    """The number of images per call of the encoder; assign ``hook`` to act in between.

    Encoding uses one thread, in which a hook can access the test's database.
    """
    configure(INDEX_THREADS=1)

    class Calls(list):
        hook = staticmethod(lambda calls: None)

    calls = Calls()
    encode = FakeEncoder.encode

    def counted(self, images):
        calls.append(len(images))
        calls.hook(calls)
        return encode(self, images)

    monkeypatch.setattr(FakeEncoder, "encode", counted)
    return calls


@pytest.fixture
def small_batches(configure):
    configure(BATCH_SIZE=2)


def requested(scope=Run.Scope.ALL, **values):
    return runs.request(scope, **values)[0]


class Killed(BaseException):
    """Ends a run without cleanup, as if its process were killed."""


def kill(run):
    """Leave a run as a killed process of another machine would."""
    run_row.working.clear()
    left = {"heartbeat": long_ago()}
    Run.objects.filter(pk=run.pk).exclude(worker="").update(worker="elsewhere:1:x")
    Run.objects.filter(pk=run.pk).update(**left)
    RunChunk.objects.exclude(owner="").update(owner="elsewhere:1:x", **left)


def killed_in_its_third_batch(encodings):
    """Return a run whose process dies in its third batch."""

    def die(calls):
        if len(calls) == 3:
            raise Killed

    encodings.hook = die
    run = requested()
    with pytest.raises(Killed):
        runs.execute(run)
    encodings.hook = lambda calls: None
    return run


def long_ago():
    return timezone.now() - timedelta(hours=1)


def test_execute__all(sold):
    run = reindex()
    assert run.state == State.FINISHED
    assert (run.items, run.done, run.encoded) == (8, 8, 8)
    assert run.version.state == IndexVersion.State.ACTIVE
    assert run.version.images == run.version.items == 8
    assert run.open is None
    assert run.rate > 0


def test_execute__with_failures_never_looks_like_success(sold):
    sold[2].images.create(image=ContentFile(b"no picture", "bad.png"), position=1)
    run = reindex()
    assert run.state == State.WITH_FAILURES
    assert (run.failed, run.encoded) == (1, 8)


def test_execute__removes_what_is_no_longer_sold(sold):
    reindex()
    type(sold[0]).objects.filter(sku__in=["P0", "P1"]).update(published=False)
    assert reindex().removed == 2


def test_execute__nothing_changed(sold, encodings):
    reindex()
    run = reindex()
    assert (run.encoded, run.unchanged, run.done) == (0, 8, 8)
    assert encodings == [8]


def test_execute__changed_picture_among_unchanged_ones(sold, encodings, small_batches):
    reindex()
    file = sold[3].images.get().image
    with file.storage.open(file.name, "wb") as stored:
        stored.write(encoded(picture(50), "PNG"))
    encodings.clear()
    run = reindex()
    assert (run.encoded, run.unchanged, run.done) == (1, 7, 8)
    assert encodings == [1]


def test_execute__missing(sold):
    embeddings.refresh_items(["P0", "P1", "P2"])
    sold[0].images.create(image=ContentFile(encoded(picture(20), "PNG"), "x.png"), position=1)
    run = reindex(Run.Scope.MISSING)
    assert (run.items, run.encoded, run.unchanged) == (6, 6, 1)


def test_execute__failed(sold):
    sold[2].images.create(image=ContentFile(b"no picture", "bad.png"), position=1)
    embeddings.refresh_items([product.sku for product in sold])
    run = reindex(Run.Scope.FAILED)
    assert (run.items, run.failed, run.unchanged) == (1, 1, 1)


def test_execute__chosen(sold):
    run = reindex(Run.Scope.CHOSEN, keys=["P5", "P2", "P5", "unknown"])
    assert (run.items, run.encoded) == (3, 2)
    assert set(Embedding.objects.values_list("item", flat=True)) == {"P2", "P5"}


def test_execute__what_stops_it_is_recorded(index_file, sold, monkeypatch):
    def broken(*args):
        raise OSError("no space left on device")

    reindex()
    monkeypatch.setattr("visualsearch.serving.index_files.write", broken)
    with pytest.raises(OSError, match="no space"):
        reindex()
    run = Run.objects.first()
    assert (run.state, run.open) == (State.FAILED, None)
    assert "no space" in run.error
    assert IndexVersion.objects.filter(state=IndexVersion.State.FAILED).count() == 1
    # The version that was active before stays active.
    assert IndexVersion.objects.filter(state=IndexVersion.State.ACTIVE).count() == 1


def test_request__one_at_a_time(sold):
    run = requested()
    assert runs.request(Run.Scope.FAILED) == (run, False)
    runs.execute(run)
    assert runs.request(Run.Scope.FAILED)[1]


@pytest.mark.django_db(transaction=True)
def test_request__many_at_once():
    if connection.vendor == "sqlite":
        pytest.skip("threads share SQLite's database in memory by locking each other out")
    found = at_once(lambda: runs.request(Run.Scope.ALL))
    assert len(found) == 6
    assert len({run.pk for run, _ in found}) == 1
    assert sum(new for _, new in found) == 1


def test_execute__a_killed_run_goes_on_where_it_was(sold, encodings, small_batches):
    run = killed_in_its_third_batch(encodings)
    run.refresh_from_db()
    assert (run.state, run.done, RunChunk.objects.earliest("pk").after) == (State.RUNNING, 4, "P3")
    kill(run)
    run.refresh_from_db()
    assert run.is_dead
    runs.execute(run)
    assert (run.state, run.items, run.done, run.encoded) == (State.FINISHED, 8, 8, 8)
    # Two batches, the interrupted one, its repetition, and the last.
    assert encodings == [2, 2, 2, 2, 2]
    assert IndexVersion.objects.count() == 1


@pytest.mark.parametrize("threads", [2, 3])
def test_execute__no_more_than_a_batch_is_encoded_before_it_is_stored(
    sold, encodings, configure, monkeypatch, threads
):
    configure(INDEX_THREADS=threads, BATCH_SIZE=3)
    write, ahead = embeddings.write_rows, []

    def counted(*args):
        time.sleep(0.05)  # time for threads to continue
        ahead.append(sum(encodings) - Embedding.objects.count())
        return write(*args)

    monkeypatch.setattr(embeddings, "write_rows", counted)
    assert reindex().encoded == 8
    assert ahead == [3, 3, 2]
    assert max(encodings) < 3  # distributed over the threads


def test_execute__a_killed_thread_ends_it(sold, encodings, configure):
    configure(INDEX_THREADS=2, BATCH_SIZE=4)
    run = killed_in_its_third_batch(encodings)
    run.refresh_from_db()
    assert (run.state, run.done, RunChunk.objects.earliest("pk").after) == (State.RUNNING, 4, "P3")
    kill(run)
    run.refresh_from_db()
    runs.execute(run)
    assert (run.state, run.encoded, run.version.images) == (State.FINISHED, 8, 8)


def test_execute__picture_added_after_it_looked(sold, monkeypatch):
    """Pictures of many items are looked up at once, but checked again when they are stored."""
    begin = scopes.begin_step

    def late(*args):
        if sold[0].images.count() == 1:
            content = ContentFile(encoded(picture(20), "PNG"), "x.png")
            sold[0].images.create(image=content, position=1)
        begin(*args)

    monkeypatch.setattr(scopes, "begin_step", late)
    assert reindex().encoded == 9


def test_execute__killed_while_building(sold, monkeypatch, encodings):
    def die(version, **options):
        raise Killed

    monkeypatch.setattr(lifecycle, "build", die)
    run = requested()
    with pytest.raises(Killed):
        runs.execute(run)
    kill(run)
    monkeypatch.undo()
    run.refresh_from_db()
    assert run.stage == Run.Stage.BUILDING
    runs.execute(run)
    assert run.state == State.FINISHED
    assert run.version.images == 8
    assert IndexVersion.objects.count() == 1


def test_execute__settings_changed_since_it_was_killed(sold, encodings, small_batches, configure):
    run = killed_in_its_third_batch(encodings)
    kill(run)
    configure(ENCODER_OPTIONS={"version": "2"})
    run.refresh_from_db()
    runs.execute(run)
    assert (run.version.encoder, run.version.images, run.encoded) == ("fake-2", 8, 8)


def test_execute__a_task_that_is_delivered_twice(sold):
    run = requested()
    other = Run.objects.get(pk=run.pk)
    run_row.claim(run)
    run_row.working.add(run.pk)
    try:
        with pytest.raises(chunks.TakenOver):
            runs.execute(other)
    finally:
        run_row.working.clear()
    runs.execute(other)
    with pytest.raises(chunks.TakenOver):
        runs.execute(run)


def test_execute__taken_over_by_another(sold, encodings, small_batches):
    """A process that was frozen for long stops when another has taken over its run."""
    run = requested()

    def freeze(calls):
        if len(calls) == 2:
            RunChunk.objects.update(owner="elsewhere:1:x", claims=2)

    encodings.hook = freeze
    with pytest.raises(chunks.TakenOver):
        runs.execute(run)
    # The batch in progress when it lost the run is not stored.
    assert Embedding.objects.count() == 2
    run.refresh_from_db()
    assert (run.state, run.done) == (State.RUNNING, 2)
    assert RunChunk.objects.earliest("pk").owner == "elsewhere:1:x"


@pytest.mark.parametrize(
    ("ask", "then"), [(runs.pause, State.PAUSED), (runs.cancel, State.CANCELLED)]
)
def test_wish__after_the_batch_in_flight(sold, encodings, small_batches, ask, then):
    run = requested()
    encodings.hook = lambda calls: len(calls) == 2 and ask(Run.objects.get(pk=run.pk))
    runs.execute(run)
    assert (run.state, run.wish, run.done) == (then, "", 4)
    assert Embedding.objects.count() == 4
    encodings.hook = lambda calls: None
    if then == State.PAUSED:
        with pytest.raises(chunks.TakenOver):
            runs.execute(run)  # a duplicate delivery of the task
        runs.resume(run)
        runs.execute(run)
        assert (run.state, run.encoded, run.version.images) == (State.FINISHED, 8, 8)
    else:
        assert run.open is None
        assert not IndexVersion.objects.filter(state=IndexVersion.State.BUILDING).exists()
        assert requested().pk != run.pk
    assert sum(encodings) == (8 if then == State.PAUSED else 4)


@pytest.mark.parametrize(
    ("ask", "then"), [(runs.pause, State.PAUSED), (runs.cancel, State.CANCELLED)]
)
def test_wish__nobody_works_on_it(db, ask, then):
    run = requested()
    ask(run)
    assert run.state == then
    if then == State.PAUSED:
        run_row.claim(run := Run.objects.get(pk=(runs.resume(run), run.pk)[1]))
        kill(run)
        run.refresh_from_db()
        runs.pause(run)
        assert run.state == State.PAUSED


def test_wish__of_a_run_that_ended(sold):
    run = reindex()
    for ask in (runs.pause, runs.cancel, runs.resume):
        with pytest.raises(runs.NotPossible, match="finished"):
            ask(run)


def test_is_dead__its_process_is_gone(db):
    run = requested()
    run_row.claim(run)
    assert not run.is_dead
    host, number, token = process_names.this_process().rsplit(":", 2)
    run.worker = f"{host}:{2**22 + 1}:{token}"  # above the largest process number
    assert run.is_dead
    run.worker = f"{host}:{number}:another"
    assert run.is_dead
    run.worker = f"other-host:{2**22 + 1}:{token}"
    assert not run.is_dead
    run.heartbeat = long_ago()
    assert run.is_dead


def test_write__unreadable_files_are_tried_again_later(sold):
    file = sold[2].images.get().image
    with file.storage.open(file.name) as stored:
        data = stored.read()
    file.storage.delete(file.name)
    before = timezone.now()
    for attempts, wait in enumerate(retries.RETRY_AFTER, 1):
        embeddings.refresh_items(["P2"])
        row = Embedding.objects.get(item="P2")
        assert row.attempts == attempts
        assert before + wait <= row.retry_at <= timezone.now() + wait
        assert retries.due_for_retry() == []
    embeddings.refresh_items(["P2"])
    row.refresh_from_db()
    assert row.retry_at is None  # no more automatic retries

    Embedding.objects.filter(pk=row.pk).update(attempts=1, retry_at=before)
    assert retries.due_for_retry() == ["P2"]
    with file.storage.open(file.name, "wb") as stored:
        stored.write(data)
    tasks.index_items(["P0"])
    assert set(Embedding.objects.searchable().values_list("item", flat=True)) == {"P0", "P2"}


def test_write__what_is_no_picture_is_not_tried_again(sold):
    sold[2].images.create(image=ContentFile(b"no picture", "bad.png"), position=1)
    embeddings.refresh_items(["P2"])
    assert Embedding.objects.exclude(error="").get().retry_at is None


def test_execute__the_active_versions_model_is_gone(sold):
    """Reindexing recovers from an upgrade that lost the folder of kept models."""
    reindex()
    IndexVersion.objects.update(encoder="gone-1", encoder_options={"version": "x"})
    Embedding.objects.update(encoder="gone-1")
    reindex()
    assert lifecycle.active_version().encoder == FakeEncoder().id
    assert Embedding.objects.filter(encoder=FakeEncoder().id).searchable().count() == len(sold)
