"""Measure build, load and search time, memory and recall of the index back ends by size.

``python -m benchmarks.index_scale`` writes ``index-scale.json``, ``.md`` and ``.png`` (the last
needs matplotlib). Searches run one after another on one thread. Database servers are started from
their pip packages and measured up to ``--server-limit`` vectors. See vectors.py for the data.
"""

from __future__ import annotations

import argparse
import itertools
import json
import multiprocessing
import os
import tempfile
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager, nullcontext
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.report import draw, table
from benchmarks.servers import milvus_lite, postgresql
from benchmarks.vectors import Catalog, Float32
from visualsearch.indexes.base import Ids, Index
from visualsearch.indexes.faiss import FaissIndex

K = 10
SHARES = {"all": 1.0, "50%": 0.5, "10%": 0.1, "1%": 0.01, "0.1%": 0.001}
SERVERS = ("pgvector", "milvus")
STRUCTURES = {"faiss": "auto", "faiss-hnsw": "hnsw"}


class Task:
    """Queries to measure an index of ``size`` vectors with, and the exact results.

    ``among``: the ids that each filter allows, by its name; None: all. ``wanted``: ids (queries,
    10) of the nearest vectors, by filter.
    """

    def __init__(self, catalog: Catalog, size: int, queries: int):
        self.queries = catalog.queries(queries)
        self.shuffled = np.random.default_rng(1).permutation(size) + 1
        self.among: dict[str, Ids | None] = {
            name: None if share == 1 else self.shuffled[: max(1, round(size * share))]
            for name, share in SHARES.items()
        }
        self.wanted = nearest(catalog, size, self.queries, self.among)


def nearest(
    catalog: Catalog, size: int, queries: Float32, filters: Mapping[str, Ids | None]
) -> dict[str, Ids]:
    """Return the ids (queries, 10) of the nearest vectors by exact float32 search, by filter.

    ``queries`` (queries, dim). ``filters``: ids to search by the filter's name; None: all. Missing
    results are -1.
    """
    allowed = {name: allowed_places(size, among) for name, among in filters.items()}
    best_ids = {name: np.full((len(queries), K), -1, np.int64) for name in filters}
    best = {name: np.full((len(queries), K), -np.inf, np.float32) for name in filters}
    for ids, vectors in catalog.batches(size):
        scores = queries @ vectors.T
        for name, mask in allowed.items():
            keep = mask[ids]
            both = np.concatenate([best[name], scores[:, keep]], axis=1)
            every = np.concatenate([best_ids[name], np.tile(ids[keep], (len(queries), 1))], axis=1)
            first = np.argpartition(-both, K - 1, axis=1)[:, :K]
            best[name] = np.take_along_axis(both, first, 1)
            best_ids[name] = np.take_along_axis(every, first, 1)
    return best_ids


def allowed_places(size: int, among: Ids | None) -> NDArray[np.bool_]:
    """Return a mask (size + 1,) over ids: True for those in ``among``, for all if it is None."""
    mask = np.full(size + 1, among is None)
    if among is not None:
        mask[among] = True
    return mask


