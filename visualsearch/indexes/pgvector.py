"""A pgvector index: vectors in the shop's PostgreSQL, changed in the transaction of their rows."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
from django.core.exceptions import EmptyResultSet, ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, OperationalError, connections, transaction
from django.db.models import QuerySet
from numpy.typing import NDArray

from ..exceptions import BackendUnavailable
from .base import Float32, Ids, SharedIndex
from .pgvector_copy import as_text, binary_row, copied, whole_rows
from .pgvector_effort import Lists, Passing, estimate

Among = Ids | QuerySet[Any] | None

# Up to this many ids are all compared: a walk through the graph would meet them too seldom.
FEW = 2000
# A row fetched by its id takes as long as so many vectors of a list.
FETCH = 3
# Ids are looked up one by one if so many look-ups cost less than reading all that pass. A search
# meets some hundreds, but the planner's cost of one is that of pages that are not in memory.
CHECKS = 50
# Stored vectors that measure the recall, and bytes to read at a time.
QUERIES, PART = 200, 16 << 20
# Numbers of lists to try until the recall is reached.
PROBES = (1, 2, 4, 6, 8, 12, 16, 24, 32, 40, 48, 64, 96, 128, 192, 256, 384, 512)
# Largest ef_search of pgvector; an iterative scan goes on until it has found enough.
LARGEST_EF = 1000
NO_EXTENSION = (
    "PostgreSQL has no extension “vector”: install pgvector 0.8 or newer on the database server,"
    " and let a superuser run CREATE EXTENSION vector in the shop's database."
)


class PgvectorIndex(SharedIndex):
    """A PostgreSQL table of vectors (halfvec), with a graph or lists once it is large enough.

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
        structure: Literal["hnsw", "ivf"] = "hnsw",
        flat_up_to: int = 10_000,
        links: int = 16,
        ef_construction: int = 64,
        ef_search: int = 100,
        target_recall: float = 0.99,
        build_memory: str = "512MB",
    ):
        """Set the options of the index, without connecting.

        ``alias``: name of the database in ``DATABASES``. Above ``flat_up_to`` vectors,
        :meth:`optimise` builds a ``structure`` using ``build_memory``: a graph with ``links`` per
        vector, in which a larger ``ef_search`` finds more and is slower, or inverted lists, of
        which a search reads enough for ``target_recall``. Raises ValueError for an invalid ``name``
        or ``structure``.
        """
        super().__init__(dim, name=name)
        if not re.fullmatch(r"\w{1,40}", name, re.ASCII):
            raise ValueError(f"the name must be 1 to 40 letters, digits or _, not {name!r}")
        if structure not in ("hnsw", "ivf"):
            raise ValueError(f"structure must be hnsw or ivf, not {structure!r}")
        self.structure, self.target_recall = structure, target_recall
        self.alias, self.flat_up_to, self.ef_search = alias, flat_up_to, ef_search
        self.links, self.ef_construction = links, ef_construction
        self.build_memory = build_memory
        self.table = f'"visualsearch_index_{name}"'
        self._read: Lists | None = None

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
        self._read = None
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
            wanted = self._passing(cursor, among, inner, values)
            found = [] if wanted.few else self._walk(cursor, query, k, wanted)
            if len(found) < k:
                found = self._compare(cursor, query, k, inner, values)
        ids = np.array([row[0] for row in found], np.int64)
        scores = -np.array([row[1] for row in found], np.float32)
        best = np.argsort(-scores, kind="stable")
        return ids[best], scores[best]

    def _passing(self, cursor: Any, among: Among, inner: str, values: list[Any]) -> Passing:
        """Return what is known of the ids in ``among``; see :func:`selection` for the others.

        Reads at most :data:`FEW` rows, and the planner's estimates for more.
        """
        if among is None:
            return Passing()
        if not isinstance(among, QuerySet):
            few = len(among) <= FEW or self._compares_faster(cursor, len(among))
            return Passing(inner=inner, values=values, rows=len(among), few=few)
        cursor.execute(
            f"SELECT count(*) FROM (SELECT FROM ({inner}) AS given LIMIT {FEW + 1}) AS wanted",
            values,
        )
        if int(cursor.fetchone()[0]) <= FEW:
            return Passing(inner=inner, values=values, rows=FEW, few=True)
        rows, all_cost = estimate(cursor, inner, values)
        _, one_cost = estimate(cursor, f"SELECT FROM ({inner}) AS given (id) WHERE id = 1", values)
        return Passing(
            inner=inner,
            values=values,
            rows=rows,
            few=self._compares_faster(cursor, rows),
            one_by_one=one_cost * CHECKS < all_cost,
        )

    def _compares_faster(self, cursor: Any, rows: int) -> bool:
        """Return whether comparing ``rows`` ids takes less than reading lists until enough pass."""
        lists = self._lists(cursor)
        return bool(lists.count) and rows * FETCH < lists.vectors(rows)

    def _lists(self, cursor: Any) -> Lists:
        """Return the inverted lists of the table, read once; without any, their count is 0."""
        if self._read is None:
            cursor.execute("SELECT obj_description(%s::regclass)", [self.table])
            measured = json.loads(cursor.fetchone()[0] or "{}")
            self._read = Lists(
                **{name: measured.get(name, 0) for name in ("count", "probes", "size")}
            )
        return self._read

    def _walk(
        self, cursor: Any, query: Float32, k: int, wanted: Passing
    ) -> list[tuple[int, float]]:
        """Return the nearest (id, distance) pairs by the graph or lists; maybe fewer than ``k``.

        The distance is the negative inner product. Without either, PostgreSQL scans the table.
        """
        effort = min(LARGEST_EF, max(self.ef_search, 2 * k))
        probes = self._lists(cursor).probes_for(k, wanted.rows)
        cursor.execute(
            "SELECT set_config('hnsw.ef_search', %s, true),"
            " set_config('hnsw.iterative_scan', 'relaxed_order', true),"
            " set_config('ivfflat.probes', %s, true),"
            " set_config('ivfflat.iterative_scan', 'relaxed_order', true)",
            [str(effort), str(probes)],
        )
        cursor.execute(
            f"SELECT id, vector <#> %s::halfvec AS distance FROM {self.table} AS stored"
            f" {wanted.condition()} ORDER BY distance LIMIT %s",
            [as_text(query), *wanted.values, k],
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
        """Build the graph or lists above ``flat_up_to`` vectors, and store their recall."""
        size = len(self)
        if size <= self.flat_up_to:
            return
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT set_config('maintenance_work_mem', %s, true)", [self.build_memory]
            )
            # As in FaissIndex: a vector that helped to place the centres is easier to find.
            held_out, queries = self._hold_out(cursor)
            measured: dict[str, Any] = {}
            if self.structure == "hnsw":
                way = f"hnsw (vector halfvec_ip_ops) WITH (m = {int(self.links)},"
                way += f" ef_construction = {int(self.ef_construction)})"
            else:
                measured = {"count": int(2 * size**0.5), "size": size}
                way = f"ivfflat (vector halfvec_ip_ops) WITH (lists = {measured['count']})"
            cursor.execute(f"CREATE INDEX ON {self.table} USING {way}")
            cursor.execute(f"ANALYZE {self.table}")
            tenths = self._tenths(cursor, queries)
            for probes in PROBES if measured else (0,):
                self._read = Lists(**measured, probes=probes)
                recall = self._recall(cursor, queries, tenths)
                if recall >= self.target_recall or 2 * probes > self._read.count:
                    break
            if measured:
                measured["probes"] = probes
            self.add(held_out, queries)
            text = json.dumps({"recall@10": round(recall, 4)} | measured)
            cursor.execute(f"COMMENT ON TABLE {self.table} IS '{text}'")

    def _hold_out(self, cursor: Any) -> tuple[Ids, Float32]:
        """Remove some vectors, to measure with; return their ids (N,) and themselves (N, dim)."""
        cursor.execute(
            f"DELETE FROM {self.table} WHERE id IN (SELECT id FROM {self.table}"
            f" ORDER BY hashint8(id) LIMIT {QUERIES}) RETURNING id, vector::text"
        )
        rows = list(cursor.fetchall())
        vectors = np.array([json.loads(text) for _, text in rows], np.float32)
        return np.array([key for key, _ in rows], np.int64), vectors

    def _tenths(self, cursor: Any, queries: Float32) -> list[float]:
        """Return the tenth smallest distance to each query (N, dim), by comparing all."""
        best = np.full((len(queries), 10), -np.inf, np.float32)
        for _ids, vectors in self._stored(cursor):
            scores = np.concatenate([best, queries @ vectors.astype(np.float32).T], axis=1)
            best = -np.partition(-scores, 9, axis=1)[:, :10]
        tenths: list[float] = (-best.min(axis=1)).tolist()
        return tenths

    def _stored(self, cursor: Any) -> Iterator[tuple[Ids, NDArray[np.float16]]]:
        """Yield ids (N,) and vectors (N, dim) of the whole table in parts."""
        row = binary_row(self.dim)
        with cursor.copy(f"COPY {self.table} (id, vector) TO STDOUT (FORMAT binary)") as copy:
            header, parts, size = 19, [], 0
            for part in copy:
                parts.append(bytes(part)[header:])
                header, size = 0, size + len(parts[-1])
                if size > PART:
                    yield from whole_rows(parts, row)
                    size = len(parts[0])
            yield from whole_rows(parts, row)

    def _recall(self, cursor: Any, queries: Float32, tenths: list[float]) -> float:
        """Return the recall@10 of queries (N, dim); ``tenths``: see :meth:`_tenths`."""
        found = 0
        for query, tenth in zip(queries, tenths, strict=True):
            near = self._walk(cursor, query, 10, Passing())
            found += sum(distance <= tenth + 1e-6 for _, distance in near)
        return found / max(1, 10 * len(queries))

    def describe(self) -> dict[str, Any]:
        with self._cursor() as cursor:
            cursor.execute(
                "SELECT obj_description(%s::regclass), pg_total_relation_size(%s::regclass)",
                [self.table, self.table],
            )
            measured, size = cursor.fetchone()
        if measured is None:
            return {"structure": "flat", "memory_bytes": size}
        known = json.loads(measured)
        described = {"structure": self.structure, "memory_bytes": size}
        described["recall@10"] = known["recall@10"]
        if "count" in known:
            return described | {"lists": known["count"], "probes": known["probes"]}
        return described | {"links": self.links, "ef_search": self.ef_search}


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
