"""Worker processes that answer one call at a time, for comparisons in turns.

Two workers are called alternately, A B A B, so that noise on the machine affects both. Each imports
only what it measures. This module uses the standard library only, because peers run it in their own
environments.
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
    """A worker process, seen from its caller; requests and responses are lines of JSON."""

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
        """Send a request, such as ``photo="a.jpg"``, without waiting for the response."""
        assert self.process.stdin is not None
        self.process.stdin.write(json.dumps(request) + "\n")
        self.process.stdin.flush()

    def receive(self) -> Answer:
        """Return the response to the oldest request; raise RuntimeError if the worker exited."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.process.args!r} ended with {self.process.wait()}")
        answer: Answer = json.loads(line)
        return answer

    def ask(self, **request: Any) -> Answer:
        """Send a request, such as ``photo="a.jpg"``, and return its response."""
        self.send(**request)
        return self.receive()

    def close(self) -> None:
        """Kill the worker."""
        self.process.kill()
        self.process.wait()


@contextmanager
def workers(*commands: tuple[list[str], dict[str, str]]) -> Iterator[list[Worker]]:
    """Start a worker for each (command, environment); kill them when the block ends."""
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
    """Return the bytes of a file, cached."""
    return Path(path).read_bytes()


def serve(call: Callable[[bytes], Answer]) -> None:
    """Answer requests on stdin, lines of JSON, by calling ``call`` with a photo's bytes.

    ``{"photo": path}`` calls it once; ``{"photos": [...], "seconds": s}`` calls it for ``s``
    seconds. The responses are those of :func:`once` and :func:`loop`.
    """
    # Redirect what libraries print to stderr.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        request = json.loads(line)
        answer = loop(call, **request) if "seconds" in request else once(call, **request)
        answers.write(json.dumps(answer) + "\n")
        answers.flush()


def once(call: Callable[[bytes], Answer], photo: str) -> Answer:
    """Call with a photo's bytes; return the result, with ``ms`` and ``cpu_ms`` if missing."""
    data = content(photo)
    start, cpu = time.perf_counter(), time.process_time()
    answer = call(data)
    spent = (time.perf_counter() - start) * 1000
    return {"ms": spent, "cpu_ms": (time.process_time() - cpu) * 1000, **answer}


def loop(call: Callable[[bytes], Answer], photos: list[str], seconds: float) -> Answer:
    """Call with the photos' bytes in turn for ``seconds``.

    Return ``ms`` of each call, total ``wall_s`` and ``cpu_s``.
    """
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