def measure(index: Index, task: Task, filters: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Search an index with the queries of ``task``, once for each filter.

    ``filters``: what the index gets in place of the ids in ``task.among``, by filter. Return
    p50 and p95 milliseconds and mean recall@10, by filter.
    """
    measured: dict[str, Any] = {}
    for name, among in (filters or task.among).items():
        index.search(task.queries[0], K, among=among)
        spent, shares = [], []
        for query, wanted in zip(task.queries, task.wanted[name], strict=True):
            start = time.perf_counter()
            ids, _ = index.search(query, K, among=among)
            spent.append((time.perf_counter() - start) * 1000)
            right = set(wanted[wanted >= 0].tolist())
            shares.append(len(right & set(ids.tolist())) / len(right))
        measured[name] = {
            "p50_ms": round(float(np.median(spent)), 2),
            "p95_ms": round(float(np.percentile(spent, 95)), 2),
            "recall": round(float(np.mean(shares)), 4),
        }
    return measured


def build(index: Index, catalog: Catalog, size: int) -> float:
    """Fill an index with ``size`` vectors; return the seconds, without generating the vectors."""
    spent = 0.0
    for ids, vectors in catalog.batches(size):
        start = time.perf_counter()
        index.add(ids, vectors)
        spent += time.perf_counter() - start
    start = time.perf_counter()
    index.optimise()
    return round(spent + time.perf_counter() - start, 2)


def measure_file(path: Path, dim: int, task: Task) -> dict[str, Any]:
    """Load an index file and search it with the queries of ``task``.

    Return load time, memory and the results of :func:`measure`. Run this in a process that did not
    build the index. ``dim``: length of a vector.
    """
    before = resident()
    start = time.perf_counter()
    index = FaissIndex.load(path, dim)
    loading = round(time.perf_counter() - start, 3)
    measured = measure(index, task)
    return {
        "load_s": loading,
        "process_mb": resident(),
        "index_mb": resident() - before,
        **index.describe(),
        **measured,
    }


def resident() -> int:
    """Return the resident memory of this process in MiB."""
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 2**20


def faiss_row(
    structure: Any, options: dict[str, Any], catalog: Catalog, size: int, task: Task
) -> dict[str, Any]:
    """Build and save a FAISS index, and load and search it in a new process.

    ``structure`` and ``options``: those of FaissIndex, such as ``hnsw``. Return build and load
    seconds, file size, memory, and search times and recall by filter.
    """
    dim = task.queries.shape[1]
    index = FaissIndex(dim, structure=structure, **options)
    row: dict[str, Any] = {"build_s": build(index, catalog, size)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "index"
        index.save(path)
        row["file_mb"] = round(path.stat().st_size / 2**20, 1)
        del index
        context = multiprocessing.get_context("spawn")
        with ProcessPoolExecutor(1, context) as pool:
            return row | pool.submit(measure_file, path, dim, task).result()


def server_row(
    kind: type[Any], options: dict[str, Any], catalog: Catalog, size: int, task: Task
) -> dict[str, Any]:
    """Build and search an index in a database server, whose memory is not measured.

    ``kind`` and ``options``: class and arguments of the index. Return build seconds, and search
    times and recall by filter.
    """
    index = kind(task.queries.shape[1], name="scale", **options)
    index.create()
    try:
        seconds = build(index, catalog, size)
        filters = as_querysets(task) if index.joins else None
        return {"build_s": seconds, **index.describe(), **measure(index, task, filters)}
    finally:
        index.drop()


@cache
def row_model() -> Any:
    """Return the model of a table of vectors' ids and their places in a random order."""
    from django.db import models

    fields = {
        "id": models.BigIntegerField(primary_key=True),
        "place": models.IntegerField(db_index=True),
        "Meta": type("Meta", (), {"app_label": "scale"}),
    }
    return type("Row", (models.Model,), {"__module__": __name__, **fields})


def as_querysets(task: Task) -> dict[str, Any]:
    """Store which vectors each filter allows, and return the filters as querysets."""
    from django.db import connection

    rows = row_model()
    with connection.cursor() as cursor:
        cursor.execute("DROP TABLE IF EXISTS scale_row")
    with connection.schema_editor() as editor:
        editor.create_model(rows)
    with connection.cursor() as cursor, cursor.copy("COPY scale_row FROM STDIN") as copy:
        for place, key in enumerate(task.shuffled.tolist()):
            copy.write_row((key, place))
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE scale_row")
    return {
        name: None if among is None else rows._default_manager.filter(place__lt=len(among))
        for name, among in task.among.items()
    }


@contextmanager
def served(name: str) -> Iterator[tuple[type[Any], dict[str, Any]]]:
    """Start the database server of a back end; yield the index class and its options.

    ``name``: ``milvus`` or ``pgvector``.
    """
    if name == "milvus":
        from visualsearch.indexes.milvus import MilvusIndex

        with milvus_lite() as uri:
            yield MilvusIndex, {"uri": uri, "timeout": 600}
        return
    import django
    from django.conf import settings

    from visualsearch.indexes.pgvector import PgvectorIndex

    with postgresql() as folder:
        engine = {"ENGINE": "django.db.backends.postgresql", "NAME": "postgres"}
        settings.configure(DATABASES={"default": {**engine, "USER": "postgres", "HOST": folder}})
        django.setup()
        yield PgvectorIndex, {}


def measured_rows(args: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """Measure each back end, dimension and size of the options; yield the results of each."""
    like = np.load(args.like) if args.like else None
    for backend in args.backends:
        with served(backend) if backend in SERVERS else nullcontext() as server:
            for dim, size in itertools.product(args.dims, args.sizes):
                if server and size > args.server_limit:
                    continue
                catalog = Catalog(dim, like)
                task = Task(catalog, size, args.queries)
                if server:
                    kind, options = server
                    row = server_row(kind, options | args.options, catalog, size, task)
                else:
                    row = faiss_row(STRUCTURES[backend], args.options, catalog, size, task)
                yield {"backend": backend, "dim": dim, "size": size, **row}


def numbers(text: str) -> list[int]:
    return [int(each) for each in text.replace("_", "").split(",")]


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--backends", default="faiss", type=lambda text: text.split(","),
                        help=f"any of {', '.join((*STRUCTURES, *SERVERS))}")  # fmt: skip
    parser.add_argument("--sizes", default="1000,10000,100000,1000000", type=numbers)
    parser.add_argument("--dims", default="256,320", type=numbers)
    parser.add_argument("--queries", default=200, type=int)
    parser.add_argument("--server-limit", default=100_000, type=int, metavar="N")
    parser.add_argument("--options", default={}, type=json.loads, metavar="JSON",
                        help='options of the index, such as {"ef_search": 200}')  # fmt: skip
    parser.add_argument("--like", type=Path, metavar="FILE.npy", help="real embeddings (N, dim)")
    parser.add_argument("--out", default=Path(), type=Path, metavar="FOLDER")
    args = parser.parse_args()
    if unknown := set(args.backends) - {*STRUCTURES, *SERVERS}:
        parser.error(f"unknown back ends: {', '.join(sorted(unknown))}")
    return args


def main(args: argparse.Namespace) -> None:
    args.out.mkdir(parents=True, exist_ok=True)
    done = []
    for row in measured_rows(args):
        done.append(row)
        print(json.dumps(row), flush=True)
        # Written after each row, so that a crash loses only the row in progress.
        (args.out / "index-scale.json").write_text(json.dumps(done, indent=1), "utf-8")
        (args.out / "index-scale.md").write_text(table(done), "utf-8")
    draw(done, args.out / "index-scale.png")
    print(table(done))


if __name__ == "__main__":
    main(parse_args())
