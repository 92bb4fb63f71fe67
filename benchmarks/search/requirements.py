"""The performance requirements, and whether the measured results meet them.

Results are the contents of ``search.json``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from benchmarks.search.places import SMALL_PHOTO, USUAL_CATALOG, USUAL_PHOTO

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


def best(results: Results, server: str, photo: str = USUAL_PHOTO, *, raw: bool = False) -> Results:
    """Return a server's results at the number of clients with the highest throughput."""
    rows = [
        row for row in results[server]["saturated"] if (row["photo"], row["raw"]) == (photo, raw)
    ]
    return max(rows, key=lambda row: row["per_s"])


def in_process(results: Results) -> tuple[str, bool]:
    texts, good = [], True
    for pixels, most in ((USUAL_PHOTO, 1.10), (SMALL_PHOTO, 1.30)):
        row = row_of(results["in_process"], catalog=USUAL_CATALOG, photo=pixels)
        ours, floor = row["ours"]["p50"], row["floor"]["p50"]
        texts.append(f"{pixels} MP: {row['ratio']:.2f} × ({ours:.1f} against {floor:.1f} ms)")
        good &= row["ratio"] <= most
    return "; ".join(texts), good


def one_client(results: Results) -> tuple[str, bool]:
    texts, good = [], True
    for server, words, most in (("eager", "without Redis", 1.5), ("stack", "with Redis", 1.7)):
        row = row_of(results[server]["idle"], photo=SMALL_PHOTO)
        texts.append(f"{words} {row['ratio']:.2f} ×")
        good &= row["ratio"] <= most
    return "; ".join(texts), good


def processor_time(results: Results) -> tuple[str, bool]:
    texts, good = [], True
    for server, words, most in (("eager", "without Redis", 1.15), ("stack", "with Redis", 1.25)):
        row = best(results, server)
        texts.append(f"{words} {row['cpu_ratio']:.2f} × ({row['cpu_ms_all']:.1f} ms)")
        good &= row["cpu_ratio"] <= most
    return "; ".join(texts), good


def soak(results: Results) -> tuple[str, bool]:
    row = results["soak"]
    errors = sum(row["errors"].values())
    text = f"p99 {row['p99']:.0f} ms, {errors} errors in {row['seconds']:.0f} s"
    return text, row["p99"] < DEADLINE_MS and errors == 0 and row["seconds"] >= 300


def tutorial(name: str) -> Callable[[Results], tuple[str, bool]]:
    def judge(results: Results) -> tuple[str, bool]:
        found, good = [], True
        for server, words in (("eager", "without"), ("stack", "with")):
            faster = usual(results, name)["p50"] / usual(results, server)["p50"]
            more = best(results, server)["per_s"] / best(results, name)["per_s"]
            found.append(f"{words} Redis {faster:.1f} × faster, {more:.1f} × as many")
            good &= faster >= 7.5 and more >= 10
        return "; ".join(found), good

    return judge


def peer(server: str, least: float) -> Callable[[Results], tuple[str, bool]]:
    def judge(results: Results) -> tuple[str, bool]:
        texts, good = [], True
        for name in ("litserve", "bentoml"):
            for pixels in (USUAL_PHOTO, SMALL_PHOTO):
                theirs = best(results, name, pixels)["per_s"]
                share = best(results, server, pixels)["per_s"] / theirs
                texts.append(f"{name}, {pixels} MP: {share:.2f} × of {theirs:.1f}/s")
                good &= share >= least
        return "; ".join(texts), good

    return judge


def raw(results: Results) -> tuple[str, bool]:
    texts, good = [], True
    for server, words in (("eager", "without Redis"), ("stack", "with Redis")):
        rows = [row for row in results[server]["saturated"] if row["photo"] == USUAL_PHOTO]
        one = next(row for row in rows if row["raw"])
        form = row_of(rows, raw=False, connections=one["connections"])
        share = one["per_s"] / form["per_s"]
        texts.append(f"{words} {share:.2f} ×")
        good &= share >= 1.1
    return "; ".join(texts), good


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
    ("`search()` in process against the floor, median, 100,000 items", "≤ 1.10 × at 4 MP, 1.30 ×"
     " at 0.3 MP", in_process),
    ("REST without Redis, searches per second, against peers with the same parts", "≥ 1.0 ×",
     peer("eager", 1.0)),
    ("REST through Redis and a worker, against the same", "≥ 0.95 ×", peer("stack", 0.95)),
    ("one client, 0.3 MP, against the floor", "≤ 1.5 × without Redis, 1.7 × with", one_client),
    ("a raw body against a form, searches per second, 4 MP", "≥ 1.1 ×", raw),
    ("saturated, processor time of all our processes per search against the floor's in two"
     " processes at once", "≤ 1.15 × without Redis, 1.25 × with", processor_time),
    ("8 clients through Redis", "p99 < 5 s, no error in 300 s", soak),
    ("against the tutorial's app, median and searches per second", "≥ 7.5 ×, 10 ×",
     tutorial("tutorial")),
    ("the same where the tutorial compares by cosine", "≥ 7.5 ×, 10 ×",
     tutorial("tutorial_cosine")),
    ("indexing on two cores against decoding and encoding alone", "≥ 0.8 ×", indexing),
    ("memory of a search worker with 100,000 items after 10,000 searches", "< 350 MB and flat",
     memory),
    ("start of a search worker until its first answer, 100,000 items", "< 3 s", start),
)  # fmt: skip
