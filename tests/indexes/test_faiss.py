import multiprocessing
import time

import numpy as np
import pytest

from benchmarks.vectors import Catalog
from tests.indexes.contract import DIM, FileContract, recall, unit
from visualsearch.indexes import faiss_structures
from visualsearch.indexes.exact import ExactIndex
from visualsearch.indexes.faiss import FaissIndex

SIZE = 12_000


class TestFlat(FileContract):
    kind = FaissIndex


class TestFlatWithCodes(FileContract):
    kind = FaissIndex

    @pytest.fixture(autouse=True)
    def coded(self, monkeypatch):
        """Use the codes however few vectors there are."""
        monkeypatch.setattr(faiss_structures, "COARSE_FROM", 0)
        monkeypatch.setattr(faiss_structures, "WORTH", 0)
        monkeypatch.setattr(faiss_structures, "CANDIDATES", (1, 5))


class TestInvertedLists(FileContract):
    kind = FaissIndex
    options = {"structure": "ivf"}
    approximate = True

    def test_describe(self, filled):
        described = filled.describe()
        assert described["structure"] == "ivf"
        assert described["recall@10"] >= 0.99
        assert described["memory_bytes"] >= 200 * DIM * 2


class TestGraph(FileContract):
    kind = FaissIndex
    options = {"structure": "hnsw"}
    approximate = True

    def test_describe(self, filled):
        described = filled.describe()
        assert described["structure"] == "hnsw"
        assert described["recall@10"] >= 0.99


@pytest.fixture(scope="module")
def catalog() -> Catalog:
    return Catalog(64)


@pytest.fixture(scope="module")
def oracle(catalog) -> ExactIndex:
    index = ExactIndex(64)
    index.add(np.arange(1, SIZE + 1), catalog.draw(SIZE, seed=1))
    return index


@pytest.fixture(scope="module", params=["flat", "ivf", "hnsw"])
def large(request, catalog) -> FaissIndex:
    index = FaissIndex(64, structure=request.param)
    index.add(np.arange(1, SIZE + 1), catalog.draw(SIZE, seed=1))
    index.optimise()
    return index


@pytest.mark.parametrize("k", [10, 100])
@pytest.mark.parametrize("share", [1, 0.5, 0.1, 0.001])
def test_search__recall(catalog, oracle, large, k, share):
    rng = np.random.default_rng(2)
    among = None
    if share < 1:
        among = rng.choice(np.arange(1, SIZE + 1), int(SIZE * share), replace=False)
    shares = [
        recall(large.search(query, k, among=among)[0], oracle.search(query, k, among=among)[0])
        for query in catalog.queries(30)
    ]
    assert np.mean(shares) >= 0.98


def test_search__among_another_kind(catalog, oracle, large):
    """All items that the filter allows are far from the query, as for a dress among shoes."""
    shares = []
    queries = catalog.queries(30)
    for query in queries:
        other = queries[np.argmin(queries @ query)]
        shoes = oracle.search(other, 3000)[0]
        wanted = oracle.search(query, 10, among=shoes)[0]
        shares.append(recall(large.search(query, 10, among=shoes)[0], wanted))
    assert np.mean(shares) >= 0.95


def test_load__searches_as_before(catalog, large, tmp_path):
    large.save(tmp_path / "index")
    loaded = FaissIndex.load(tmp_path / "index", 64)
    for among in (None, np.arange(1, SIZE, 4)):
        for query in catalog.queries(10):
            found = loaded.search(query, 10, among=among)[0]
            assert found.tolist() == large.search(query, 10, among=among)[0].tolist()


def test_optimise__chooses_by_size(catalog):
    index = FaissIndex(64, flat_up_to=1000)
    index.add(np.arange(1000), catalog.draw(1000, seed=1))
    index.optimise()
    assert index.describe()["structure"] == "flat"
    index.add(np.arange(1000, 2000), catalog.draw(1000, seed=2))
    index.optimise()
    assert index.describe()["structure"] == "ivf"
    index.remove(np.arange(500, 2000))
    index.optimise()
    assert index.describe()["structure"] == "flat"
    assert index.search(catalog.draw(1000, seed=1)[3], 1)[0].tolist() == [3]


def test_optimise__searches_as_hard_as_the_target_needs(catalog):
    compared = []
    for target in (0.5, 0.99):
        index = FaissIndex(64, structure="ivf", target_recall=target)
        index.add(np.arange(5000), catalog.draw(5000, seed=1))
        index.optimise()
        assert index.describe()["recall@10"] >= target
        compared.append(index.describe()["compared"])
    assert compared[0] < compared[1]


@pytest.fixture(scope="module")
def coded() -> FaissIndex:
    """An index of 30,000 vectors, a third of which are the same one."""
    index, catalog = FaissIndex(64), Catalog(64)
    vectors = catalog.draw(30_000, seed=1)
    vectors[10_000:20_000] = vectors[10_000]
    index.add(np.arange(30_000), vectors)
    return index


def exact_search(index, query, k):
    return faiss_structures.scan(index._held.index, index._padded(query), k, None)


