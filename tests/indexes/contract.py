"""The test suite that every index back end must pass, as base classes."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest

from visualsearch.exceptions import IndexFileError
from visualsearch.indexes.base import Index
from visualsearch.indexes.exact import ExactIndex

DIM = 24
ROOT = Path(__file__).resolve().parents[2]


def unit(count: int, seed: int = 0, dim: int = DIM) -> np.ndarray:
    """Return random unit vectors (count, dim)."""
    vectors = np.random.default_rng(seed).normal(size=(count, dim)).astype(np.float32)
    return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def recall(found: np.ndarray, wanted: np.ndarray) -> float:
    """Return the share of ``wanted`` that was found."""
    return len(set(found.tolist()) & set(wanted.tolist())) / max(1, len(wanted))


class IndexContract:
    """Tests of all back ends. Subclasses set ``kind`` and implement the two methods below."""

    kind: type[Index]
    options: dict = {}
    approximate = False
    operations = 1000

    @pytest.fixture
    def index(self):
        return self.kind(DIM, **self.options)

    @pytest.fixture
    def filled(self, index):
        index.add(np.arange(100, 300), unit(200))
        index.optimise()
        return index

    def reopened(self, index: Index, folder: Path) -> Index:
        """Return another instance with the content of ``index``."""
        raise NotImplementedError

    def in_another_process(self, index: Index, folder: Path, code: str) -> dict:
        """Run ``code`` with the same ``index`` in another process; return its ``answer``."""
        raise NotImplementedError

    def test_search__empty(self, index):
        ids, scores = index.search(unit(1)[0], 5)
        assert len(index) == len(ids) == len(scores) == 0

    def test_optimise__empty(self, index):
        index.optimise()
        index.add(np.array([5]), unit(1))
        assert index.search(unit(1)[0], 5)[0].tolist() == [5]

    def test_search__finds_itself_first(self, filled):
        for place in (0, 57, 199):
            ids, scores = filled.search(unit(200)[place], 3)
            assert ids[0] == 100 + place
            assert scores[0] == pytest.approx(1, abs=2e-3)
            assert list(scores) == sorted(scores, reverse=True)

    def test_search__as_the_oracle(self, filled):
        oracle = ExactIndex(DIM)
        oracle.add(np.arange(100, 300), unit(200))
        shares = []
        for query in unit(20, seed=5):
            ids, scores = filled.search(query, 10)
            wanted, wanted_scores = oracle.search(query, 10)
            shares.append(recall(ids, wanted))
            if not self.approximate:
                assert shares[-1] >= 0.9  # float16 may swap the last two
                assert scores == pytest.approx(wanted_scores, abs=2e-3)
        assert np.mean(shares) >= 0.95

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

    def test_search__among_an_id_twice(self, filled):
        ids, _ = filled.search(unit(1)[0], 5, among=np.array([120, 121, 120, 120]))
        assert sorted(ids) == [120, 121]

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

    def test_add__far_apart_ids(self, index):
        ids = np.array([3, 10**6, 10**12, 2**62])
        index.add(ids, unit(4))
        index.remove(np.array([10**6]))
        for place in (0, 2, 3):
            assert index.search(unit(4)[place], 1)[0][0] == ids[place]
            assert index.search(unit(1)[0], 9, among=ids[place : place + 1])[0] == [ids[place]]
        assert len(index) == 3

    def test_remove(self, filled):
        filled.remove(np.array([100, 101, 5000]))
        assert len(filled) == 198
        assert 100 not in filled.search(unit(200)[0], 198)[0]
        assert len(filled.search(unit(1)[0], 1000)[0]) == 198

    def test_remove__everything(self, filled):
        filled.remove(np.arange(100, 300))
        assert len(filled) == len(filled.search(unit(1)[0], 5)[0]) == 0
        filled.add(np.array([7]), unit(1))
        assert filled.search(unit(1)[0], 5)[0].tolist() == [7]

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

    @pytest.mark.parametrize("value", [np.nan, np.inf])
    def test_search__not_finite(self, filled, value):
        with pytest.raises(ValueError, match="finite query"):
            filled.search(np.full(DIM, value, np.float32), 3)

    def test_add__wrong_dimension(self, index):
        with pytest.raises(ValueError, match="expected vectors"):
            index.add(np.array([1]), unit(1, dim=DIM + 1))

    def test_search__wrong_dimension(self, filled):
        with pytest.raises(ValueError, match="query"):
            filled.search(unit(1, dim=DIM - 1)[0], 3)

    def test_describe__plain_values(self, filled):
        json.dumps(filled.describe())

    def test_reopened__finds_the_same_and_goes_on(self, filled, tmp_path):
        # Remove the last vector too: the count must not depend on the vectors that are left.
        filled.remove(np.array([100, 299]))
        again = self.reopened(filled, tmp_path)
        assert len(again) == 198
        assert again.describe() == filled.describe()
        for query in unit(5, seed=3):
            assert list(again.search(query, 10)[0]) == list(filled.search(query, 10)[0])
        again.add(np.array([100, 299]), unit(200)[[0, 199]])
        again.add(np.array([150]), unit(1, seed=9))
        again.remove(np.array([151]))
        assert len(again) == 199
        assert again.search(unit(200)[0], 1)[0][0] == 100
        assert again.search(unit(200)[199], 1)[0][0] == 299
        assert again.search(unit(1, seed=9)[0], 1)[0][0] == 150
        assert 151 not in again.search(unit(1)[0], 199)[0]

    def test_another_process__finds_what_this_one_wrote(self, filled, tmp_path):
        filled.add(np.array([900]), unit(1, seed=9))
        code = "ids = index.search(unit(1, seed=9)[0], 3)[0]; answer = [len(index), *ids.tolist()]"
        answer = self.in_another_process(filled, tmp_path, code)
        assert answer[:2] == [201, 900]

    def test_search__while_another_thread_writes(self, filled):
        """Untouched vectors must be found at all times."""
        stop, wrong = threading.Event(), []

        def write():
            rng = np.random.default_rng(1)
            try:
                while not stop.is_set():
                    ids = rng.choice(np.arange(200, 300), 20, replace=False)
                    filled.remove(ids)
                    filled.add(ids, unit(200)[ids - 100])
            except Exception as error:
                wrong.append(error)
            finally:
                self.leave_thread()

        writer = threading.Thread(target=write)
        writer.start()
        vectors = unit(200)
        try:
            for place in [*range(100)] * self.rounds:
                if filled.search(vectors[place], 1)[0][0] != 100 + place:
                    wrong.append(place)
        finally:
            stop.set()
            writer.join()
        assert not wrong
        assert len(filled) == 200

    rounds = 5

    def leave_thread(self):
        """Release the back end's resources of this thread."""

    def test_random_operations__as_the_oracle(self, filled):
        oracle = ExactIndex(DIM)
        oracle.add(np.arange(100, 300), unit(200))
        rng = np.random.default_rng(17)
        shares = []
        for step in range(self.operations):
            ids = rng.integers(90, 400, rng.integers(1, 8))
            match rng.integers(0, 4):
                case 0:
                    vectors = unit(len(ids), seed=1000 + step)
                    for each in (filled, oracle):
                        each.add(ids, vectors)
                case 1:
                    for each in (filled, oracle):
                        each.remove(ids[:3])
                case _:
                    among = rng.integers(90, 400, 60) if rng.integers(0, 2) else None
                    query, k = unit(1, seed=5000 + step)[0], int(rng.integers(1, 30))
                    found, scores = filled.search(query, k, among=among)
                    wanted, wanted_scores = oracle.search(query, k, among=among)
                    assert len(set(found.tolist())) == len(found) == len(wanted)
                    shares.append(recall(found, wanted))
                    if not self.approximate:
                        assert scores == pytest.approx(wanted_scores, abs=3e-3)
        assert len(filled) == len(oracle)
        assert np.mean(shares) >= 0.98


