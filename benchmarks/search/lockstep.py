"""Worker processes that are asked for one call at a time.

Two of them are asked in turns, A B A B, so that whatever else happens on the machine happens to
both. They import what they measure and nothing of each other. Standard library only: peers run
this in environments of their own.
"""

from __future__ import annotations

import gc
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

Answer = dict[str, Any]


class Worker:
    """The asking side of a worker process."""

    def __init__(self, command: list[str], environment: dict[str, str]):
        self.process = subprocess.Popen(
            command,
            env=environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def send(self, **request: Any) -> None:
        """Ask without waiting."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def receive(self) -> Answer:
        """The answer to the oldest request; raises RuntimeError when the worker ended."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args} ended with {self.process.wait()}")
        answer: Answer = json.loads(line)
        return answer

    def ask(self, **request: Any) -> Answer:
        """Ask and wait."""
        self.send(**request)
        return self.receive()

    def close(self) -> None:
        """End it, whatever it does."""
        self.process.kill()
        self.process.wait()


@contextmanager
def workers(*commands: tuple[list[str], dict[str, str]]) -> Iterator[list[Worker]]:
    """Workers by command and environment; closed at the end."""
    made: list[Worker] = []
    try:
        for command, environment in commands:
            made.append(Worker(command, environment))
        yield made
    finally:
        for worker in made:
            worker.close()


@cache
def content(path: str) -> bytes:
    """A file's bytes, read once."""
    return Path(path).read_bytes()


def serve(call: Callable[[bytes], Answer]) -> None:
    """The answering side: ``call`` with a photo's bytes returns its stages in ms, and more.

    ``{"photo": path}`` is one call; ``{"photos": [...], "seconds": s}`` as many as fit in.
    """
    # What libraries print goes to stderr.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        answer = loop(call, **request) if "seconds" in request else once(call, **request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def once(call: Callable[[bytes], Answer], photo: str) -> Answer:
    """One call: ``ms`` and ``cpu_ms`` of all of it, unless it answers with its own."""
    data = content(photo)
    start, cpu = time.perf_counter(), time.process_time()
    answer = call(data)
    spent = (time.perf_counter() - start) * 1000
    return {"ms": spent, "cpu_ms": (time.process_time() - cpu) * 1000, **answer}


def loop(call: Callable[[bytes], Answer], photos: list[str], seconds: float) -> Answer:
    """Calls one after another: their ``ms``, the ``wall_s`` and ``cpu_s`` of all."""
    bodies = [content(photo) for photo in photos]
    spent: list[float] = []
    gc.collect()
    start, cpu = time.perf_counter(), time.process_time()
    last = start
    while last < start + seconds:
        call(bodies[len(spent) % len(bodies)])
        now = time.perf_counter()
        spent.append((now - last) * 1000)
        last = now
    return {"ms": spent, "wall_s": last - start, "cpu_s": time.process_time() - cpu}
