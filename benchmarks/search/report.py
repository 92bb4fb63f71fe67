"""Format the benchmark's results as Markdown: requirements first, then a table per section.

Results are the contents of ``search.json``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from benchmarks.search import requirements
from benchmarks.search.variants import LABELS

Results = dict[str, Any]
VERDICTS = {True: "pass", False: "**fail**", None: "—"}


def markdown(results: Results) -> str:
    """Return the whole report as Markdown; sections that were not measured are left out.

    ``results``: contents of ``search.json``.
    """
    parts = [introduction(results), requirement_table(results)]
    for name, make in (
        ("in_process", in_process),
        ("openvino", openvino),
        ("floor", floor),
        ("servers", servers),
        ("soak", soak),
        ("memory", memory),
        ("start", start),
        ("indexing", indexing),
    ):
        if name in results or (name == "servers" and measured(results)):
            parts.append(make(results))
    return "\n\n".join(parts) + "\n"


def measured(results: Results) -> list[str]:
    """Return the names of the servers that were measured."""
    return [name for name in LABELS if name in results]


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a Markdown table with the header ``head``."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def introduction(results: Results) -> str:
    """Return a paragraph on date, machine, versions and photos."""
    machine = results["machine"]
    versions = ", ".join(f"{name} {number}" for name, number in machine["versions"].items())
    load = machine["load_before"][0]
    text = f"{machine['date']}: {machine['threads']} threads of {machine['processor']} with "
    text += f"{', '.join(machine['instructions']) or 'no vector instructions'}, Python "
    text += f"{machine['python']}; load average before {load}. {versions}."
    quick = [name for name, how in results.get("measured", {}).items() if how["quick"]]
    if quick:
        text += f"\n\nMeasured briefly, for a smoke test: {', '.join(quick)}."
    photos = results.get("photos", {})
    if photos:
        sizes = ", ".join(f"{mp} megapixels {kb:,.0f} kB" for mp, kb in photos["kb"].items())
        text += f"\n\nPhotos ({photos['source']}), {photos['count']} of each size: {sizes}."
    return text


def requirement_table(results: Results) -> str:
    """Return the table of performance requirements, measured values and verdicts."""
    return table(
        ["what", "at least", "measured", ""],
        [
            [line.what, line.wanted, line.measured, VERDICTS[line.passed]]
            for line in requirements.lines(results)
        ],
    )


def in_process(results: Results) -> str:
    """Return the table that compares floor and search in process, by catalog and photo size."""
    rows = []
    for row in results["in_process"]:
        ours, bare = row["ours"], row["floor"]
        rows.append(
            [f"{row['catalog']:,}", row["photo"], f"{bare['p50']:.1f} / {bare['p95']:.1f}",
             f"{ours['p50']:.1f} / {ours['p95']:.1f}", f"{row['ratio']:.2f}",
             stages(bare), stages(ours)]
        )  # fmt: skip
    head = ["items", "MP", "floor p50 / p95", "ours p50 / p95", "ratio"]
    head += ["floor's stages", "our stages"]
    title = "### In process, one thread, call by call in turns (ms)\n\n"
    return title + table(head, rows)


def stages(row: Results) -> str:
    """Return the median milliseconds of each stage as text."""
    return ", ".join(f"{name} {ms:.1f}" for name, ms in row["stages"].items())


def openvino(results: Results) -> str:
    """Return the table that compares ONNX Runtime and OpenVINO."""
    row = results["openvino"]
    rows = [
        [name, row[key]["p50"], row[key]["p95"], row[key]["cpu_ms"]]
        for key, name in (("onnxruntime", "ONNX Runtime"), ("openvino", "OpenVINO"))
    ]
    return "### One call of the model, one thread (ms)\n\n" + table(
        ["", "p50", "p95", "processor time"], rows
    )


def floor(results: Results) -> str:
    """Return the table of the floor under full load, by number of processes."""
    rows = [
        [row["processes"], row["per_s"], row["p50"], row["cpu_ms"]]
        for row in results["floor"].values()
    ]
    return "### The floor at work without a pause, 4 MP, 100,000 items\n\n" + table(
        ["processes", "searches per second", "p50 ms", "processor ms per search"], rows
    )


def servers(results: Results) -> str:
    """Return the tables of all servers: one client, many clients, memory."""
    return "\n\n".join([idle(results), saturated(results), processes(results)])


def idle(results: Results) -> str:
    """Return the table of each server's latency with one client."""
    rows = [
        [LABELS[name], row["photo"], f"{row['p50']:.1f} / {row['p95']:.1f}",
         f"{row['floor']['p50']:.1f}", f"{row['over_ms']:+.1f}", f"{row['ratio']:.2f}",
         f"{sum(row['cpu_ms'].values()):.1f}"]
        for name in measured(results)
        for row in results[name]["idle"]
    ]  # fmt: skip
    head = ["server", "MP", "p50 / p95", "floor beside it", "more", "ratio", "processor ms"]
    return "### One client over HTTP, 100,000 items (ms)\n\n" + table(head, rows)


