"""Start, measure and stop server processes together with their children."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil

from benchmarks.search.clients import Connection
from benchmarks.search.places import ROOT

# Seconds; TensorFlow starts slowly.
START, STOP = 90, 10
KINDS = ("rss", "uss", "pss")


def start(command: list[str], environment: dict[str, str], log: Path) -> subprocess.Popen[bytes]:
    """Start a process in its own process group, with its output in ``log``."""
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as file:
        return subprocess.Popen(
            command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )


def stop(process: subprocess.Popen[bytes]) -> None:
    """Terminate a process, then kill the rest of its group and its children."""
    left = family(process.pid)
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(STOP)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    for each in left:
        with suppress(psutil.NoSuchProcess):
            each.kill()


def listens(port: int) -> bool:
    """Return whether a port of 127.0.0.1 accepts connections."""
    try:
        socket.create_connection(("127.0.0.1", port), 1).close()
    except OSError:
        return False
    return True


def wait_for(process: subprocess.Popen[bytes], port: int, request: bytes, log: Path) -> None:
    """Wait until a server responds to an HTTP request with 200.

    Raises RuntimeError with the end of ``log`` if it responds with an error, exits or takes too
    long.
    """
    end = time.monotonic() + START
    answer: object = "nothing"
    while time.monotonic() < end and process.poll() is None:
        try:
            answer = Connection(port, START).post(request)
            if answer[0] == 200:
                return
            if answer[0] not in (502, 503, 504):
                break  # a permanent error
        except OSError as error:
            answer = error
        time.sleep(0.2)
    log_end = log.read_text("utf-8", "replace")[-3000:]
    raise RuntimeError(f"{process.args!r} answers {answer!r}:\n{log_end}")


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all its descendants; empty if it has exited."""
    try:
        head = psutil.Process(pid)
        return [head, *head.children(recursive=True)]
    except psutil.NoSuchProcess:
        return []


def cpu_seconds(roots: Mapping[str, int]) -> dict[str, float]:
    """Return the CPU seconds used so far by each process tree, by name.

    ``roots``: process ids by name. A parent's times include its finished children, so that
    differences are complete.
    """
    found = {}
    for name, pid in roots.items():
        found[name] = 0.0
        for process in family(pid):
            with suppress(psutil.NoSuchProcess):
                found[name] += sum(process.cpu_times()[:4])
    return found


def spent(before: Mapping[str, float], after: Mapping[str, float]) -> dict[str, float]:
    """Return the CPU seconds by name between two results of :func:`cpu_seconds`."""
    return {name: round(after[name] - before[name], 3) for name in before}


def memory(roots: Mapping[str, int]) -> list[dict[str, Any]]:
    """Return RSS, USS and PSS of each process in MB: resident, unique and proportional memory.

    ``roots``: process ids by name; their descendants are included.
    """
    found = []
    for name, pid in roots.items():
        for process in family(pid):
            with suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                full = process.memory_full_info()
                sizes = {
                    kind: round(getattr(full, kind) / 1e6, 1) for kind in ("rss", "uss", "pss")
                }
                found.append({"name": name, "pid": process.pid, **sizes})
    return found
