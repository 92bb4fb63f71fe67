import threading

import numpy as np
import pytest
from django.db import connection

from tests.helpers.hanging import HANGS, before_the_hang_ends, until
from tests.helpers.pictures import picture
from tests.helpers.reindex import rebuild, reindex
from visualsearch import conf
from visualsearch.exceptions import IndexNotReady
from visualsearch.models import Embedding, IndexVersion
from visualsearch.reindex import embeddings
from visualsearch.serving import index_files, loaded_versions, replay


def current():
    return loaded_versions.current()


def test_current__nothing_indexed(db):
    with pytest.raises(IndexNotReady):
        current()


def test_current__follows_changes_on_top_of_its_snapshot(sold):
    reindex()
    assert current().items == 8
    same = current().index
    sold[0].delete()
    embeddings.refresh_items(["P0"])
    assert (len(current().index), current().items) == (7, 7)
    assert current().index is same


def test_current__another_process_sees_what_it_missed(sold):
    reindex()
    sold[0].delete()
    embeddings.refresh_items(["P0"])
    loaded_versions.unload_all()  # like a new process
    assert len(current().index) == 7


def test_common_input__of_the_models_that_are_loaded(sold, shipped_model, configure):
    assert loaded_versions.common_input_spec() is None
    shipped = reindex().version
    loaded_versions.current()
    spec = loaded_versions.common_input_spec()
    assert spec.size == 224
    configure(ENCODER="visualsearch.encoders.fake.FakeEncoder", ENCODER_OPTIONS={})
    reindex()
    loaded_versions.current()
    assert loaded_versions.common_input_spec() != spec
    loaded_versions.current(shipped.pk)
    # Photos sent to a worker with two models must suit both.
    assert loaded_versions.common_input_spec() is None


def test_current__follows_an_activation(sold):
    reindex()
    before = current().version
    version = rebuild()
    assert current().version == version.pk != before


def test_current__every_flipped_bit_is_noticed_and_made_good(index_file, sold, caplog):
    version = reindex().version
    path = index_files.folder() / version.file
    good = path.read_bytes()
    wanted = ids_and_vectors(current())
    for turn, place in enumerate(np.linspace(0, len(good) - 1, 40).astype(int)):
        damaged = bytearray(good)
        damaged[place] ^= 1 << (turn % 8)
        path.write_bytes(damaged)
        forget_copies(version)
        caplog.clear()
        assert ids_and_vectors(current()) == wanted
        assert "is damaged" in caplog.text


def test_current__torn_file_is_rebuilt_from_rows(index_file, sold, caplog):
    version = reindex().version
    path = index_files.folder() / version.file
    data = path.read_bytes()
    wanted = ids_and_vectors(current())
    for length in [0, 1, *np.linspace(10, len(data) - 1, 8).astype(int)]:
        path.write_bytes(data[:length])
        forget_copies(version)
        caplog.clear()
        assert ids_and_vectors(current()) == wanted
        assert "rebuilt from the stored embeddings" in caplog.text


def forget_copies(version):
    """Unload all indexes, and delete the files that were rebuilt."""
    loaded_versions.unload_all()
    for path in index_files.copies(version):
        path.unlink()


def test_current__another_machine_rebuilds_the_file_once(
    index_file, sold, configure, tmp_path, caplog
):
    version = reindex().version
    wanted = ids_and_vectors(current())
    configure(DATA_DIR=str(tmp_path / "another"))
    assert ids_and_vectors(current()) == wanted
    assert caplog.text.count("rebuilt from the stored embeddings") == 1
    (copy,) = index_files.copies(version)
    # What changes afterwards is replayed on the file.
    sold[0].delete()
    embeddings.refresh_items(["P0"])
    loaded_versions.unload_all()
    assert (len(current().index), current().items) == (7, 7)
    assert caplog.text.count("rebuilt from the stored embeddings") == 1
    # A damaged one is rebuilt, in a file of another name.
    copy.write_bytes(copy.read_bytes()[:-1])
    loaded_versions.unload_all()
    assert len(current().index) == 7
    assert caplog.text.count("rebuilt from the stored embeddings") == 2
    assert [path != copy for path in index_files.copies(version)] == [True]


