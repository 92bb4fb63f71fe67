"""What every index must do; each back end's tests derive from it."""

from __future__ import annotations

import threading

import numpy as np
import pytest

from visualsearch.exceptions import IndexFileError
from visualsearch.indexes.base import Index
from visualsearch.indexes.exact import ExactIndex

DIM = 24


def unit(count: int, seed: int = 0, dim: int = DIM) -> np.ndarray:
    """Random directions (count, dim)."""
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


class IndexContract:
    """Derive, and set ``kind``."""

    kind: type[Index]

    @pytest.fixture
    def index(self):
        return self.kind(DIM)

    @pytest.fixture
    def filled(self, index):
        index.add(np.arange(100, 300), unit(200))
        return index

    def test_search__empty(self, index):
        ids, scores = index.search(unit(1)[0], 5)
        assert len(index) == len(ids) == len(scores) == 0

    def test_search__finds_itself_first(self, filled):
        for place in (0, 57, 199):
            ids, scores = filled.search(unit(200)[place], 3)
            assert ids[0] == 100 + place
            assert scores[0] == pytest.approx(1, abs=2e-3)
            assert list(scores) == sorted(scores, reverse=True)

    def test_search__as_the_oracle(self, filled):
        oracle = ExactIndex(DIM)
        oracle.add(np.arange(100, 300), unit(200))
        for query in unit(20, seed=5):
            ids, scores = filled.search(query, 10)
            wanted, wanted_scores = oracle.search(query, 10)
            assert len(set(ids) & set(wanted)) >= 9  # float16 may swap two at the end
            assert scores == pytest.approx(wanted_scores, abs=2e-3)

    def test_search__k_beyond_the_size(self, filled):
        ids, _ = filled.search(unit(1)[0], 1000)
        assert sorted(ids) == list(range(100, 300))

    def test_search__no_k(self, filled):
        assert len(filled.search(unit(1)[0], 0)[0]) == 0

    def test_search__among_few_is_never_starved(self, filled):
        query = unit(200)[0]
        last = filled.search(query, 200)[0][-5:]
        ids, _ = filled.search(query, 5, among=last)
        assert sorted(ids) == sorted(last)

    def test_search__among_absent_ids(self, filled):
        assert len(filled.search(unit(1)[0], 5, among=np.array([1, 2, 3]))[0]) == 0

    def test_search__among_nothing(self, filled):
        assert len(filled.search(unit(1)[0], 5, among=np.empty(0, np.int64))[0]) == 0

    def test_search__among_more_than_present(self, filled):
        ids, _ = filled.search(unit(1)[0], 5, among=np.arange(298, 400))
        assert sorted(ids) == [298, 299]

    def test_add__replaces(self, filled):
        new = unit(1, seed=9)
        filled.add(np.array([150]), new)
        assert len(filled) == 200
        assert filled.search(new[0], 1)[0][0] == 150

    def test_add__last_of_equal_ids_counts(self, index):
        vectors = unit(3, seed=2)
        index.add(np.array([7, 8, 7]), vectors)
        assert len(index) == 2
        assert index.search(vectors[2], 1)[0][0] == 7
        assert index.search(vectors[0], 1)[1][0] < 0.99

    def test_remove(self, filled):
        filled.remove(np.array([100, 101, 5000]))
        assert len(filled) == 198
        assert 100 not in filled.search(unit(200)[0], 198)[0]

    def test_remove__from_empty(self, index):
        index.remove(np.array([1]))
        assert len(index) == 0

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_add__not_finite(self, filled, value):
        bad = unit(1)
        bad[0, 3] = value
        with pytest.raises(ValueError, match="not finite"):
            filled.add(np.array([1]), bad)
        assert len(filled) == 200

    def test_search__not_finite(self, filled):
        with pytest.raises(ValueError, match="finite query"):
            filled.search(np.full(DIM, np.nan, np.float32), 3)

    def test_add__wrong_dimension(self, index):
        with pytest.raises(ValueError, match="expected vectors"):
            index.add(np.array([1]), unit(1, dim=DIM + 1))

    def test_search__wrong_dimension(self, filled):
        with pytest.raises(ValueError, match="query"):
            filled.search(unit(1, dim=DIM - 1)[0], 3)

    def test_save_and_load(self, filled, tmp_path):
        filled.remove(np.array([100]))
        filled.save(tmp_path / "index")
        loaded = self.kind.load(tmp_path / "index", DIM)
        assert len(loaded) == 199
        for query in unit(5, seed=3):
            assert list(loaded.search(query, 10)[0]) == list(filled.search(query, 10)[0])
        loaded.add(np.array([100]), unit(1))
        assert loaded.search(unit(1)[0], 1)[0][0] == 100

    def test_save_and_load__empty(self, index, tmp_path):
        index.save(tmp_path / "index")
        assert len(self.kind.load(tmp_path / "index", DIM)) == 0

    def test_load__wrong_dimension(self, filled, tmp_path):
        filled.save(tmp_path / "index")
        with pytest.raises(IndexFileError, match="dimension"):
            self.kind.load(tmp_path / "index", DIM + 1)

    def test_load__no_index(self, tmp_path):
        (tmp_path / "index").write_bytes(b"not an index")
        with pytest.raises(IndexFileError):
            self.kind.load(tmp_path / "index", DIM)

    def test_search__while_another_thread_writes(self, filled):
        """Vectors that nobody touches must be found at all times."""
        stop, wrong = threading.Event(), []

        def write():
            rng = np.random.default_rng(1)
            while not stop.is_set():
                ids = rng.choice(np.arange(200, 300), 20, replace=False)
                filled.remove(ids)
                filled.add(ids, unit(200)[ids - 100])

        writer = threading.Thread(target=write)
        writer.start()
        try:
            for _ in range(5):
                for place in range(100):
                    if filled.search(unit(200)[place], 1)[0][0] != 100 + place:
                        wrong.append(place)
        finally:
            stop.set()
            writer.join()
        assert not wrong
        assert len(filled) == 200
