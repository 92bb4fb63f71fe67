"""The sections of the benchmark: each measures something and returns a JSON value."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, median
from typing import Any

from benchmarks.search import variants
from benchmarks.search.catalog import folder_of, ready
from benchmarks.search.clients import drive
from benchmarks.search.figures import summary
from benchmarks.search.lockstep import Worker, workers
from benchmarks.search.places import (
    CATALOGS,
    MEGAPIXELS,
    SMALL_PHOTO,
    USUAL_CATALOG,
    USUAL_PHOTO,
    environment,
)
from benchmarks.search.places import shop as shop_of
from benchmarks.search.processes import cpu_seconds, memory, spent

Found = dict[str, Any]
# Servers of ours.
OURS = ("eager", "stack")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How much to measure: numbers of searches, or seconds if a name ends in ``_s``.

    ``photos``: paths by megapixels. ``sizes``: products per catalog. ``pairs``: calls of each
    worker in comparisons. ``single``: searches of a single client. ``starts``: restarts of a
    worker. ``pictures``: images to index.
    """

    photos: dict[str, list[str]]
    sizes: tuple[int, ...] = CATALOGS
    megapixels: tuple[str, ...] = MEGAPIXELS
    pairs: int = 200
    single: int = 150
    floor_block: int = 60
    connections: tuple[int, ...] = (1, 2, 4, 8)
    saturated_s: float = 15.0
    soak_s: float = 300.0
    memory_searches: int = 10_000
    starts: int = 5
    pictures: int = 1200

    @property
    def usual(self) -> list[str]:
        """The photos of 4 megapixels, on which most measurements are made."""
        return self.photos[USUAL_PHOTO]


def floor_command(size: int) -> tuple[list[str], dict[str, str]]:
    """Return command and environment of a worker that runs the bare parts of a search.

    ``size``: products in the catalog.
    """
    command = [sys.executable, "-m", "benchmarks.search.floor", str(folder_of(size))]
    return command, environment()


def our_command(size: int) -> tuple[list[str], dict[str, str]]:
    """Return command and environment of a worker that runs our search.

    ``size``: products in the catalog.
    """
    return [sys.executable, "-m", "benchmarks.search.ours"], shop_of(folder_of(size))


def in_turns(names: list[str], asked: list[Worker], photos: list[str], count: int) -> Found:
    """Call workers alternately with ``photos``, ``count`` times each after a warm-up.

    ``names``: a name for each of the workers ``asked``. Return their responses by name.
    """
    found: dict[str, list[Found]] = {name: [] for name in names}
    for number in range(-len(photos), count):
        for name, worker in zip(names, asked, strict=True):
            answer = worker.ask(photo=photos[number % len(photos)])
            if number >= 0:
                found[name].append(answer)
    return found


def summed(answers: list[Found]) -> Found:
    """Summarise responses: latency, mean CPU time and the median of each stage, all in ms."""
    stages = answers[0]["stages"]
    return {
        **summary([each["ms"] for each in answers]),
        "cpu_ms": round(fmean(each["cpu_ms"] for each in answers), 3),
        "stages": {
            name: round(median(each["stages"].get(name, 0.0) for each in answers), 3)
            for name in stages
        },
    }


def in_process(plan: Plan) -> list[Found]:
    """Compare our search with its bare parts (``floor``), by catalog and photo size.

    Both are called alternately.
    """
    names = ["floor", "ours"]
    rows = []
    for size in plan.sizes:
        ready(size)
        with workers(floor_command(size), our_command(size)) as asked:
            for pixels in plan.megapixels:
                found = in_turns(names, asked, plan.photos[pixels], plan.pairs)
                rows.append({"catalog": size, "photo": pixels, **compared(found)})
                show("in process", f"{size:,} items", f"{pixels} MP", rows[-1]["ratio"])
    return rows


def compared(found: dict[str, list[Found]]) -> Found:
    """Return the summaries of ``floor`` and ``ours``, and the ratio of their medians."""
    row: Found = {name: summed(answers) for name, answers in found.items()}
    row["ratio"] = ratio(found["ours"], found["floor"])
    return row


def ratio(ours: list[Found], floor: list[Found]) -> float:
    """Return the ratio of the median milliseconds of two lists of responses."""
    return round(median(x["ms"] for x in ours) / median(x["ms"] for x in floor), 3)


def openvino(plan: Plan) -> Found:
    """Compare ONNX Runtime and OpenVINO, called alternately, on one thread each."""
    python = str(variants.venv("openvino"))
    model = json.loads((ready(plan.sizes[0]) / "parts.json").read_text("utf-8"))
    script = str(variants.PEERS / "openvino_worker.py")
    commands = [
        ([python, script, kind, model["model"], model["embedding"], str(model["side"])],
         environment())
        for kind in ("onnxruntime", "openvino")
    ]  # fmt: skip
    names = ["onnxruntime", "openvino"]
    with workers(*commands) as asked:
        found = in_turns(names, asked, plan.photos["0.3"], plan.pairs)
    row: Found = {name: summed(found[name]) for name in names}
    row["ratio"] = ratio(found["openvino"], found["onnxruntime"])
    show("openvino", "encode against ONNX Runtime", row["ratio"])
    return row


def floor_saturated(photos: list[str], seconds: float, count: int = 2) -> Found:
    """Run the bare parts of a search without pause in ``count`` processes for ``seconds``.

    Return latency in ms, searches per second, and CPU milliseconds per search.
    """
    with workers(*[floor_command(USUAL_CATALOG)] * count) as asked:
        for warm in (True, False):
            for worker in asked:
                worker.send(photos=photos, seconds=1.0 if warm else seconds)
            found = [worker.receive() for worker in asked]
    searches = sum(len(each["ms"]) for each in found)
    return {
        "processes": count,
        **summary([ms for each in found for ms in each["ms"]]),
        "per_s": round(sum(len(each["ms"]) / each["wall_s"] for each in found), 2),
        "cpu_ms": round(sum(each["cpu_s"] for each in found) / searches * 1000, 3),
    }


