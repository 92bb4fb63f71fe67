"""Plot two model packages' results, for light and dark pages and as small PNG files.

``before`` and ``after``: reports of :func:`.evaluation.evaluate` on the two packages.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from PIL import Image

from ..measuring.instances import SHARES
from ..photos.distortions import CURVES
from . import evaluation_plots
from .plot_style import new_figure

# Curves need no more than two dozen shades of four colours.
PALETTE = 48
MEASURES = (("accuracy", "-"), ("similarity", ":"))


@dataclass(frozen=True, kw_only=True)
class Theme:
    """Colours of a plot, as CSS: text, grid, and one colour per package."""

    ink: str
    grid: str
    before: str
    after: str


LIGHT = Theme(ink="#3d4650", grid="#e3e7ea", before="#d6604d", after="#2166ac")
DARK = Theme(ink="#c3ccd5", grid="#333c45", before="#f0907d", after="#6db3f2")
Draw = Callable[[Theme], Any]


def dress(axes: Any, theme: Theme, title: str, unit: str) -> None:
    """Style a plot of shares from 0 to 1; ``unit``: label of the horizontal axis."""
    axes.spines[:].set_visible(False)
    axes.grid(color=theme.grid, linewidth=0.8)
    axes.set_axisbelow(True)
    axes.set_ylim(0, 1.04)
    axes.tick_params(colors=theme.ink, length=0)
    axes.set_title(title, color=theme.ink, fontsize=11, loc="left")
    axes.set_xlabel(unit, color=theme.ink)


def curve(axes: Any, name: str, before: Any, after: Any, theme: Theme) -> None:
    """Draw both packages' accuracy (solid) and similarity (dotted) for the distortion ``name``.

    ``before``, ``after``: their evaluation reports.
    """
    for report, colour in ((before, theme.before), (after, theme.after)):
        rows = report["robustness"][name]
        # Levels are unevenly spaced, so they are drawn as categories to stay readable.
        levels = [f"{row['level']:g}" for row in rows]
        for key, line in MEASURES:
            axes.plot(levels, [row[key] for row in rows], line, marker="o", ms=3, color=colour)
    dress(axes, theme, name, CURVES[name].unit)


def one_curve(name: str, before: Any, after: Any) -> Draw:
    """Return a function that plots accuracy and similarity for the distortion ``name``.

    ``before``, ``after``: evaluation reports of two packages.
    """

    def draw(theme: Theme) -> Any:
        figure = new_figure(3.6, 2.7)
        curve(figure.add_subplot(), name, before, after, theme)
        return figure

    return draw


def all_curves(before: Any, after: Any) -> Draw:
    """Return a function that plots all distortions in one picture, for the model card.

    ``before``, ``after``: evaluation reports of two packages.
    """

    def draw(theme: Theme) -> Any:
        figure = new_figure(11, 5.4)
        grid = figure.subplots(2, 4, sharey=True).ravel()
        for axes, name in zip(grid, after["robustness"], strict=False):
            curve(axes, name, before, after, theme)
        grid[len(after["robustness"])].set_axis_off()
        handles = grid[0].lines
        names = [f"{key} {when}" for when in ("before", "after") for key, _ in MEASURES]
        figure.legend(handles, names, loc="lower right", frameon=False)
        return figure

    return draw


def plot_reliability(before: Any, after: Any) -> Draw:
    """Return a function that plots accuracy by predicted probability.

    ``before``, ``after``: evaluation reports of two packages. Bins with fewer than 5 photos are
    left out.
    """

    def draw(theme: Theme) -> Any:
        figure = new_figure(5.2, 4.4)
        axes = figure.add_subplot()
        axes.plot([0, 1], [0, 1], "--", color=theme.ink, linewidth=1, label="perfect")
        for name, report in (("before", before), ("after", after)):
            rows = [row for row in report["reliability"] if row["photos"] >= 5]
            points = [row["confidence"] for row in rows], [row["accuracy"] for row in rows]
            axes.plot(*points, "o-", color=getattr(theme, name), label=name)
        dress(axes, theme, "accuracy by top probability", "top probability")
        axes.set_xlim(0, 1.02)
        axes.legend(frameon=False, labelcolor=theme.ink)
        return figure

    return draw


def plot_clutter(before: Any, after: Any, key: str) -> Draw:
    """Return a function that plots ``key``, ``accuracy`` or ``recall@1``, by share of a scene.

    ``before``, ``after``: evaluation reports of two packages. The share is the photo's.
    """

    def draw(theme: Theme) -> Any:
        figure = new_figure(5.2, 3.6)
        axes = figure.add_subplot()
        for name, report in (("before", before), ("after", after)):
            rows = report["instances"]["clutter_with_subject"]
            for kind, line in (("whole", ":"), ("subject", "-")):
                if rows[0][kind]:
                    label = f"{name}, {'subject' if kind == 'subject' else 'whole photo'}"
                    points = [row["share"] for row in rows], [row[kind][key] for row in rows]
                    axes.plot(*points, line, marker="o", color=getattr(theme, name), label=label)
        dress(axes, theme, key, CURVES["clutter"].unit)
        axes.set_xticks(SHARES)
        axes.legend(frameon=False, labelcolor=theme.ink, fontsize="small")
        return figure

    return draw


def themed(draw: Draw) -> dict[str, str]:
    """Call ``draw`` for a ``light`` and a ``dark`` page; return both pictures as data URIs."""
    return {"light": svg(draw(LIGHT)), "dark": svg(draw(DARK))}


def svg(figure: Any) -> str:
    """Return a figure as an SVG data URI; text stays text, to keep it small."""
    buffer = io.BytesIO()
    # Fixed ids and no date, so that equal figures give equal bytes.
    settings = {"svg.fonttype": "none", "svg.hashsalt": "report", "font.family": "sans-serif"}
    with import_module("matplotlib").rc_context(settings):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    return "data:image/svg+xml;base64," + base64.b64encode(buffer.getvalue()).decode()


def write_png(figure: Any, path: Path) -> None:
    """Write a figure as a PNG with 48 colours."""
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=90)
    image = Image.open(buffer).convert("RGB").quantize(PALETTE)
    image.save(path, optimize=True)


def write_pictures(before: Any, after: Any, folder: Path) -> None:
    """Write ``robustness.png``, ``reliability.png`` and ``confusion.png`` of the model card.

    ``before``, ``after``: evaluation reports of two packages.
    """
    write_png(all_curves(before, after)(LIGHT), folder / "robustness.png")
    write_png(plot_reliability(before, after)(LIGHT), folder / "reliability.png")
    write_png(evaluation_plots.draw_confusion(after), folder / "confusion.png")
