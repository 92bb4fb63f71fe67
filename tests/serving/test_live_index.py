"""The names of an index's images are read by primary key."""

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from tests.helpers.reindex import reindex
from visualsearch.models import Embedding
from visualsearch.reindex import embeddings
from visualsearch.serving import loaded_versions


def plan_of(work):
    """Return SQLite's plan of the last statement of ``work`` that names an embedding's key."""
    if connection.vendor != "sqlite":
        pytest.skip("PostgreSQL chooses by its statistics")
    with CaptureQueriesContext(connection) as said:
        work()
    asked = [each["sql"] for each in said if 'embedding"."id" IN' in each["sql"]]
    with connection.cursor() as cursor:
        return [row[-1] for row in cursor.execute(f"EXPLAIN QUERY PLAN {asked[-1]}").fetchall()]


def test_names__by_primary_key(index_file, sold):
    reindex()
    live = loaded_versions.current()
    pks = list(Embedding.objects.values_list("pk", flat=True))
    (step,) = plan_of(lambda: live.names(pks))
    assert "INTEGER PRIMARY KEY" in step
    assert live.names(pks).keys() == set(pks)


def test_update_rows__by_primary_key(sold):
    reindex()
    rows = list(Embedding.objects.all())
    (step,) = plan_of(lambda: embeddings.update_rows(rows, removed=False))
    assert "INTEGER PRIMARY KEY" in step
