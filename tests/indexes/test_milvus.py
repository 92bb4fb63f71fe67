"""The index contract against a real milvus-lite server."""

from __future__ import annotations

import os

import pytest

pytest.importorskip("milvus_lite")
pytest.importorskip("pymilvus")

import numpy as np
from pymilvus import MilvusClient

from benchmarks.servers import milvus_lite
from benchmarks.vectors import Catalog
from shop.tools.ports import free_port
from tests.indexes.contract import DIM, SharedContract, recall, run_elsewhere, unit
from visualsearch.exceptions import BackendUnavailable
from visualsearch.indexes.exact import ExactIndex
from visualsearch.indexes.milvus import MilvusIndex


@pytest.fixture(scope="module")
def server():
    with milvus_lite() as uri:
        TestMilvus.options["uri"] = uri
        yield uri


class TestMilvus(SharedContract):
    kind = MilvusIndex
    options: dict = {}
    approximate = True
    rounds = 1

    @pytest.fixture
    def index(self, server):
        """One collection for all tests, emptied each time, because creating one is slow."""
        index = self.make("contract")
        if not index.exists():
            index.create()
        MilvusClient(uri=server).delete(index.collection, filter="id >= 0")
        return index

    def in_another_process(self, index, folder, code):
        start = "from visualsearch.indexes.milvus import MilvusIndex\n"
        start += f"index = MilvusIndex(DIM, name={index.name!r}, **{self.options!r})\n"
        return run_elsewhere(start + code, dict(os.environ))


def test_search__no_server():
    index = MilvusIndex(DIM, name="one", uri=f"http://127.0.0.1:{free_port()}", timeout=1)
    for call in (index.exists, index.create, lambda: index.search(unit(1)[0], 1)):
        with pytest.raises(BackendUnavailable):
            call()


@pytest.fixture(scope="module")
def large(server):
    """An index with a graph, and the oracle."""
    catalog, ids = Catalog(32), np.arange(1, 3001)
    index, oracle = MilvusIndex(32, name="large", uri=server), ExactIndex(32)
    index.create()
    for each in (index, oracle):
        each.add(ids, catalog.draw(3000, seed=1))
    index.optimise()
    yield index, oracle
    index.drop()


@pytest.mark.parametrize(("share", "k"), [(1, 10), (1, 100), (0.1, 10), (0.001, 3)])
def test_search__recall(large, share, k):
    index, oracle = large
    among = None
    if share < 1:
        among = np.random.default_rng(2).choice(3000, int(3000 * share), replace=False) + 1
    shares = []
    for query in Catalog(32).queries(40):
        found = index.search(query, k, among=among)[0]
        assert len(found) == k
        shares.append(recall(found, oracle.search(query, k, among=among)[0]))
    assert np.mean(shares) >= 0.97


def test_search__among_more_than_one_condition_holds(large):
    index, _ = large
    query = Catalog(32).queries(1)[0]
    among = np.arange(1, 9000)
    assert index.search(query, 5, among=among)[0].tolist() == index.search(query, 5)[0].tolist()
