"""Plot the benchmark's results, with the same colour for a server in all plots.

Results are the contents of ``search.json``.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.search.places import MEGAPIXELS, USUAL_CATALOG, USUAL_PHOTO
from benchmarks.search.requirements import best

Results = dict[str, Any]

COLOURS = {
    "floor": "#9aa5b1",
    "ours": "#0b6e4f",
    "eager": "#2a9d6f",
    "stack": "#7cc6a4",
    "litserve": "#5b6abf",
    "bentoml": "#d98c3f",
    "tutorial": "#b5485d",
}
NAMES = {
    "floor": "floor",
    "ours": "ours, in process",
    "eager": "ours, REST",
    "stack": "ours, REST + Redis",
    "litserve": "LitServe",
    "bentoml": "BentoML",
    "tutorial": "tutorial",
}
STAGES = {
    "decode": "#3d5a80",
    "encode": "#ee964b",
    "index": "#81b29a",
    "products": "#b56576",
    "rest": "#cbd2d9",
}
PARTS = {
    "web": "#2a9d6f",
    "search": "#0b6e4f",
    "db": "#5b8fb9",
    "redis": "#b5485d",
    "index": "#cbd2d9",
}


def draw(results: Results, folder: Path) -> list[Path]:
    """Write an SVG for each plot whose section was measured; return their paths.

    ``results``: contents of ``search.json``.
    """
    made = []
    for name, plot in (
        ("latency", latency),
        ("throughput", throughput),
        ("processor", processor),
        ("stages", stages),
        ("catalogs", catalogs),
    ):
        figure = Figure(figsize=(9, 4.2), layout="constrained", facecolor="white")
        if plot(figure.subplots(), results):
            path = folder / f"search-{name}.svg"
            figure.savefig(path)
            made.append(path)
    return made


def plain(axes: Axes, title: str, label: str, *, across: bool = False) -> None:
    """Give axes a title, one labelled axis with a light grid, and no frame.

    ``across``: whether ``label`` and grid belong to the horizontal axis.
    """
    axes.set_title(title, loc="left", fontsize=11, fontweight="bold")
    grid: Literal["x", "y"] = "x" if across else "y"
    other: Literal["x", "y"] = "y" if across else "x"
    (axes.set_xlabel if across else axes.set_ylabel)(label)
    axes.grid(axis=grid, color="#e4e7eb", linewidth=0.8)
    axes.tick_params(axis=other, length=0)
    axes.set_axisbelow(True)
    for side in ("top", "right", "left" if across else "bottom"):
        axes.spines[side].set_visible(False)


def medians(results: Results, name: str) -> dict[str, float]:
    """Return the median milliseconds of server ``name`` by photo size, for 100,000 products."""
    if name in ("floor", "ours"):
        rows = [row for row in results.get("in_process", ()) if row["catalog"] == USUAL_CATALOG]
        return {row["photo"]: row[name]["p50"] for row in rows}
    return {row["photo"]: row["p50"] for row in results.get(name, {}).get("idle", ())}


def latency(axes: Axes, results: Results) -> bool:
    """Plot one client's latency by photo size, on a logarithmic scale.

    Return whether there was anything to plot.
    """
    found = {name: medians(results, name) for name in NAMES}
    found = {name: values for name, values in found.items() if values}
    if not found:
        return False
    width = 0.86 / len(found)
    for at, (name, values) in enumerate(found.items()):
        sizes = [n for n, size in enumerate(MEGAPIXELS) if size in values]
        places = [n + (at - (len(found) - 1) / 2) * width for n in sizes]
        heights = [values[MEGAPIXELS[n]] for n in sizes]
        axes.bar(places, heights, width * 0.92, color=COLOURS[name], label=NAMES[name])
        for x, height in zip(places, heights, strict=True):
            axes.text(x, height * 1.04, f"{height:.0f}", ha="center", va="bottom", fontsize=6.5)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    shown = [n for n, size in enumerate(MEGAPIXELS) if any(size in each for each in found.values())]
    axes.set_xticks(shown, [f"{MEGAPIXELS[n]} megapixels" for n in shown])
    axes.set_ylim(bottom=2)
    plain(axes, "One search, one client, 100,000 items", "median, ms (logarithmic)")
    axes.legend(frameon=False, fontsize=8, ncols=4, loc="upper left", bbox_to_anchor=(0, -0.08))
    return True


def throughput(axes: Axes, results: Results) -> bool:
    """Plot searches per second of each server at its best number of clients.

    Return whether there was anything to plot.
    """
    names = [name for name in NAMES if "saturated" in results.get(name, {})]
    values = {name: best(results, name)["per_s"] for name in names}
    if "floor" in results:
        values = {"floor": results["floor"]["both"]["per_s"], **values}
    places = range(len(values))
    axes.barh(places, list(values.values()), 0.62, color=[COLOURS[name] for name in values])
    for y, (name, value) in zip(places, values.items(), strict=True):
        many = "2 processes" if name == "floor" else f"{best(results, name)['connections']} clients"
        axes.text(value, y, f"  {value:.1f}  ({many})", va="center", fontsize=9)
    axes.set_yticks(places, [NAMES[name] for name in values])
    axes.invert_yaxis()
    axes.margins(x=0.2)
    plain(axes, "Searches per second, 4 megapixels, 100,000 items", "searches per second",
          across=True)  # fmt: skip
    return len(names) > 0


def processor(axes: Axes, results: Results) -> bool:
    """Plot CPU time per search under full load, for our stack by process.

    Return whether there was anything to plot.
    """
    names = [name for name in NAMES if "saturated" in results.get(name, {}) and name != "tutorial"]
    labels = []
    if "floor" in results:
        value = results["floor"]["both"]["cpu_ms"]
        axes.barh(0, value, 0.62, color=COLOURS["floor"])
        axes.text(value, 0, f"  {value:.1f}", va="center", fontsize=9)
        labels.append("floor, 2 processes")
    for name in names:
        row, left = best(results, name), 0.0
        for part, value in row["cpu_ms"].items():
            colour = PARTS.get(part, COLOURS[name]) if name == "stack" else COLOURS[name]
            axes.barh(len(labels), value, 0.62, left=left, color=colour,
                      edgecolor="white", linewidth=0.8)  # fmt: skip
            if name == "stack" and value > 2:
                axes.text(left + value / 2, len(labels), part, ha="center", va="center",
                          fontsize=8, color="white")  # fmt: skip
            left += value
        axes.text(left, len(labels), f"  {left:.1f}", va="center", fontsize=9)
        labels.append(NAMES[name])
    axes.set_yticks(range(len(labels)), labels)
    axes.invert_yaxis()
    axes.margins(x=0.12)
    plain(axes, "Processor time of one search, saturated, 4 megapixels", "ms", across=True)
    return len(names) > 0


def stages(axes: Axes, results: Results) -> bool:
    """Plot the stages of a search in process by photo size; return whether there were any."""
    rows = [row for row in results.get("in_process", ()) if row["catalog"] == USUAL_CATALOG]
    if not rows:
        return False
    labels: list[str] = []
    for row in rows:
        for name in ("floor", "ours"):
            part = row[name]
            shown = dict(part["stages"])
            shown["rest"] = max(0.0, part["p50"] - sum(shown.values()))
            left = 0.0
            for stage, colour in STAGES.items():
                value = shown.get(stage, 0.0)
                label = stage if not labels or (len(labels) == 1 and stage == "products") else None
                axes.barh(len(labels), value, 0.66, left=left, color=colour, label=label)
                left += value
            axes.text(left, len(labels), f"  {part['p50']:.1f}", va="center", fontsize=8)
            labels.append(f"{row['photo']} MP, {'floor' if name == 'floor' else 'ours'}")
    axes.set_yticks(range(len(labels)), labels, fontsize=8)
    axes.invert_yaxis()
    plain(axes, "Stages of a search in process, 100,000 items", "median, ms", across=True)
    handles, names = axes.get_legend_handles_labels()
    unique = dict(zip(names, handles, strict=True))
    axes.legend(unique.values(), unique.keys(), frameon=False, fontsize=8, loc="upper right")
    return True


def catalogs(axes: Axes, results: Results) -> bool:
    """Plot latency in process by catalog size; return False if fewer than two were measured."""
    rows = [row for row in results.get("in_process", ()) if row["photo"] == USUAL_PHOTO]
    if len(rows) < 2:
        return False
    for name in ("floor", "ours"):
        sizes = [row["catalog"] for row in rows]
        axes.plot(sizes, [row[name]["p50"] for row in rows], "o-", color=COLOURS[name],
                  label=f"{NAMES[name]}, median", linewidth=2)  # fmt: skip
        axes.plot(sizes, [row[name]["p95"] for row in rows], "--", color=COLOURS[name],
                  label="p95", linewidth=1)  # fmt: skip
    axes.set_xscale("log")
    axes.set_ylim(bottom=0)
    axes.xaxis.set_major_formatter(lambda value, _: f"{value:,.0f}")
    axes.set_xlabel("items")
    plain(axes, "One search in process by size of the catalog, 4 megapixels", "ms")
    axes.legend(frameon=False, fontsize=8)
    return True
