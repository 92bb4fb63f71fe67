"""A Milvus index: a separate server for vectors, from one process (milvus-lite) to a cluster."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from pymilvus import DataType, MilvusClient, MilvusException

from ..exceptions import BackendUnavailable
from .base import Float32, Ids, SharedIndex

# Rows per message: gRPC accepts 64 MB, and a filter of more ids takes long to parse.
BATCH = 5000
# Most hits that Milvus returns to one search.
MOST = 16_384


class MilvusIndex(SharedIndex):
    """A Milvus collection; each search sees all writes that any process has finished."""

    def __init__(
        self,
        dim: int,
        *,
        name: str,
        uri: str = "http://127.0.0.1:19530",
        token: str = "",
        database: str = "",
        links: int = 16,
        ef_construction: int = 200,
        ef_search: int = 128,
        timeout: float = 10.0,
    ):
        """Set the options of the index, without connecting.

        ``links`` and ``ef_construction`` are used when the graph is built. A larger ``ef_search``
        finds more and is slower. ``timeout``: seconds of one call; building the graph may take
        longer. Raises ValueError for an invalid ``name``.
        """
        super().__init__(dim, name=name)
        if not re.fullmatch(r"\w{1,100}", name, re.ASCII):
            raise ValueError(f"the name must be letters, digits or _, not {name!r}")
        self.collection = f"visualsearch_index_{name}"
        self.address = {"uri": uri, "token": token, "db_name": database, "timeout": timeout}
        self.timeout = timeout
        self.links, self.ef_construction, self.ef_search = links, ef_construction, ef_search
        self._client: MilvusClient | None = None
        self._lock = threading.Lock()

    @contextmanager
    def _connected(self) -> Iterator[MilvusClient]:
        """Yield this process's client, created on first use; raise BackendUnavailable on errors."""
        try:
            with self._lock:
                if self._client is None:
                    self._client = MilvusClient(**self.address)
            yield self._client
        except MilvusException as error:
            raise BackendUnavailable from error

    def exists(self) -> bool:
        with self._connected() as client:
            return bool(client.has_collection(self.collection, timeout=self.timeout))

    def create(self) -> None:
        self.drop()
        graph = {"M": self.links, "efConstruction": self.ef_construction}
        with self._connected() as client:
            schema = client.create_schema(auto_id=False, enable_dynamic_field=False)
            schema.add_field("id", DataType.INT64, is_primary=True)
            # milvus-lite does not support float16.
            schema.add_field("vector", DataType.FLOAT_VECTOR, dim=self.dim)
            index = client.prepare_index_params()
            index.add_index("vector", index_type="HNSW", metric_type="IP", params=graph)
            client.create_collection(
                self.collection,
                schema=schema,
                index_params=index,
                consistency_level="Strong",
                timeout=self.timeout,
            )

    def drop(self) -> None:
        with self._connected() as client:
            client.drop_collection(self.collection, timeout=self.timeout)

    def __len__(self) -> int:
        with self._connected() as client:
            answer = client.query(
                self.collection, filter="", output_fields=["count(*)"], timeout=self.timeout
            )
        return int(answer[0]["count(*)"])

    def add(self, ids: Ids, vectors: Float32) -> None:
        ids, vectors = self.checked(ids, vectors)
        for start in range(0, len(ids), BATCH):
            part = slice(start, start + BATCH)
            rows = [
                {"id": int(each), "vector": vector}
                for each, vector in zip(ids[part], vectors[part], strict=True)
            ]
            with self._connected() as client:
                client.upsert(self.collection, rows, timeout=self.timeout)

    def remove(self, ids: Ids) -> None:
        ids = np.asarray(ids, np.int64)
        for start in range(0, len(ids), BATCH):
            part = ids[start : start + BATCH].tolist()
            with self._connected() as client:
                client.delete(self.collection, ids=part, timeout=self.timeout)

    def search(self, query: Float32, k: int, *, among: Ids | None = None) -> tuple[Ids, Float32]:
        """See :meth:`Index.search`; returns at most 16,384 ids, Milvus's limit."""
        query = self.checked_query(query)
        k = min(k, MOST)
        hits: list[tuple[int, float]] = []
        if k > 0 and among is None:
            hits = self._nearest(query, k, "")
        elif k > 0 and among is not None:
            wanted = np.unique(np.asarray(among, np.int64))
            for start in range(0, len(wanted), BATCH):
                part = wanted[start : start + BATCH].tolist()
                hits += self._nearest_among(query, k, part)
        hits.sort(key=lambda hit: -hit[1])
        ids = np.array([each for each, _ in hits[:k]], np.int64)
        return ids, np.array([score for _, score in hits[:k]], np.float32)

    def _nearest(self, query: Float32, k: int, condition: str) -> list[tuple[int, float]]:
        """Return the nearest (id, score) pairs that pass a Milvus filter, "" for all."""
        with self._connected() as client:
            (hits,) = client.search(
                self.collection,
                data=[query],
                limit=k,
                filter=condition,
                anns_field="vector",
                search_params={"params": {"ef": max(k, self.ef_search)}},
                consistency_level="Strong",
                timeout=self.timeout,
            )
        return [(hit["id"], hit["distance"]) for hit in hits]

    def _nearest_among(self, query: Float32, k: int, ids: list[int]) -> list[tuple[int, float]]:
        """Return the (id, score) pairs of the nearest of these ids, in no order.

        If the graph finds too few, all of them are fetched and compared.
        """
        condition = f"id in {ids}"
        hits = self._nearest(query, k, condition)
        if len(hits) == min(k, len(ids)):
            return hits
        with self._connected() as client:
            rows = client.query(
                self.collection,
                filter=condition,
                output_fields=["id", "vector"],
                consistency_level="Strong",
                timeout=self.timeout,
            )
        return [(row["id"], float(np.asarray(row["vector"], np.float32) @ query)) for row in rows]

    def optimise(self) -> None:
        """Move written vectors from Milvus's log into the graph, which is faster to search."""
        with self._connected() as client:
            client.flush(self.collection)
            client.load_collection(self.collection)

    def describe(self) -> dict[str, Any]:
        graph = {"structure": "hnsw", "links": self.links, "ef_search": self.ef_search}
        return graph | {"memory_bytes": len(self) * self.dim * 4}
