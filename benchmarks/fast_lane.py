"""Measure what a search costs on its way to a worker: the fast lane against a Celery task.

    python -m benchmarks.fast_lane [--rounds 400] [--json]

Runs the production stack with one search worker in a temporary folder. Both ways carry the same
request, alternately: products similar to an unknown one, which a worker answers at once. Prints the
median milliseconds until the reply, and the CPU milliseconds of the sender, Redis and the worker
together.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import psutil

from shop.tools.stack import Stack

WARM_UP = 50


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.fast_lane",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--rounds", type=int, default=400)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--pids", help=argparse.SUPPRESS)  # of Redis and the worker
    return parser.parse_args()


def run_stack(rounds: int) -> dict[str, dict[str, float]]:
    """Start PostgreSQL, Redis and a search worker, and compare both ways in a new process.

    ``rounds``: requests per way. Return ``latency_ms`` and ``processor_ms`` of each.
    """
    with TemporaryDirectory() as folder:
        stack = Stack(Path(folder))
        try:
            for name in ("db", "redis", "migrate", "search"):
                stack.start(name)
                stack.ready(name)
            pids = ",".join(str(stack.running[name].pid) for name in ("redis", "search"))
            done = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "benchmarks.fast_lane",
                    f"--rounds={rounds}",
                    "--pids",
                    pids,
                ],
                env=stack.environment,
                stdout=subprocess.PIPE,
                check=True,
                text=True,
            )
        finally:
            stack.stop_all()
    found: dict[str, dict[str, float]] = json.loads(done.stdout)
    return found


def measure(rounds: int, pids: list[int]) -> dict[str, dict[str, float]]:
    """Send the request both ways alternately; return ``latency_ms`` and ``processor_ms`` of each.

    ``rounds``: requests per way. ``pids``: Redis and the worker, whose CPU time is counted with the
    sender's.
    """
    import django

    django.setup()
    from visualsearch import tasks
    from visualsearch.search.requests import SimilarRequest
    from visualsearch.search_queue import dispatch, redis_queue

    request = SimilarRequest(item="unknown")

    def fast_lane(name: str) -> None:
        redis_queue.post(dispatch.job_of(request, None, 60), name)

    def celery_task(name: str) -> None:
        redis_queue.store(dispatch.job_of(request, None, 60), name)
        tasks.search.apply_async(args=(name,), ignore_result=True)

    ways: dict[str, Callable[[str], None]] = {"fast lane": fast_lane, "Celery task": celery_task}
    processes = [psutil.Process(pid) for pid in (*pids, os.getpid())]
    latency: dict[str, list[float]] = {name: [] for name in ways}
    spent = dict.fromkeys(ways, 0.0)
    for turn in range(WARM_UP + rounds):
        for way, send in ways.items():
            name = uuid.uuid4().hex
            before, start = busy(processes), time.perf_counter()
            send(name)
            assert redis_queue.wait(name, request.kind, 60).failure
            if turn >= WARM_UP:
                latency[way].append((time.perf_counter() - start) * 1000)
                time.sleep(0.01)  # the worker goes on after its reply
                spent[way] += busy(processes) - before
    return {
        way: {
            "latency_ms": round(statistics.median(latency[way]), 2),
            "processor_ms": round(spent[way] * 1000 / rounds, 2),
        }
        for way in ways
    }


def busy(processes: list[psutil.Process]) -> float:
    """Return the CPU seconds that these processes have used so far."""
    return sum(sum(each.cpu_times()[:2]) for each in processes)


def main() -> None:
    args = parse_args()
    if args.pids:
        print(json.dumps(measure(args.rounds, [int(pid) for pid in args.pids.split(",")])))
        return
    found = run_stack(args.rounds)
    if args.json:
        print(json.dumps(found))
        return
    for way, figures in found.items():
        print(
            f"{way:12} {figures['latency_ms']:6.2f} ms, processor {figures['processor_ms']:.2f} ms"
        )


if __name__ == "__main__":
    main()
