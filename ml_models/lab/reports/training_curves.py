"""Plot a training run's losses, accuracy, learning rate and time by epoch.

A row is that of an epoch in ``log.csv``.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ..training.best_epoch import Row, best_epoch, read_log
from .plot_style import BLUE, GREY, ORANGE, new_figure, tidy

DPI = 120
COLOURS = (BLUE, ORANGE, "#4d9221", "#762a83", "#8c510a")
# Columns that are not training losses.
OTHERS = ("epoch", "accuracy", "agreement", "learning_rate", "seconds")


def draw_curves(folder: Path) -> Path:
    """Plot ``log.csv`` of a run's folder to ``curves.png`` (1200 × 800 pixels); return its path."""
    rows = read_log(folder)
    figure = new_figure(10, 800 / DPI)
    figure.get_layout_engine().set(w_pad=0.12, h_pad=0.12)
    grid = figure.subplots(2, 2, sharex=True)
    draw_losses(grid[0, 0], rows)
    draw_accuracy(grid[0, 1], rows)
    draw_line(grid[1, 0], rows, "learning_rate", BLUE)
    grid[1, 0].set(title="Learning rate at the end of the epoch", xlabel="epoch")
    grid[1, 0].ticklabel_format(axis="y", style="sci", scilimits=(0, 0), useMathText=True)
    grid[1, 0].set_ylim(bottom=0)
    grid[1, 1].bar(*points(rows, "seconds"), width=0.8, color=GREY)
    grid[1, 1].set(title="Seconds per epoch", xlabel="epoch")
    for axes in grid.flat:
        tidy(axes)
        axes.title.set(fontsize="medium", fontweight="bold")
        axes.locator_params(axis="x", integer=True)
        axes.set_xlim(0.5, len(rows) + 0.5)
    figure.savefig(folder / "curves.png", dpi=DPI)
    return folder / "curves.png"


def points(rows: Sequence[Row], name: str) -> tuple[list[float], list[float]]:
    """Return the epochs and the values of the column ``name`` of ``log.csv``, without gaps."""
    having = [row for row in rows if name in row]
    return [row["epoch"] for row in having], [row[name] for row in having]


def draw_line(axes: Any, rows: Sequence[Row], name: str, colour: str) -> None:
    """Plot the column ``name`` of ``log.csv`` by epoch; mark the points if 30 or fewer."""
    marker = "o" if len(rows) <= 30 else ""
    label = name.replace("_", " ")
    axes.plot(*points(rows, name), color=colour, marker=marker, markersize=4, label=label)


def draw_losses(axes: Any, rows: Sequence[Row]) -> None:
    """Plot every loss in ``log.csv`` on a logarithmic scale."""
    names = [name for name in rows[-1] if name not in OTHERS]
    for name, colour in zip(names, COLOURS * len(names), strict=False):
        draw_line(axes, rows, name, colour)
    axes.set_yscale("log")
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    axes.yaxis.set_minor_formatter(lambda value, _: "")
    axes.set_title("Losses")
    axes.legend(frameon=False, fontsize="small")


def draw_accuracy(axes: Any, rows: Sequence[Row]) -> None:
    """Plot the validation accuracy in ``log.csv``, and mark its best epoch."""
    draw_line(axes, rows, "accuracy", BLUE)
    best = rows[best_epoch(rows) - 1]
    text = f"best: {best['accuracy']:.1%} in epoch {best['epoch']:.0f}"
    axes.axhline(best["accuracy"], color=GREY, linewidth=1, linestyle="--")
    axes.plot(best["epoch"], best["accuracy"], "o", color=ORANGE, markersize=7, label=text)
    axes.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
    axes.set_title("Accuracy on validation, averaged weights")
    axes.legend(handles=[axes.lines[-1]], frameon=False, fontsize="small", loc="lower right")
