import gc
import tracemalloc
import uuid
from datetime import timedelta

import pytest
from django.core.files.base import ContentFile
from django.db import connection
from django.utils import timezone

from shop.models import Category, Product
from tests.helpers.at_once import at_once
from tests.helpers.pictures import encoded, picture
from tests.helpers.reindex import reindex
from visualsearch.catalogs import CatalogSource, catalog
from visualsearch.models import Embedding, Query, Revision, Run, RunChunk
from visualsearch.models.primary import atomic
from visualsearch.reindex import chunks, encoding, run_row, runs, scopes
from visualsearch.reindex.chunks import Claims

State = Run.State


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch, configure):
    configure(BATCH_SIZE=2, INDEX_THREADS=1)
    monkeypatch.setattr(chunks, "LEAST", 3)
    monkeypatch.setattr(chunks, "MOST_GONE", 3)


@pytest.fixture
def begun(sold):
    """A run over eight products whose chunks can be claimed."""
    run, _new = runs.request(Run.Scope.ALL)
    run_row.claim(run)
    encoding.prepare(run, scopes.encoder_for(run))
    return run


def bounds(chunk):
    return (chunk.after, chunk.upto) if chunk else None


def silent(**values):
    """Let the owners of all chunks be processes that have sent no heartbeat for long."""
    values |= {"heartbeat": timezone.now() - timedelta(hours=1)}
    RunChunk.objects.update(owner="elsewhere:1:x", **values)


def test_claim__each_chunk_once(begun):
    one, other = Claims(begun), Claims(begun)
    found = [bounds(claims.claim()) for claims in (one, other, one)]
    assert found == [("", "P2"), ("P2", "P5"), ("P5", "P7")]
    assert other.claim() is None
    one.release()
    assert bounds(other.claim()) == ("", "P2")


def test_claim__of_a_process_that_is_silent(begun):
    lost = Claims(begun).claim()
    chunks._held.clear()
    silent()
    claims = Claims(begun)
    chunk = claims.claim()
    assert bounds(chunk) == bounds(lost)
    assert (chunk.claims, chunk.lost) == (2, 1)
    # The first process wakes up.
    with pytest.raises(chunks.TakenOver):
        Claims(begun).confirm(lost)
    with pytest.raises(chunks.TakenOver):
        Claims(begun).advance(lost, "P2", 3, 1.0, {"encoded": 3})
    claims.advance(chunk, "P1", 2, 1.0, {"encoded": 2})


def test_claim__a_chunk_that_kills_its_processes(begun):
    """Its products are named, and the run ends."""
    for _ in range(chunks.MOST_LOST):
        assert Claims(begun).claim()
        chunks._held.clear()
        silent()
    with pytest.raises(chunks.Unworkable, match="from … to P2"):
        runs.execute(begun)
    begun.refresh_from_db()
    assert (begun.state, begun.open) == (State.FAILED, None)
    assert not RunChunk.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_claim__many_at_once(begun):
    if connection.vendor == "sqlite":
        pytest.skip("threads share SQLite's database in memory by locking each other out")
    claimed = at_once(lambda: Claims(begun).claim())
    found = [(chunk.part, *bounds(chunk)) for chunk in claimed]
    # Committed products were indexed at once, so they are also listed by their rows.
    ranges = [("", "P2"), ("P2", "P5"), ("P5", "P7")]
    assert sorted(found) == [(part, *each) for part in (1, 2) for each in ranges]


def test_prepare__by_a_process_that_was_frozen(sold):
    """Another process has prepared the run meanwhile, and items are done."""
    run, _new = runs.request(Run.Scope.ALL)
    run_row.claim(run)
    Run.objects.update(worker="", stage=Run.Stage.ENCODING, encoder="fake-1", part=1, done=3)
    with pytest.raises(chunks.TakenOver):
        encoding.prepare(run, scopes.encoder_for(run))
    with pytest.raises(chunks.TakenOver):
        run_row.close(run, State.FAILED)
    run.refresh_from_db()
    assert (run.state, run.done) == (State.RUNNING, 3)


def helped(times):
    """Return a callback by which another worker does all that it can, after some steps."""
    left = iter(range(times))

    def progress():
        if next(left, None) == times - 1:
            runs.execute(Run.objects.get(open=True))

    return progress


@pytest.mark.parametrize("after", [1, 2, 4])
def test_execute__two_workers(sold, after):
    sold[0].images.create(image=ContentFile(b"no picture", "bad.png"), position=1)
    run, _new = runs.request(Run.Scope.ALL)
    runs.execute(run, helped(after))
    assert (run.items, run.done, run.encoded, run.failed) == (8, 8, 8, 1)
    assert run.state == State.WITH_FAILURES
    assert run.version.images == Embedding.objects.searchable().count() == 8
    assert not RunChunk.objects.exists()
    again = reindex()
    assert (again.encoded, again.unchanged, again.failed) == (0, 8, 1)


def test_execute__for_some_seconds(sold):
    """However few they are, a step is done."""
    run, _new = runs.request(Run.Scope.ALL)
    joins, done = [], []
    while run.open:
        runs.execute(run, seconds=0, joined=lambda: joins.append(run.done))
        done.append(run.done)
    assert (run.state, run.encoded) == (State.FINISHED, 8)
    assert done[:5] == [2, 3, 5, 6, 8]
    assert len(joins) >= len(done)


