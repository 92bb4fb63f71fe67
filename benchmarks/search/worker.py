"""Benchmark sections on the search worker: long run, memory growth and start time."""

from __future__ import annotations

import statistics
import time
from typing import Any

from benchmarks.search import processes, variants
from benchmarks.search.catalog import ready
from benchmarks.search.clients import drive
from benchmarks.search.places import USUAL_CATALOG
from benchmarks.search.sections import Found, Load, Plan, floor_saturated, loaded, show

SAMPLES = 10
CLIENTS = 8
# Seconds.
START_AT_MOST = 60.0


def soak(plan: Plan) -> Found:
    """Search our full stack with 8 clients without pause for ``plan.soak_s`` seconds.

    Return latency, throughput, errors, CPU time and memory.
    """
    ready(USUAL_CATALOG)
    before = floor_saturated(plan.usual, plan.saturated_s / 2)
    with variants.stack(USUAL_CATALOG, plan.usual[0]) as running:
        row = loaded(running, plan, Load(connections=CLIENTS), before["cpu_ms"], plan.soak_s)
        return {**row, "seconds": plan.soak_s, "memory": processes.memory(running.roots)}


def memory(plan: Plan) -> Found:
    """Return the search worker's memory, sampled ten times during ``plan.memory_searches``.

    The searches are by photos of 0.3 megapixels.
    """
    ready(USUAL_CATALOG)
    photos = plan.photos["0.3"]
    with variants.stack(USUAL_CATALOG, photos[0]) as running:
        worker = {"search": running.roots["search"]}
        samples = [sample(0, worker)]
        searches, errors = 0, 0
        for _ in range(SAMPLES):
            count = plan.memory_searches // SAMPLES
            got = drive(running.job(photos, connections=CLIENTS, searches=count, warm_up=0))
            searches += len(got["ms"])
            errors += sum(got["errors"].values())
            samples.append(sample(searches, worker))
            show("memory", f"{searches} searches", f"{samples[-1]['rss']} MB")
        return {"samples": samples, "errors": errors, "all": processes.memory(running.roots)}


def sample(searches: int, worker: dict[str, int]) -> Found:
    """Return the total memory of the worker's processes, in MB.

    ``searches``: number of searches so far. ``worker``: its process id by name.
    """
    rows = processes.memory(worker)
    sums = {kind: round(sum(row[kind] for row in rows), 1) for kind in processes.KINDS}
    return {"searches": searches, "processes": len(rows), **sums}


def start(plan: Plan) -> Found:
    """Return the seconds from starting a search worker to its first response, and their median."""
    ready(USUAL_CATALOG)
    with variants.stack(USUAL_CATALOG, plan.usual[0]) as running:
        seconds = []
        for number in range(plan.starts):
            running.stack.stop("search")
            begin = time.monotonic()
            running.stack.start("search")
            first_answer(running, plan.usual[number % len(plan.usual)])
            seconds.append(round(time.monotonic() - begin, 3))
            show("start", f"{seconds[-1]} s")
    return {"seconds": seconds, "median": statistics.median(seconds)}


def first_answer(running: variants.Server, photo: str) -> None:
    """Repeat a request until the response is 200; raise RuntimeError after 60 seconds."""
    job = running.job([photo])
    request = variants.prepared(job, photo)
    connection = processes.Connection(running.port, START_AT_MOST)
    end = time.monotonic() + START_AT_MOST
    while time.monotonic() < end:
        status, _ = connection.post(request)
        if status == 200:
            connection.close()
            return
        time.sleep(0.02)
    raise RuntimeError(f"no answer within {START_AT_MOST} s")


SECTIONS: dict[str, Any] = {"soak": soak, "memory": memory, "start": start}