def test_current__files_of_versions_deleted_elsewhere_go(index_file, sold, configure, tmp_path):
    configure(DATA_DIR=str(tmp_path / "another"), KEPT_VERSIONS=0)
    reindex()
    other = index_files.folder() / "others-1.index"
    other.touch()
    configure(DATA_DIR=str(tmp_path / "index"))
    new = rebuild()
    configure(DATA_DIR=str(tmp_path / "another"))
    assert current().version == new.pk
    (copy,) = index_files.copies(new)
    assert set(index_files.folder().glob("*.index")) == {copy, other}


def test_current__copy_that_cannot_be_saved_is_in_memory(
    index_file, sold, configure, tmp_path, monkeypatch
):
    def full(descriptor):
        raise OSError("no space left on device")

    reindex()
    configure(DATA_DIR=str(tmp_path / "another"))
    monkeypatch.setattr("os.fsync", full)
    assert len(current().index) == 8


def damage(version):
    path = index_files.folder() / version.file
    path.write_bytes(path.read_bytes()[:-1])


def slowly(monkeypatch, go_on):
    """Make rebuilding from rows wait for ``go_on``."""
    rebuild_from_rows = replay.build_from_rows

    def wait(version):
        assert go_on.wait(2 * HANGS)
        return rebuild_from_rows(version)

    monkeypatch.setattr(replay, "build_from_rows", wait)


@pytest.mark.django_db(transaction=True)
def test_current__goes_on_with_what_it_has_while_a_damaged_file_is_rebuilt(
    index_file, sold, monkeypatch
):
    if connection.vendor == "sqlite":
        pytest.skip("a second thread cannot read SQLite's database in memory")
    old = reindex().version
    assert current().version == old.pk
    new = rebuild()
    damage(new)
    go_on = threading.Event()
    slowly(monkeypatch, go_on)
    with before_the_hang_ends(go_on.set):
        assert current().version == old.pk
    sold[0].delete()
    embeddings.refresh_items(["P0"])
    # The old index follows changes, and further requests do not wait for the rebuild.
    monkeypatch.setattr(loaded_versions, "LOAD_WAIT", 2 * HANGS)
    with before_the_hang_ends(go_on.set):
        for _ in range(3):
            assert (current().version, len(current().index)) == (old.pk, 7)
    go_on.set()
    until(lambda: current().version == new.pk)
    assert len(current().index) == 7


@pytest.mark.django_db(transaction=True)
def test_current__goes_on_with_what_it_has_when_another_cannot_be_loaded(
    index_file, sold, monkeypatch, caplog
):
    old = reindex().version
    assert current().version == old.pk
    new = rebuild()

    def broken(version):
        raise MemoryError

    with monkeypatch.context() as patch:
        patch.setattr(loaded_versions, "load_index", broken)
        for _ in range(3):
            assert current().version == old.pk
        assert caplog.text.count("cannot be loaded") == 1
    monkeypatch.setattr(loaded_versions, "RETRY_AFTER", 0)
    loaded_versions._failed.clear()
    until(lambda: current().version == new.pk)


def test_current__lost_file_is_rebuilt_from_rows(index_file, sold):
    version = reindex().version
    (index_files.folder() / version.file).unlink()
    loaded_versions.unload_all()
    assert len(current().index) == 8


def test_current__file_of_another_version_is_refused(index_file, sold):
    old = reindex().version
    sold[0].delete()
    embeddings.refresh_items(["P0"])
    new = rebuild()
    (index_files.folder() / new.file).write_bytes((index_files.folder() / old.file).read_bytes())
    loaded_versions.unload_all()
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