@pytest.mark.parametrize("k", [1, 44, 300])
def test_codes__find_what_a_scan_finds(coded, catalog, k):
    for query in catalog.queries(50):
        places, scores = exact_search(coded, query, k)
        found, theirs = coded.search(query, k)
        assert theirs == pytest.approx(scores, abs=1e-5)
        assert set(found) == set(places) or scores[-1] == pytest.approx(scores[-2], abs=1e-5)
    assert coded._held.coarse is not None


def test_codes__too_few_candidates_are_not_believed(coded, catalog, monkeypatch):
    """Of 10,000 equal vectors, any could be missing."""
    query = catalog.draw(30_000, seed=1)[10_000]
    held = coded._held
    coded.search(query, 10)
    padded = coded._padded(query)
    assert held.refined(held.coarse, padded, 10, 180, None) is None
    assert coded.search(query, 10)[1] == pytest.approx(exact_search(coded, query, 10)[1])


def test_codes__follow_changes(catalog):
    index = FaissIndex(64)
    vectors = catalog.draw(30_000, seed=1)
    index.add(np.arange(29_000), vectors[:29_000])
    index.search(vectors[0], 3)
    codes = index._held.coarse
    index.add(np.arange(29_000, 30_000), vectors[29_000:])
    assert index.search(vectors[29_500], 1)[0].tolist() == [29_500]
    longer = 3 * vectors[:1]
    index.add(np.array([50_000]), longer)
    assert index.search(vectors[0], 1)[0].tolist() == [50_000]
    assert index._held.coarse is not codes
    index.remove(np.array([50_000]))
    assert index.search(vectors[0], 1)[0].tolist() == [0]
    index.remove(np.arange(1, 15_000))
    assert len(index) == index._held.index.ntotal
    assert index.search(vectors[0], 1)[0].tolist() == [0]
    assert index.search(vectors[20_000], 1)[0].tolist() == [20_000]


@pytest.mark.parametrize("structure", ["flat", "ivf", "hnsw"])
@pytest.mark.parametrize(("dim", "width"), [(335, 336), (336, 336), (17, 32)])
def test_search__in_a_width_that_faiss_compares_fast(structure, dim, width):
    catalog, index = Catalog(dim), FaissIndex(dim, structure=structure)
    index.add(np.arange(500), catalog.draw(500, seed=1))
    index.optimise()
    assert index._held.index.d == width
    assert len(index.search(catalog.queries(1)[0], 10)[0]) == 10


@pytest.mark.parametrize("structure", ["flat", "ivf"])
def test_load__file_without_padding(tmp_path, structure):
    catalog = Catalog(50)
    vectors, queries = catalog.draw(3000, seed=1), catalog.queries(5)
    old, new = FaissIndex(50, structure=structure), FaissIndex(50, structure=structure)
    old._width = 50
    for index in (old, new):
        index.add(np.arange(3000), vectors)
        index.optimise()
    old.save(tmp_path / "old")
    loaded = FaissIndex.load(tmp_path / "old", 50)
    loaded.add(np.array([3000]), queries[:1])
    assert loaded.search(queries[0], 1)[0].tolist() == [3000]
    for query in queries[1:]:
        assert loaded.search(query, 10)[0].tolist() == new.search(query, 10)[0].tolist()


def test_options__unknown_structure():
    with pytest.raises(ValueError, match="structure"):
        FaissIndex(DIM, structure="tree")


def test_add__same_ids_over_and_over_takes_no_more_room():
    index = FaissIndex(DIM)
    for seed in range(30):
        index.add(np.arange(1000), unit(1000, seed=seed))
    assert len(index) == 1000
    assert index.describe()["memory_bytes"] < 4 * 1000 * DIM * 2
    assert index.search(unit(1000, seed=29)[5], 1)[0].tolist() == [5]


def test_add__many_batches_cost_little_more_than_one(catalog):
    """Adding a batch must not copy the stored vectors, which would be twenty times the work."""
    vectors = catalog.draw(5000, seed=1)
    rows = np.tile(vectors, (40, 1))

    def seconds(batch):
        index, start = FaissIndex(64), time.process_time()
        for first in range(0, len(rows), batch):
            index.add(np.arange(first, first + batch), rows[first : first + batch])
        assert len(index) == len(rows)
        return time.process_time() - start

    batches, whole = zip(*((seconds(5000), seconds(len(rows))) for _ in range(3)), strict=True)
    assert min(batches) < 6 * min(whole), (batches, whole)


def search_in_child(queue: multiprocessing.Queue) -> None:
    index = FaissIndex(DIM)
    index.add(np.arange(200), unit(200))
    queue.put(int(index.search(unit(200)[3], 1)[0][0]))


def test_search__in_a_forked_child_after_the_parent_searched():
    parent = FaissIndex(DIM)
    parent.add(np.arange(200), unit(200))
    parent.search(unit(1)[0], 1)
    context = multiprocessing.get_context("fork")
    queue = context.Queue()
    child = context.Process(target=search_in_child, args=(queue,))
    child.start()
    try:
        assert queue.get(timeout=60) == 3
    finally:
        child.kill()
        child.join()
