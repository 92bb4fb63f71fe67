import pytest

from tests.pictures import picture
from tests.reindex import rebuild, reindex
from visualsearch import conf, index_files, indexing, live
from visualsearch.exceptions import IndexNotReady
from visualsearch.models import Embedding, IndexVersion


def current():
    return live.current()


def test_current__nothing_indexed(db):
    with pytest.raises(IndexNotReady):
        current()


def test_current__follows_changes_on_top_of_its_snapshot(sold):
    reindex()
    assert current().items == 8
    same = current().index
    sold[0].delete()
    indexing.refresh(["P0"])
    assert (len(current().index), current().items) == (7, 7)
    assert current().index is same


def test_current__another_process_sees_what_it_missed(sold):
    reindex()
    sold[0].delete()
    indexing.refresh(["P0"])
    live.forget()  # as a process does that starts now
    assert len(current().index) == 7


def test_current__follows_an_activation(sold):
    reindex()
    before = current().version
    version = rebuild()
    assert current().version == version.pk != before


def test_current__every_flipped_bit_is_noticed_and_made_good(sold):
    version = reindex().version
    path = index_files.folder() / version.file
    good = path.read_bytes()
    wanted = ids_and_vectors(current())
    for place in range(0, len(good), len(good) // 20):
        damaged = bytearray(good)
        damaged[place] ^= 1 << (place % 8)
        path.write_bytes(damaged)
        live.forget()
        assert ids_and_vectors(current()) == wanted


@pytest.mark.parametrize("keep", [0, 10, 0.5, -1])
def test_current__torn_file_is_rebuilt_from_rows(sold, keep, caplog):
    version = reindex().version
    path = index_files.folder() / version.file
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * keep) if isinstance(keep, float) else keep])
    live.forget()
    assert len(current().index) == 8
    assert "rebuilt from rows" in caplog.text


def test_current__lost_file_is_rebuilt_from_rows(sold):
    version = reindex().version
    (index_files.folder() / version.file).unlink()
    live.forget()
    assert len(current().index) == 8


def test_current__file_of_another_version_is_refused(sold):
    old = reindex().version
    sold[0].delete()
    indexing.refresh(["P0"])
    new = rebuild()
    (index_files.folder() / new.file).write_bytes((index_files.folder() / old.file).read_bytes())
    live.forget()
    assert len(current().index) == 7


def test_replay__skips_failed_and_removed(sold):
    reindex()
    Embedding.objects.filter(item="P1").update(error="bad", revision=10**6)
    from visualsearch.models import Revision

    Revision.objects.update(value=10**6)
    assert len(current().index) == 7


def test_active_version__only_one_can_be(sold):
    from django.db import IntegrityError, transaction

    version = reindex().version
    with pytest.raises(IntegrityError), transaction.atomic():
        IndexVersion.objects.create(encoder=version.encoder, backend="x", state="active")


def ids_and_vectors(found):
    scores = found.index.search(conf.load("ENCODER").encode([picture(3)]).embeddings[0], 100)
    return [list(part) for part in scores]
