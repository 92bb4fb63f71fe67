"""Fixtures that run code in the oscar shop, each time in a process of its own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).resolve().parents[2]
START = """
from tests.oscar.script import *
start()
from oscar.apps.catalogue.models import *
"""


def execute(code: str, folder: Path, **environment: str) -> str:
    """Run code in the shop whose files are in ``folder``; return what it printed."""
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code],
        cwd=ROOT,
        env={
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.oscar.settings",
            "OSCAR_SHOP": str(folder),
            **environment,
        },
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.fixture(scope="session")
def tables(tmp_path_factory) -> Path:
    """A database file with the shop's empty tables."""
    folder = tmp_path_factory.mktemp("tables")
    execute("from tests.oscar.script import *\nmake_tables()", folder)
    return folder / "db.sqlite3"


@pytest.fixture
def run(tmp_path, tables) -> Callable[..., str]:
    """A function that runs code in an empty shop and returns what it printed."""
    shutil.copy(tables, tmp_path / "db.sqlite3")

    def run(code: str, **environment: str) -> str:
        return execute(START + dedent(code), tmp_path, **environment)

    return run
