"""Crashed processes are restarted, and no process outlives the stack."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from shop.tools import supervisor
from shop.tools.compose import ROOT
from shop.tools.supervisor import Supervisor
from tests.stack.stack import START, Stack, until


@pytest.fixture
def stack(tmp_path):
    stack = Stack(tmp_path)
    yield stack
    stack.stop_all()


def test_supervisor__starts_again(stack):
    said = []
    watching = Supervisor(stack, said.append)
    stack.start("redis")
    stack.ready("redis")
    killed = stack.running["redis"].pid
    watching.look()
    assert said == []

    os.kill(killed, signal.SIGKILL)

    def is_back() -> bool:
        watching.look()
        return "redis" in stack.running and stack.running["redis"].pid != killed

    until(is_back, START, "not restarted")
    stack.ready("redis")
    assert "redis ended unexpectedly, by signal 9" in said[0]
    assert said[1] == "redis was restarted"


def test_supervisor__waits_longer_for_what_ends_again_and_again(stack, monkeypatch):
    monkeypatch.setattr(supervisor, "FIRST_WAIT", 0.01)
    watching = Supervisor(stack, lambda text: None)
    stack.commands["web"] = [sys.executable, "-c", "raise SystemExit(3)"]
    stack.start("web")

    def has_waited() -> bool:
        watching.look()
        return watching.waits.get("web", 0) >= 0.08

    until(has_waited, START, "no longer wait")


def test_database__killed_with_all_its_processes(stack):
    stack.start("db")
    stack.ready("db")
    family = psutil.Process(stack.running["db"].pid).children(recursive=True)
    assert family
    stack.kill("db")
    until(lambda: not any(map(psutil.Process.is_running, family)), START, "some are left")
    stack.start("db")
    stack.ready("db")


def test_watchdog__ends_what_a_killed_stack_leaves(stack, tmp_path):
    code = (
        "import sys, time; from pathlib import Path; from shop.tools.stack import Stack\n"
        "stack = Stack(Path(sys.argv[1]))\n"
        "stack.start('redis'); stack.ready('redis')\n"
        "print(stack.running['redis'].pid, stack.sockets, flush=True); time.sleep(600)"
    )
    command = [sys.executable, "-c", code, str(tmp_path / "killed")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout is not None
        number, sockets = owner.stdout.readline().split()
        server = psutil.Process(int(number))
        owner.kill()
    until(lambda: not server.is_running(), START, "the server is still there")
    until(lambda: not Path(sockets).exists(), START, "its folder is still there")
