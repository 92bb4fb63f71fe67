"""Format the results of ``index_scale`` as a Markdown table and a plot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

Row = dict[str, Any]
SEARCHES = ("all", "50%", "10%", "1%", "0.1%")


def table(rows: list[Row]) -> str:
    """Return a Markdown table of build, load and search times, memory and recall.

    ``rows``: contents of ``index-scale.json``.
    """
    head = ["back end", "numbers", "vectors", "structure", "build s", "load s", "file MB"]
    head += ["memory MB", "all", "50 %", "10 %", "1 %", "0.1 %"]
    lines = [head, ["---"] * len(head)]
    for row in rows:
        searches = [
            f"{row[name]['p50_ms']} / {row[name]['p95_ms']} ms, {row[name]['recall']:.3f}"
            for name in SEARCHES
        ]
        memory = row.get("index_mb", round(row["memory_bytes"] / 2**20))
        plain = [row["backend"], row["dim"], f"{row['size']:,}", row["structure"], row["build_s"]]
        plain += [row.get("load_s", ""), row.get("file_mb", ""), memory]
        lines.append([str(each) for each in (*plain, *searches)])
    return "\n".join("| " + " | ".join(line) + " |" for line in lines) + "\n"


def draw(rows: list[Row], path: Path) -> None:
    """Plot median search time by number of vectors to ``path``, one panel per filter.

    ``rows``: contents of ``index-scale.json``. Exits if matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise SystemExit("The plot needs matplotlib: pip install matplotlib") from error
    figure = Figure(figsize=(16, 4), layout="constrained")
    panels = figure.subplots(1, len(SEARCHES), sharey=True)
    series = sorted({(row["backend"], row["dim"]) for row in rows})
    for panel, name in zip(panels, SEARCHES, strict=True):
        for backend, dim in series:
            mine = [row for row in rows if (row["backend"], row["dim"]) == (backend, dim)]
            sizes = [row["size"] for row in mine]
            medians = [row[name]["p50_ms"] for row in mine]
            panel.loglog(sizes, medians, "o-", markersize=4, label=f"{backend}, {dim} numbers")
        panel.axhline(5, color="grey", linewidth=0.8, linestyle="--")
        panel.set_title("all vectors" if name == "all" else f"among {name}")
        panel.set_xlabel("vectors")
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("one search, median, ms")
    panels[0].legend(fontsize=8)
    figure.savefig(path, dpi=110)
