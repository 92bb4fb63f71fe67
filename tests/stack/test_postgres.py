"""Tests of database-dependent behaviour (locks, order of commits, parameters) on PostgreSQL."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from shop.tools.compose import ROOT
from tests.stack.stack import Stack

SHARED = ["reindex/test_embeddings.py", "search/test_by_photo.py", "versions"]
MODULES = [*SHARED, "serving/test_loaded_versions.py", "test_signal_handlers.py"]
MODULES += ["reindex/test_chunks.py", "reindex/test_runs.py"]


@pytest.fixture
def database_url(tmp_path):
    stack = Stack(tmp_path)
    try:
        stack.start("db")
        stack.ready("db")
        yield stack.database_url
    finally:
        stack.stop_all()


@pytest.mark.parametrize(
    ("index", "modules"),
    [
        ("faiss.FaissIndex", MODULES),
        ("pgvector.PgvectorIndex", SHARED),
    ],
)
def test_database_tests__on_postgresql(database_url, index, modules):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *(f"tests/{name}" for name in modules)],
        cwd=ROOT,
        env={
            **os.environ,
            "DATABASE_URL": database_url,
            "INDEX_OF_TESTS": f"visualsearch.indexes.{index}",
        },
        capture_output=True,
        text=True,
        timeout=1800,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
