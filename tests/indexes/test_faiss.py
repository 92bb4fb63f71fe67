import multiprocessing

import numpy as np

from tests.indexes.contract import DIM, IndexContract, unit
from visualsearch.indexes.exact import ExactIndex
from visualsearch.indexes.faiss import FaissIndex


class TestFaissIndex(IndexContract):
    kind = FaissIndex


def test_search__same_top_ten_as_exact_at_scale():
    vectors = unit(5000, seed=11, dim=128)
    faiss, exact = FaissIndex(128), ExactIndex(128)
    for index in (faiss, exact):
        index.add(np.arange(5000), vectors)
    same = [
        len(set(faiss.search(query, 10)[0]) & set(exact.search(query, 10)[0])) / 10
        for query in unit(50, seed=12, dim=128)
    ]
    assert np.mean(same) >= 0.99


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
        assert queue.get(timeout=20) == 3
    finally:
        child.kill()
        child.join()
