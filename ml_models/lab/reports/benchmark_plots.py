"""Plot the results of the architecture benchmark."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .evaluation_plots import draw_confusion
from .plot_style import BLUE, ORANGE, new_figure, tidy

COLOURS = {"scratch": BLUE, "pretrained": ORANGE}
# Area in points² of a bubble for one MB; a file of 100 MB is then a bubble of 2.5 cm.
AREA_OF_MB = 50.0


def plot_entry(result: dict[str, Any], folder: Path) -> None:
    """Write a network's confusion matrix to ``confusion.png`` in ``folder``.

    Also write ``confusion-people.png`` if garments on people were measured. ``result``: contents of
    its ``result.json``.
    """
    for name, photos in {"confusion": result, "confusion-people": result.get("people")}.items():
        if photos:
            figure = draw_confusion(photos)
            figure.suptitle(result["name"])
            figure.savefig(folder / f"{name}.png", dpi=120)


def plot_all(report: dict[str, Any], folder: Path) -> None:
    """Write ``benchmark.png``: accuracy against latency; a bubble's area is the file's size.

    ``report``: contents of ``benchmark.json``.
    """
    figure = new_figure(8, 5.2)
    axes = figure.add_subplot()
    for start, colour in COLOURS.items():
        rows = [row for row in report["architectures"] if row["start"] == start]
        x, y = [row["latency_ms"] for row in rows], [row["accuracy"] for row in rows]
        areas = [row["size_mb"] * AREA_OF_MB for row in rows]
        axes.scatter(x, y, areas, color=colour, alpha=0.45, linewidth=0)
        # Marks in the legend have a fixed size.
        axes.scatter(x, y, 18, color=colour, label="from " + start.replace("ed", "ed weights"))
    for place, row in enumerate(sorted(report["architectures"], key=lambda row: row["latency_ms"])):
        # Names alternate above and below, so that neighbours do not overlap.
        axes.annotate(
            f"{row['name']}\n{row['size_mb']:.0f} MB",
            (row["latency_ms"], row["accuracy"]),
            (8, -8 if place % 2 else 8),
            textcoords="offset points",
            va="top" if place % 2 else "bottom",
            fontsize=9,
        )
    axes.margins(0.2, 0.25)
    axes.set(xlabel="milliseconds of one image on one thread", ylabel="validation accuracy")
    axes.legend(frameon=False, loc="best")
    tidy(axes)
    figure.savefig(folder / "benchmark.png", dpi=150)
