import os

import numpy as np
import pytest

from tests.indexes.contract import DIM, unit
from visualsearch.exceptions import IndexFileError
from visualsearch.indexes.faiss import FaissIndex
from visualsearch.models import IndexVersion
from visualsearch.serving import index_files


@pytest.fixture
def index():
    made = FaissIndex(DIM)
    made.add(np.arange(50), unit(50))
    return made


def test_write_and_read(index):
    digest = index_files.write(index, "a.index")
    version = IndexVersion(file="a.index", sha256=digest)
    assert len(index_files.read(version, FaissIndex, DIM, {})) == 50


def test_write__a_failure_leaves_the_old_file(index, monkeypatch):
    index_files.write(index, "a.index")
    before = (index_files.folder() / "a.index").read_bytes()

    def full(descriptor):
        raise OSError("no space left on device")

    index.add(np.array([99]), unit(1))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="no space"):
        index_files.write(index, "a.index")
    assert (index_files.folder() / "a.index").read_bytes() == before
    assert [path.name for path in index_files.folder().iterdir()] == ["a.index"]


def test_read__appended_junk(index):
    digest = index_files.write(index, "a.index")
    with (index_files.folder() / "a.index").open("ab") as file:
        file.write(b"junk")
    with pytest.raises(IndexFileError, match="SHA-256"):
        index_files.read(IndexVersion(file="a.index", sha256=digest), FaissIndex, DIM, {})