def test_pause__when_the_last_worker_has_finished_its_batch(begun):
    claims = Claims(begun)
    held = claims.claim()
    runs.pause(begun)
    assert (begun.state, begun.wish) == (State.RUNNING, Run.Wish.PAUSE)
    runs.execute(Run.objects.get(pk=begun.pk))
    begun.refresh_from_db()
    assert begun.state == State.RUNNING
    assert claims.claim() is None
    claims.advance(held, "P0", 1, 1.0, {"encoded": 1})
    run_row.stop(begun, claims)
    assert (begun.state, begun.wish, begun.done) == (State.PAUSED, "", 1)
    runs.resume(begun)
    runs.execute(begun)
    assert (begun.state, begun.items, begun.done) == (State.FINISHED, 8, 8)


def test_items__are_exact_at_the_end(sold):
    reindex()
    Product.objects.filter(sku__in=["P1", "P6"]).update(published=False)
    run = reindex()
    assert (run.items, run.done, run.unchanged, run.removed) == (8, 8, 6, 2)
    Product.objects.update(published=True)
    run = reindex(Run.Scope.MISSING)
    assert (run.items, run.done, run.unchanged) == (2, 2, 2)
    run = reindex(Run.Scope.CHOSEN, keys=[*"abcdefgh", "P3", "P3"])
    assert (run.items, run.done, run.unchanged) == (9, 9, 1)


def test_execute__upgraded_from_the_release_before(sold):
    """That release did the items in another order, and had no chunks."""
    run, _new = runs.request(Run.Scope.ALL)
    left = {"cursor": "P4", "done": 5, "encoded": 5, "items": 8}
    left |= {"state": State.RUNNING, "stage": Run.Stage.ENCODING, "worker": "elsewhere:1:x"}
    Run.objects.update(**left, heartbeat=timezone.now())
    with pytest.raises(chunks.TakenOver):
        runs.execute(run)
    Run.objects.update(heartbeat=timezone.now() - timedelta(hours=1))
    runs.execute(run)
    assert (run.items, run.done, run.encoded) == (8, 8, 8)


def test_execute__worker_with_other_settings_does_not_help(begun, configure, caplog):
    Claims(begun).claim()
    configure(ENCODER_OPTIONS={"version": "2"})
    with pytest.raises(chunks.TakenOver):
        runs.execute(begun)
    assert "another model" in caplog.text
    assert not Embedding.objects.exists()


class Numbers(CatalogSource):
    model = Category


class Uuids(CatalogSource):
    model, key = Query, "id"


@pytest.mark.parametrize("source", [Numbers(), Uuids()], ids=["numbers", "UUIDs"])
def test_keys_between__in_pieces(db, source):
    if source.model is Category:
        made = [Category(pk=n, name=str(n), slug=str(n)) for n in (5, 9, 10, 11, 100)]
    else:
        made = [Query(pk=uuid.uuid4(), index_version=1) for _ in range(5)]
    source.model.objects.bulk_create(made)
    whole = source.visible_keys()
    pieces, last = [], ""
    while keys := source.keys_between(last, limit=2):
        pieces.append(keys)
        last = keys[-1]
    assert [len(keys) for keys in pieces] == [2, 2, 1]
    assert [key for keys in pieces for key in keys] == whole
    assert source.keys_between(whole[0], whole[3]) == whole[1:4]
    assert source.count_visible() == 5
    assert source.keys_visible([whole[2], "nothing"]) == {whole[2]}


def test_keys_between__a_key_that_a_join_repeats(sold, monkeypatch):
    for product in sold[:3]:
        product.images.create(image=ContentFile(encoded(picture(9), "PNG"), "x.png"), position=1)
    source = catalog()
    several = Product.objects.filter(images__position__gte=0)
    monkeypatch.setattr(type(source), "visible", lambda self: several)
    assert source.keys_between("", limit=3) == ["P0", "P1"]
    assert source.keys_between("P1", limit=3) == ["P2", "P3"]
    assert source.count_visible() == 8


def test_hold__ends_the_transaction_of_a_frozen_process(db, configure):
    if connection.vendor != "postgresql":
        pytest.skip("only PostgreSQL ends transactions")
    configure(RUN_TIMEOUT=7)
    with atomic():
        Revision.hold()
        with connection.cursor() as cursor:
            cursor.execute("SHOW idle_in_transaction_session_timeout")
            assert cursor.fetchone() == ("7s",)


def test_memory__does_not_grow_with_the_catalog(db, monkeypatch):
    """Products without pictures, so that only their keys and rows could cost memory."""
    monkeypatch.undo()
    category = Category.objects.create(name="Things")

    def peak(count):
        have = Product.objects.count()
        made = [
            Product(sku=f"S{n:06}", name="Thing", category=category, price=1)
            for n in range(have, count)
        ]
        Product.objects.bulk_create(made)
        del made
        run, _new = runs.request(Run.Scope.ALL)
        tracemalloc.start()
        runs.execute(run, gc.collect)  # or garbage of many steps would add up
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert run.done == count
        return found

    peak(1000)  # what is loaded once
    few, many = peak(2000), peak(10_000)
    assert many < 1.3 * few