class FileContract(IndexContract):
    """Further tests of indexes that are saved to a file."""

    def reopened(self, index, folder):
        index.save(folder / "index")
        return self.kind.load(folder / "index", DIM, **self.options)

    def in_another_process(self, index, folder, code):
        index.save(folder / "index")
        module, name = self.kind.__module__, self.kind.__name__
        start = f"from {module} import {name}; from pathlib import Path\n"
        start += f"index = {name}.load(Path({str(folder / 'index')!r}), DIM, **{self.options!r})\n"
        return run_elsewhere(start + code)

    def test_load__empty(self, index, tmp_path):
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


class SharedContract(IndexContract):
    """Further tests of indexes that are shared through a server."""

    def make(self, name: str) -> Index:
        """Return an instance with this name, without creating it in the server."""
        return self.kind(DIM, name=name, **self.options)

    @pytest.fixture
    def index(self, server):
        index = self.make("contract")
        index.create()
        yield index
        index.drop()

    def reopened(self, index, folder):
        return self.make(index.name)

    def test_create__empties(self, filled):
        assert filled.exists()
        filled.create()
        assert len(filled) == 0

    def test_drop(self, filled):
        filled.drop()
        assert not filled.exists()
        filled.drop()

    def test_names__are_apart(self, filled):
        other = self.make("other")
        assert not other.exists()
        other.create()
        try:
            assert len(other) == 0
            assert len(filled) == 200
        finally:
            other.drop()

    @pytest.mark.parametrize("name", ["", "a-b", 'a"b', "a;b", "é", "a" * 200])
    def test_names__are_plain(self, name):
        with pytest.raises(ValueError, match="name"):
            self.make(name)

    def test_another_process__writes_what_this_one_finds(self, filled, tmp_path):
        self.in_another_process(
            filled, tmp_path, "index.add(np.array([901]), unit(1, seed=8)); answer = 0"
        )
        assert len(filled) == 201
        assert filled.search(unit(1, seed=8)[0], 1)[0][0] == 901


def run_elsewhere(code: str, env: dict[str, str] | None = None) -> dict:
    """Run code in a new process; return the JSON value of its variable ``answer``."""
    script = "import json, numpy as np\nfrom tests.indexes.contract import DIM, unit\n"
    script += code + "\nprint(json.dumps(answer))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        cwd=ROOT,
        env=env,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])
