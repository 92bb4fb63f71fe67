"""Plot a report of the command ``evaluate``; needs matplotlib.

A report is the result of :func:`.evaluation.evaluate`.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np

from ..photos.distortions import CURVES
from .plot_style import BLUE, GREY, ORANGE, new_figure, tidy


def plot(report: dict[str, Any], folder: Path) -> str:
    """Write an evaluation report's plots as PNG files into ``folder``.

    Return a sentence that lists them. Without matplotlib nothing is written, and the sentence says
    so.
    """
    if find_spec("matplotlib") is None:
        return f"matplotlib is not installed: {folder} holds report.json and no plots"
    figures = {"confusion": draw_confusion(report), "reliability": draw_reliability(report)}
    if "robustness" in report:
        figures["robustness"] = draw_robustness(report)
    if "instances" in report:
        figures["clutter"] = draw_clutter(report)
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", dpi=150)
    return f"{folder} holds report.json and {', '.join(f'{name}.png' for name in figures)}"


def draw_confusion(report: dict[str, Any]) -> Any:
    """Plot the confusion matrix of an evaluation report; shades are shares of the true class."""
    labels = report["confusion"]["labels"]
    counts = np.array(report["confusion"]["counts"])
    shares = counts / np.maximum(1, counts.sum(1, keepdims=True))
    # Grows with the classes, so that names and counts stay readable.
    side = max(5.0, 0.62 * len(labels) + 1.8)
    figure = new_figure(side, side)
    axes = figure.add_subplot()
    axes.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.argwhere(counts):
        colour = "white" if shares[row, column] > 0.55 else "#222222"
        axes.text(column, row, counts[row, column], ha="center", va="center", color=colour)
    axes.set_xticks(range(len(labels)), labels, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(range(len(labels)), labels)
    axes.set_xticks(np.arange(-0.5, len(labels)), minor=True)
    axes.set_yticks(np.arange(-0.5, len(labels)), minor=True)
    axes.grid(which="minor", color="white", linewidth=1.5)
    axes.tick_params(which="both", length=0)
    axes.spines[:].set_visible(False)
    axes.set_xlabel("predicted")
    axes.set_ylabel("true")
    axes.set_title(f"accuracy {report['accuracy']:.1%} on {report['photos']} photos")
    return figure


def draw_reliability(report: dict[str, Any]) -> Any:
    """Plot accuracy and number of photos in each probability bin of an evaluation report.

    A line shows perfect calibration.
    """
    rows = [row for row in report["reliability"] if row["photos"]]
    figure = new_figure(5.2, 6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=(3.2, 1))
    left = [row["low"] for row in rows]
    width = [row["high"] - row["low"] for row in rows]
    style = {"align": "edge", "edgecolor": "white"}
    upper.plot([0, 1], [0, 1], "--", color=GREY, label="perfectly calibrated")
    upper.bar(left, [row["accuracy"] for row in rows], width, color=BLUE, label="accuracy", **style)
    confidence = [row["confidence"] for row in rows]
    upper.plot(confidence, confidence, "o", color=ORANGE, label="mean probability")
    upper.set(xlim=(0, 1), ylim=(0, 1.02), ylabel="accuracy")
    if report["ece"] is not None:
        upper.set_title(f"expected calibration error {report['ece']:.3f}")
    figure.legend(loc="outside lower center", ncols=3, frameon=False, fontsize="small")
    lower.bar(left, [row["photos"] for row in rows], width, color=GREY, **style)
    lower.set(xlabel="top probability", ylabel="photos")
    lower.locator_params(axis="y", nbins=4, integer=True)
    tidy(upper)
    tidy(lower)
    return figure


def draw_robustness(report: dict[str, Any]) -> Any:
    """Plot accuracy and similarity of an evaluation report by level, one plot per distortion."""
    curves = report["robustness"]
    columns = 4
    lines = -(-len(curves) // columns)
    figure = new_figure(3 * columns, 2.7 * lines + 0.4)
    grid = figure.subplots(lines, columns, squeeze=False, sharey=True).ravel()
    for axes, (name, rows) in zip(grid, curves.items(), strict=False):
        # Levels are unevenly spaced, so they are drawn as categories to stay readable.
        levels = [f"{row['level']:g}" for row in rows]
        axes.axhline(report["accuracy"], color=GREY, linewidth=1, linestyle="--")
        axes.plot(levels, [row["accuracy"] for row in rows], "o-", color=BLUE)
        axes.plot(levels, [row["similarity"] for row in rows], "s-", color=ORANGE)
        axes.set(title=name, xlabel=CURVES[name].unit, ylim=(0, 1.04))
        tidy(axes)
    for axes in grid[len(curves) :]:
        axes.set_axis_off()
    handles = [grid[0].lines[1], grid[0].lines[2], grid[0].lines[0]]
    names = ["accuracy", "similarity to the\nundistorted photo", "accuracy, undistorted"]
    figure.legend(handles, names, loc="lower right", frameon=False)
    return figure


def draw_clutter(report: dict[str, Any]) -> Any:
    """Plot accuracy and recall@1 of an evaluation report, by the photo's share of a scene.

    Whole photo and detected subject are two lines.
    """
    rows = report["instances"]["clutter_with_subject"]
    figure = new_figure(7.2, 3.4)
    for axes, key in zip(figure.subplots(1, 2, sharey=True), ("accuracy", "recall@1"), strict=True):
        for kind, colour in (("whole", ORANGE), ("subject", BLUE)):
            if rows[0][kind]:
                shares = [row["share"] for row in rows]
                axes.plot(shares, [row[kind][key] for row in rows], "o-", color=colour, label=kind)
        axes.set(title=key, xlabel=CURVES["clutter"].unit, ylim=(0, 1.04))
        tidy(axes)
    axes.legend(frameon=False)
    return figure
