"""The performance requirements, and whether the measured results meet them.

Results are the contents of ``search.json``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.search.places import USUAL_CATALOG, USUAL_PHOTO

Results = dict[str, Any]
DEADLINE_MS = 5000.0


@dataclass(frozen=True, kw_only=True)
class Line:
    """A requirement, what was measured, and the verdict; ``passed`` is None if not measured."""

    what: str
    wanted: str
    measured: str
    passed: bool | None


def lines(results: Results) -> Iterator[Line]:
    """Yield every requirement with its measured value and verdict.

    ``results``: contents of ``search.json``.
    """
    for what, wanted, judge in JUDGES:
        try:
            measured, passed = judge(results)
        except (KeyError, StopIteration, IndexError):
            measured, passed = "not measured", None
        yield Line(what=what, wanted=wanted, measured=measured, passed=passed)


def row_of(rows: list[Results], **wanted: Any) -> Results:
    """Return the first row with these values; raise StopIteration if there is none."""
    return next(row for row in rows if all(row[name] == value for name, value in wanted.items()))


def usual(results: Results, server: str) -> Results:
    """Return a server's results with one client and a photo of 4 megapixels."""
    return row_of(results[server]["idle"], photo=USUAL_PHOTO)


def best(results: Results, server: str) -> Results:
    """Return a server's results at the number of clients with the highest throughput."""
    return max(results[server]["saturated"], key=lambda row: row["per_s"])


def in_process(results: Results) -> tuple[str, bool]:
    row = row_of(results["in_process"], catalog=USUAL_CATALOG, photo=USUAL_PHOTO)
    text = f"{row['ratio']:.2f} × ({row['ours']['p50']:.1f} against {row['floor']['p50']:.1f} ms)"
    return text, row["ratio"] <= 1.25


def rest_idle(results: Results) -> tuple[str, bool]:
    row = usual(results, "stack")
    text = f"floor + {row['over_ms']:.1f} ms; p95 {row['p95']:.1f} ms"
    return text, row["over_ms"] <= 8 and row["p95"] <= 40


def rest_saturated(results: Results) -> tuple[str, bool]:
    row = results["soak"]
    errors = sum(row["errors"].values())
    text = f"{row['cpu_ratio']:.2f} × ({row['cpu_ms_all']:.1f} ms), p99 {row['p99']:.0f} ms, "
    text += f"{errors} errors in {row['seconds']:.0f} s"
    good = row["cpu_ratio"] <= 1.6 and row["p99"] < DEADLINE_MS and errors == 0
    return text, good and row["seconds"] >= 300


def tutorial(name: str) -> Callable[[Results], tuple[str, bool]]:
    def judge(results: Results) -> tuple[str, bool]:
        found, good = [], True
        for server, words in (("eager", "without"), ("stack", "with")):
            faster = usual(results, name)["p50"] / usual(results, server)["p50"]
            more = best(results, server)["per_s"] / best(results, name)["per_s"]
            found.append(f"{words} Redis {faster:.1f} × faster, {more:.1f} × as many")
            good &= min(faster, more) >= 15
        return "; ".join(found), good

    return judge


def peer(name: str) -> Callable[[Results], tuple[str, bool]]:
    def judge(results: Results) -> tuple[str, bool]:
        theirs = best(results, name)["per_s"]
        shares = {each: best(results, each)["per_s"] / theirs for each in ("eager", "stack")}
        text = f"without Redis {shares['eager']:.2f} ×, with {shares['stack']:.2f} ×"
        text += f" of {theirs:.1f}/s"
        return text, min(shares.values()) >= 1

    return judge


def indexing(results: Results) -> tuple[str, bool]:
    row = results["indexing"]
    text = f"{row['ratio']:.2f} × ({row['per_s_run']:.1f} of {row['floor']:.1f} images/s);"
    text += f" {row['ratio_least']:.2f} × of decoding no larger than the model needs"
    text += f" ({row['floor_least']:.1f})"
    return text, row["ratio"] >= 0.8


def memory(results: Results) -> tuple[str, bool]:
    samples = results["memory"]["samples"]
    # The first batch of searches allocates lasting buffers; growth after it is a leak.
    first, last = samples[1]["rss"], samples[-1]["rss"]
    text = f"{samples[0]['rss']:.0f}, {first:.0f}, {last:.0f} MB before, after "
    text += f"{samples[1]['searches']} and after {samples[-1]['searches']} searches"
    enough = samples[-1]["searches"] >= 9_900
    return text, last < 350 and last <= first * 1.03 and enough


def start(results: Results) -> tuple[str, bool]:
    row = results["start"]
    return f"{row['median']:.2f} s, at most {max(row['seconds']):.2f}", row["median"] < 3


JUDGES: tuple[tuple[str, str, Callable[[Results], tuple[str, bool]]], ...] = (
    ("`search()` in process against the floor, median, 4 MP, 100,000 items", "≤ 1.25 ×",
     in_process),
    ("REST through Redis and a worker, one client, 4 MP", "≤ floor + 8 ms; p95 ≤ 40 ms",
     rest_idle),
    ("the same saturated, processor time of all our processes per search against the floor's"
     " in two processes at once", "≤ 1.6 ×, p99 < 5 s, no error in 300 s", rest_saturated),
    ("against the tutorial's app, median and searches per second", "≥ 15 ×",
     tutorial("tutorial")),
    ("the same where the tutorial compares by cosine", "≥ 15 ×", tutorial("tutorial_cosine")),
    ("against LitServe with the same parts, searches per second", "≥ 1.0 ×", peer("litserve")),
    ("against BentoML with the same parts, searches per second", "≥ 1.0 ×", peer("bentoml")),
    ("indexing on two cores against decoding and encoding alone", "≥ 0.8 ×", indexing),
    ("memory of a search worker with 100,000 items after 10,000 searches", "< 350 MB and flat",
     memory),
    ("start of a search worker until its first answer, 100,000 items", "< 3 s", start),
)  # fmt: skip
