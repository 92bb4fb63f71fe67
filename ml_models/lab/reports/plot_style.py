"""Common style of the lab's plots: colours, figures and axes."""

from __future__ import annotations

from importlib import import_module
from typing import Any

BLUE, ORANGE, GREY = "#2166ac", "#d6604d", "#9aa3ab"


def new_figure(width: float, height: float) -> Any:
    """Return a Matplotlib figure of this size in inches that needs no screen and no pyplot."""
    return import_module("matplotlib.figure").Figure(figsize=(width, height), layout="constrained")


def tidy(axes: Any) -> None:
    """Hide the top and right border of axes, and draw a light grid."""
    axes.spines[["top", "right"]].set_visible(False)
    axes.grid(color="#e6e8ea", linewidth=0.8)
    axes.set_axisbelow(True)
