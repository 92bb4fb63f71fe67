"""Run code in the other shop, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest

from tests.stack.stack import Stack

ROOT = Path(__file__).resolve().parents[2]
START = """
from tests.other_shop.script import *
start()
from tests.other_shop.models import *
"""


def environment_of(folder: Path, settings: dict[str, Any] | None = None) -> dict[str, str]:
    """Return the environment of a process of the shop with its files in ``folder``."""
    return {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.other_shop.settings",
        "OTHER_SHOP": str(folder),
        "SETTINGS": json.dumps(settings or {}),
    }


@pytest.fixture
def postgres(tmp_path):
    """A PostgreSQL with pgvector of this test alone."""
    stack = Stack(tmp_path)
    try:
        stack.start("db")
        stack.ready("db")
        yield stack
    finally:
        stack.stop_all()


def database_of(stack: Stack, **options: Any) -> dict[str, Any]:
    """Return the shop's setting DATABASES for a PostgreSQL."""
    place = {"NAME": "postgres", "USER": "postgres", "HOST": str(stack.sockets)}
    return {"default": {"ENGINE": "django.db.backends.postgresql", **place, "OPTIONS": options}}


@pytest.fixture
def run(tmp_path):
    """A function that runs code in the shop and returns what it printed.

    ``settings``: replaces or adds Django settings; ``environment``: see the shop's settings.
    """

    def run(code: str, settings: dict[str, Any] | None = None, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", START + dedent(code)],
            cwd=ROOT,
            env={**environment_of(tmp_path, settings), **environment},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip() + (f"\n{done.stderr}" if "logged" in environment else "")

    return run