def floor(plan: Plan) -> Found:
    """Measure the bare parts of a search under full load, in one process and in two at once."""
    ready(USUAL_CATALOG)
    seconds = plan.saturated_s
    found = {
        "alone": floor_saturated(plan.usual, seconds, 1),
        "both": floor_saturated(plan.usual, seconds, 2),
    }
    show("floor", *(f"{name}: {row['cpu_ms']} ms CPU" for name, row in found.items()))
    return found


def server(name: str) -> Callable[[Plan], Found]:
    """Return the section of a server: one client by photo size, many clients, memory."""

    def measure(plan: Plan) -> Found:
        ready(USUAL_CATALOG)
        few = plan.connections[::2] if name.startswith("tutorial") else plan.connections
        loads = [Load(connections=each) for each in few]
        loads.append(Load(photo=SMALL_PHOTO, connections=few[-1]))
        if name in OURS:
            loads.append(Load(connections=few[-1], raw=True))
        floors = {
            pixels: floor_saturated(plan.photos[pixels], plan.saturated_s / 2)
            for pixels in (USUAL_PHOTO, SMALL_PHOTO)
        }
        with variants.STARTERS[name](USUAL_CATALOG, plan.usual[0]) as running:
            found = {"label": variants.LABELS[name], "idle": idle(plan, running)}
            found["saturated"] = [
                loaded(running, plan, load, floors[load.photo]["cpu_ms"], plan.saturated_s)
                for load in loads
            ]
            found["memory"] = memory(running.roots)
        return {**found, "floor_saturated": floors}

    return measure


def idle(plan: Plan, running: variants.Server) -> list[Found]:
    """Measure a server with one client, by photo size.

    Return latency, errors and CPU milliseconds per search, and the latency's ratio to that of a
    search's bare parts (``floor``), which are measured before and after each size.
    """
    rows = []
    with workers(floor_command(USUAL_CATALOG)) as asked:
        for pixels in plan.megapixels:
            photos = plan.photos[pixels]
            count = plan.single // (6 if running.name == "tutorial" else 1)
            blocks = in_turns(["floor"], asked, photos, plan.floor_block)["floor"]
            before = cpu_seconds(running.roots)
            # CPU time includes the warm-up, latency does not.
            job = running.job(photos, searches=count, warm_up=len(photos))
            got = drive(job)
            used = spent(before, cpu_seconds(running.roots))
            blocks += in_turns(["floor"], asked, photos, plan.floor_block)["floor"]
            at_floor = summed(blocks)
            row: Found = {"photo": pixels, "catalog": USUAL_CATALOG, **summary(got["ms"])}
            row |= {"floor": at_floor, "errors": got["errors"]}
            row["cpu_ms"] = per_search(used, len(got["ms"]) + len(photos))
            row["ratio"] = round(row["p50"] / at_floor["p50"], 3)
            row["over_ms"] = round(row["p50"] - at_floor["p50"], 3)
            rows.append(row)
            show(f"{pixels} MP", f"p50 {row['p50']} ms", f"{row['ratio']} x floor")
    return rows


@dataclass(frozen=True, kw_only=True)
class Load:
    """A load without pause: megapixels of the photos, number of clients, form of the body."""

    photo: str = USUAL_PHOTO
    connections: int
    raw: bool = False


def loaded(
    running: variants.Server, plan: Plan, load: Load, floor_cpu_ms: float, seconds: float
) -> Found:
    """Measure a server under a load for ``seconds``.

    Return latency, throughput, errors and CPU time. ``cpu_ratio`` compares its CPU time per search
    with ``floor_cpu_ms``, that of a search's bare parts.
    """
    connections, photos = load.connections, plan.photos[load.photo]
    options = {"connections": connections, "raw": load.raw}
    drive(running.job(photos, searches=connections, warm_up=1, **options))
    before = cpu_seconds(running.roots)
    got = drive(running.job(photos, seconds=seconds, warm_up=0, **options))
    used = spent(before, cpu_seconds(running.roots))
    searches = len(got["ms"])
    row: Found = {
        **vars(load),
        **summary(got["ms"]),
        "per_s": round(searches / got["wall_s"], 2),
        "errors": got["errors"],
        "cpu_ms": per_search(used, searches),
        "cpu_ms_all": round(sum(used.values()) / max(1, searches) * 1000, 3),
        "client_cpu_ms": round(got["cpu_s"] / max(1, searches) * 1000, 3),
    }
    row["cpu_ratio"] = round(row["cpu_ms_all"] / floor_cpu_ms, 3)
    form = "raw" if load.raw else "form"
    show(
        f"{connections} clients",
        f"{load.photo} MP",
        form,
        f"{row['per_s']}/s",
        f"p99 {row.get('p99')} ms",
    )
    return row


def per_search(used: dict[str, float], searches: int) -> dict[str, float]:
    """Return the CPU milliseconds per search of each process tree, by name.

    ``used``: CPU seconds by name for all ``searches``.
    """
    return {name: round(value / max(1, searches) * 1000, 3) for name, value in used.items()}


def show(*words: object) -> None:
    """Print a line of progress."""
    print("  " + "  ".join(str(word) for word in words), flush=True)


def write_json(path: Path, value: Any) -> None:
    """Write a JSON file atomically, so that a crash loses no earlier results."""
    part = path.with_suffix(".part")
    part.write_text(json.dumps(value, indent=1), "utf-8")
    part.replace(path)