def saturated(results: Results) -> str:
    """Return the table of each server's throughput and CPU time with many clients."""
    rows = []
    for name in measured(results):
        for row in results[name]["saturated"]:
            tails = [f"{row[p]:.0f}" if p in row else "—" for p in ("p50", "p95", "p99")]
            each = ", ".join(f"{part} {ms:.1f}" for part, ms in row["cpu_ms"].items())
            rows.append(
                [LABELS[name], row["photo"], "raw" if row["raw"] else "form", row["connections"],
                 row["per_s"], " / ".join(tails),
                 f"{row['cpu_ms_all']:.1f}", f"{row['cpu_ratio']:.2f}", each,
                 f"{row['client_cpu_ms']:.1f}", sum(row["errors"].values())]
            )  # fmt: skip
    head = [
        "server",
        "MP",
        "body",
        "clients",
        "searches/s",
        "p50 / p95 / p99 ms",
        "processor ms per search",
    ]
    head += ["against the floor's", "by process", "the clients' own", "errors"]
    note = (
        "\n\nClients in a closed loop share the two hyperthreads. Processor time is held against"
        " that of the floor in two processes at once, measured just before: a hyperthread whose"
        " sibling is busy takes longer for the same work."
    )
    return "### Many clients, 100,000 items\n\n" + table(head, rows) + note


def processes(results: Results) -> str:
    """Return the table of each server's memory after its load."""
    rows: list[list[object]] = []
    for name in measured(results):
        by_part: dict[str, list[Results]] = {}
        for each in results[name]["memory"]:
            by_part.setdefault(each["name"], []).append(each)
        for part, these in by_part.items():
            sums = [f"{sum(one[kind] for one in these):.0f}" for kind in ("rss", "uss", "pss")]
            rows.append([LABELS[name], part, len(these), *sums])
    head = ["server", "part", "processes", "RSS", "USS", "PSS"]
    return "### Memory (MB, sums over processes)\n\n" + table(head, rows)


def soak(results: Results) -> str:
    """Return a paragraph on the long run under full load."""
    row = results["soak"]
    return (
        f"### {row['seconds']:.0f} s of {row['connections']} clients through Redis\n\n"
        f"{row['count']:,} searches, {row['per_s']}/s; p50 {row['p50']:.0f}, p95 {row['p95']:.0f},"
        f" p99 {row['p99']:.0f}, at most {row['max']:.0f} ms; {sum(row['errors'].values())} errors;"
        f" {row['cpu_ms_all']:.1f} ms of processor per search, {row['cpu_ratio']:.2f} × the floor's"
        " in two processes."
    )


def memory(results: Results) -> str:
    """Return the table of the search worker's memory by number of searches."""
    rows = [
        [f"{row['searches']:,}", row["rss"], row["uss"], row["pss"]]
        for row in results["memory"]["samples"]
    ]
    title = "### Memory of a search worker with 100,000 items (MB)\n\n"
    return title + table(["after searches", "RSS", "USS", "PSS"], rows)


def start(results: Results) -> str:
    """Return the search worker's start times as text."""
    row = results["start"]
    each = ", ".join(f"{seconds:.2f}" for seconds in row["seconds"])
    return f"### Start of a search worker until its first answer\n\n{each} s"


def indexing(results: Results) -> str:
    """Return the table of indexing speed, in images per second."""
    row = results["indexing"]
    rows: Iterator[list[object]] = iter(
        [
            ["`visualsearch_index`, the building of the index included", row["per_s_run"]],
            ["its start included, too", row["per_s"]],
            ["reading, encoding and writing rows only, as the run itself counts",
             row["per_s_worked"]],
            ["decoding as we do, and encoding, alone, in one process", row["floor_one"]],
            ["the same in two processes", row["floor"]],
            ["decoding no larger than the model needs, and encoding, in two processes",
             row["floor_least"]],
        ]
    )  # fmt: skip
    title = f"### Indexing {row['pictures']} pictures of {row['file_kb']:.0f} kB\n\n"
    return title + table(["", "images per second"], rows)
