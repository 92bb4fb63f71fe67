"""Run code in the other shop, in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

ROOT = Path(__file__).resolve().parents[2]
START = """
from tests.other_shop.script import *
start()
from tests.other_shop.models import *
"""


@pytest.fixture
def run(tmp_path):
    """A function that runs code in the shop and returns what it printed."""

    def run(code: str, **environment: str) -> str:
        done = subprocess.run(
            [sys.executable, "-W", "ignore", "-c", START + dedent(code)],
            cwd=ROOT,
            env={
                **os.environ,
                "DJANGO_SETTINGS_MODULE": "tests.other_shop.settings",
                "OTHER_SHOP": str(tmp_path),
                **environment,
            },
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip() + (f"\n{done.stderr}" if "logged" in environment else "")

    return run
