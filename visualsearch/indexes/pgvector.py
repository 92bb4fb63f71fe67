"""A pgvector index: vectors in the shop's PostgreSQL, changed in the transaction of their rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from django.core.exceptions import EmptyResultSet, ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction
from django.db.models import QuerySet

from ..exceptions import BackendUnavailable
from .base import Float32, Ids, SharedIndex

Among = Ids | QuerySet[Any] | None

# Up to this many ids are all compared: a walk through the graph would meet them too seldom.
FEW = 2000
# Largest ef_search of pgvector; an iterative scan goes on until it has found enough.
LARGEST_EF = 1000
NO_EXTENSION = (
    "PostgreSQL has no extension “vector”: install pgvector 0.8 or newer on the database server,"
    " and let a superuser run CREATE EXTENSION vector in the shop's database."
)


class PgvectorIndex(SharedIndex):
    """A PostgreSQL table of vectors (halfvec), with an HNSW graph once it is large enough.

    Every method runs in the caller's transaction, if there is one.
    """

    transactional = True
    joins = True

    def __init__(
        self,
        dim: int,
        *,
        name: str,
        alias: str = "default",
        flat_up_to: int = 10_000,
        links: int = 16,
        ef_construction: int = 64,
        ef_search: int = 100,
        build_memory: str = "512MB",
    ):
        """Set the options of the index, without connecting.

        ``alias``: name of the database in ``DATABASES``. Above ``flat_up_to`` vectors,
        :meth:`optimise` builds a graph with ``links`` per vector, using ``build_memory``. A larger
        ``ef_search`` finds more and is slower. Raises ValueError for an invalid ``name``.
        """
        super().__init__(dim, name=name)
        if not re.fullmatch(r"\w{1,40}", name, re.ASCII):
            raise ValueError(f"the name must be 1 to 40 letters, digits or _, not {name!r}")
        self.alias, self.flat_up_to, self.ef_search = alias, flat_up_to, ef_search
        self.links, self.ef_construction = links, ef_construction
        self.build_memory = build_memory
        self.table = f'"visualsearch_index_{name}"'

    @contextmanager
    def _cursor(self) -> Iterator[Any]:
        """Yield a cursor in a transaction; raise BackendUnavailable if the database is down."""
        connection = connections[self.alias]
        try:
            with (
                transaction.atomic(using=self.alias, savepoint=False),
                connection.wrap_database_errors,
                connection.cursor() as cursor,
            ):
                yield cursor
        except (OperationalError, InterfaceError) as error:
            raise BackendUnavailable from error

    def exists(self) -> bool:
        with self._cursor() as cursor:
            cursor.execute("SELECT to_regclass(%s) IS NOT NULL", [self.table])
            return bool(cursor.fetchone()[0])

    def create(self) -> None:
        """See :meth:`SharedIndex.create`; raises ImproperlyConfigured without pgvector."""
        try:
            with self._cursor() as cursor:
                cursor.execute("CREATE EXTENSION IF NOT EXISTS vector")
        except DatabaseError as error:
            raise ImproperlyConfigured(NO_EXTENSION) from error
        self.drop()
        with self._cursor() as cursor:
            cursor.execute(
                f"CREATE TABLE {self.table} (id bigint PRIMARY KEY, vector halfvec({self.dim}))"
            )
            # Compressing an embedding takes time and saves nothing.
            cursor.execute(f"ALTER TABLE {self.table} ALTER vector SET STORAGE PLAIN")

    def drop(self) -> None:
        with self._cursor() as cursor:
            cursor.execute(f"DROP TABLE IF EXISTS {self.table}")

    def __len__(self) -> int:
        with self._cursor() as cursor:
            cursor.execute(f"SELECT count(*) FROM {self.table}")
            return int(cursor.fetchone()[0])

    def add(self, ids: Ids, vectors: Float32) -> None:
        ids, vectors = self.checked(ids, vectors)
        with self._cursor() as cursor:
            # Writers wait for each other here, so that two cannot add one id; readers do not wait.
            cursor.execute(f"LOCK TABLE {self.table} IN SHARE ROW EXCLUSIVE MODE")
            cursor.execute(f"DELETE FROM {self.table} WHERE id = ANY(%s)", [ids.tolist()])
            with cursor.copy(f"COPY {self.table} (id, vector) FROM STDIN (FORMAT binary)") as copy:
                copy.write(copied(ids, vectors))

    def remove(self, ids: Ids) -> None:
        with self._cursor() as cursor:
            wanted = np.asarray(ids, np.int64).tolist()
            cursor.execute(f"DELETE FROM {self.table} WHERE id = ANY(%s)", [wanted])

    def search(self, query: Float32, k: int, *, among: Among = None) -> tuple[Ids, Float32]:
        """See :meth:`Index.search`; ``among`` may also be a queryset of rows.

        The primary keys of its rows are the ids to search.
        """
        query = self.checked_query(query)
        if k <= 0:
            return np.empty(0, np.int64), np.empty(0, np.float32)
        with self._cursor() as cursor:
            inner, values = selection(among, self.alias)
            few = among is not None and self._are_few(cursor, among, inner, values)
            found = [] if few else self._walk(cursor, query, k, inner, values)
            if len(found) < k:
                found = self._compare(cursor, query, k, inner, values)
        ids = np.array([row[0] for row in found], np.int64)
        scores = -np.array([row[1] for row in found], np.float32)
        best = np.argsort(-scores, kind="stable")
        return ids[best], scores[best]

    def _are_few(self, cursor: Any, among: Among, inner: str, values: list[Any]) -> bool:
        if not isinstance(among, QuerySet):
            return among is None or len(among) <= FEW
        cursor.execute(
            f"SELECT count(*) FROM (SELECT FROM ({inner}) AS given LIMIT {FEW + 1}) AS wanted",
            values,
        )
        return int(cursor.fetchone()[0]) <= FEW

    def _walk(
        self, cursor: Any, query: Float32, k: int, inner: str, values: list[Any]
    ) -> list[tuple[int, float]]:
        """Return the nearest (id, distance) pairs by the graph; possibly fewer than ``k``.

        The distance is the negative inner product. Without a graph, PostgreSQL scans the table.
        ``inner`` and ``values``: see :func:`selection`.
        """
        effort = min(LARGEST_EF, max(self.ef_search, 2 * k))
        cursor.execute(
            "SELECT set_config('hnsw.ef_search', %s, true),"
            " set_config('hnsw.iterative_scan', 'relaxed_order', true)",
            [str(effort)],
        )
        # In this form, the filter is a set that is checked during the walk, and not a join that may
        # be done first.
        where = f"WHERE (id IN ({inner})) IS TRUE" if inner else ""
        cursor.execute(
            f"SELECT id, vector <#> %s::halfvec AS distance FROM {self.table} {where}"
            " ORDER BY distance LIMIT %s",
            [as_text(query), *values, k],
        )
        return list(cursor.fetchall())

    def _compare(
        self, cursor: Any, query: Float32, k: int, inner: str, values: list[Any]
    ) -> list[tuple[int, float]]:
        """Return the nearest (id, distance) pairs by comparing all rows that pass the filter.

        ``inner`` and ``values``: see :func:`selection`.
        """
        where = f"WHERE id IN ({inner})" if inner else ""
        # The graph cannot order by a sum, so the planner does not use it.
        cursor.execute(
            f"SELECT id, (vector <#> %s::halfvec) + 0 AS distance FROM {self.table} {where}"
            " ORDER BY distance LIMIT %s",
            [as_text(query), *values, k],
        )
        return list(cursor.fetchall())

    def optimise(self) -> None:
        """Build the graph if there are more than ``flat_up_to`` vectors, and store its recall."""
        if len(self) <= self.flat_up_to:
            return
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT set_config('maintenance_work_mem', %s, true)", [self.build_memory]
            )
            cursor.execute(
                f"CREATE INDEX ON {self.table} USING hnsw (vector halfvec_ip_ops)"
                f" WITH (m = {int(self.links)}, ef_construction = {int(self.ef_construction)})"
            )
            cursor.execute(f"ANALYZE {self.table}")
            measured = json.dumps({"recall@10": round(self._recall(cursor), 4)})
            cursor.execute(f"COMMENT ON TABLE {self.table} IS '{measured}'")

    def _recall(self, cursor: Any, queries: int = 50) -> float:
        """Return the recall@10 of the graph, measured with ``queries`` of the stored vectors."""
        cursor.execute(
            f"SELECT vector::text FROM {self.table} ORDER BY hashint8(id) LIMIT {queries}"
        )
        found, wanted = 0, 0
        for (text,) in list(cursor.fetchall()):
            query = np.array(json.loads(text), np.float32)
            exact = self._compare(cursor, query, 11, "", [])
            near = self._walk(cursor, query, 11, "", [])
            wanted += len(exact) - 1
            found += sum(distance <= exact[-1][1] + 1e-6 for _, distance in near) - 1
        return found / max(1, wanted)

    def describe(self) -> dict[str, Any]:
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT obj_description(%s::regclass), pg_total_relation_size(%s::regclass)",
                [self.table, self.table],
            )
            measured, size = cursor.fetchone()
        if measured is None:
            return {"structure": "flat", "memory_bytes": size}
        graph = {"structure": "hnsw", "links": self.links, "ef_search": self.ef_search}
        return graph | {"memory_bytes": size, **json.loads(measured)}


def selection(among: Among, alias: str) -> tuple[str, list[Any]]:
    """Return the SQL of a subquery for the ids in ``among``, and its parameters.

    Returns ("", []) if ``among`` is None: search everything. ``alias``: of the database connection.
    """
    if among is None:
        return "", []
    if not isinstance(among, QuerySet):
        # As text, because psycopg takes many times longer for a list.
        ids = ",".join(map(str, np.asarray(among, np.int64).tolist()))
        return "SELECT unnest(%s::bigint[])", ["{" + ids + "}"]
    try:
        sql, values = among.values("pk").query.get_compiler(alias).as_sql()
    except EmptyResultSet:
        return "SELECT NULL::bigint WHERE false", []
    return sql, list(values)


def copied(ids: Ids, vectors: Float32) -> bytes:
    """Return rows of ids (N,) and vectors (N, dim) in PostgreSQL's binary COPY format.

    Each value follows its length, big endian.
    """
    dim = vectors.shape[1]
    row = np.dtype(
        [
            ("values", ">i2"),
            ("id_size", ">i4"),
            ("id", ">i8"),
            ("vector_size", ">i4"),
            ("dim", ">i2"),
            ("unused", ">i2"),
            ("vector", ">f2", (dim,)),
        ]
    )
    rows = np.zeros(len(ids), row)
    rows["values"], rows["id_size"], rows["id"] = 2, 8, ids
    rows["vector_size"], rows["dim"], rows["vector"] = 4 + 2 * dim, dim, vectors
    return b"PGCOPY\n\xff\r\n\0" + bytes(8) + rows.tobytes() + b"\xff\xff"


def as_text(vector: Float32) -> str:
    """Return a vector in pgvector's text format."""
    return "[" + ",".join(map(str, vector.tolist())) + "]"
