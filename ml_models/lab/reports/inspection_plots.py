"""Plot an inspection of photos: class balance, sizes, aspect ratios, duplicates."""

# Types are checked without Matplotlib too, which only the lab installs.
# mypy: disable-error-code="import-not-found"

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from visualsearch.photos.decode import open_photo

from ..photos.inspection import Sample

Layout = Literal["constrained", "compressed"]

COLOURS = ("#1f6f8b", "#e08e45")
INK, GREY, FAINT, ALARM = "#2b2b2b", "#7a7a7a", "#d9d9d9", "#b3261e"
GROUPS_SHOWN = 24
MARKS = {1 / 3: "1:3", 1 / 2: "1:2", 3 / 4: "3:4", 1: "1:1", 4 / 3: "4:3", 2: "2:1", 3: "3:1"}


def inspection_figure(width: float, height: float, layout: Layout = "constrained") -> Figure:
    """Return a Matplotlib figure of this size in inches that needs no screen and no pyplot."""
    figure = Figure(figsize=(width, height), dpi=120, layout=layout)
    FigureCanvasAgg(figure)
    return figure


def label_axes(axes: Axes, title: str, across: str, up: str) -> None:
    """Set title and axis labels (``across``, ``up``), and the style of lines."""
    axes.set_title(title, loc="left", color=INK, fontsize=13, fontweight="bold", pad=12)
    axes.set_xlabel(across, color=INK)
    axes.set_ylabel(up, color=INK)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(FAINT)
    axes.tick_params(color=FAINT, labelcolor=INK)
    axes.grid(color=FAINT, linewidth=0.6)
    axes.set_axisbelow(True)


def plot_balance(splits: dict[str, Any]) -> Figure:
    """Plot the number of photos per class and split, the largest class on top.

    ``splits``: the report's ``splits``.
    """
    first = next(iter(splits.values()))["classes"]
    labels = sorted(first, key=lambda label: first[label]["photos"])
    figure = inspection_figure(8, 1.6 + 0.5 * len(labels))
    axes = figure.subplots()
    thick = 0.8 / len(splits)
    for k, (split, figures) in enumerate(splits.items()):
        rows = [figures["classes"][label] for label in labels]
        bars = axes.barh(
            np.arange(len(labels)) + 0.4 - thick * (k + 0.5),
            [row["photos"] for row in rows],
            height=thick * 0.92,
            color=COLOURS[k],
            label=f"{split}: {figures['photos']:,} photos",
        )
        texts = [f"{row['photos']:,}  ({row['share']:.0%})" for row in rows]
        axes.bar_label(bars, texts, padding=4, fontsize=8, color=INK)
    axes.set_yticks(range(len(labels)), labels)
    axes.margins(x=0.14, y=0.02)
    label_axes(axes, "Photos per class", "photos", "")
    axes.grid(visible=False, axis="y")
    axes.legend(frameon=False, loc="lower right")
    return figure


def plot_sizes(splits: dict[str, list[Sample]], least_side: int) -> Figure:
    """Plot width against height; a dot's area is the number of photos of that size.

    ``splits``: photos by split. Sides below ``least_side`` pixels are marked.
    """
    figure = inspection_figure(7, 7)
    axes = figure.subplots()
    far = max(max(s.width, s.height) for samples in splits.values() for s in samples) * 1.08
    axes.plot([0, far], [0, far], color=GREY, linewidth=0.8, linestyle=(0, (4, 4)))
    for left in (0, least_side):
        right, top = (least_side, far) if left == 0 else (far, least_side)
        axes.fill_between([left, right], 0, top, color=ALARM, alpha=0.06, linewidth=0)
    axes.annotate(
        f"short side below {least_side}",
        (far, 0),
        xytext=(-8, 8),
        textcoords="offset points",
        color=ALARM,
        ha="right",
    )
    for k, (split, samples) in enumerate(splits.items()):
        counts = Counter((sample.width, sample.height) for sample in samples)
        axes.scatter(
            [width for width, _ in counts],
            [height for _, height in counts],
            s=[14 + 900 * count / len(samples) for count in counts.values()],
            # Dots of the second split are drawn inside those of the first.
            facecolors=COLOURS[k] if k == 0 else "none",
            edgecolors="white" if k == 0 else COLOURS[k],
            linewidths=0.5 if k == 0 else 1.2,
            alpha=0.6 if k == 0 else 0.9,
        )
        # The legend has its own dot, because the first size's may be huge.
        axes.scatter([], [], s=40, color=COLOURS[k], label=f"{split}: {len(counts):,} sizes")
    axes.set(xlim=(0, far), ylim=(0, far), aspect="equal")
    label_axes(axes, "Sizes of the photos", "width, pixels", "height, pixels")
    axes.legend(facecolor="white", edgecolor="none", framealpha=0.9, loc="upper right")
    return figure


def plot_aspects(splits: dict[str, list[Sample]]) -> Figure:
    """Plot aspect ratios of each split on a logarithmic scale.

    ``splits``: photos by split. On the scale 1:2 and 2:1 are equally far from 1:1.
    """
    figure = inspection_figure(8, 4.5)
    axes = figure.subplots()
    aspects = [np.array([s.width / s.height for s in samples]) for samples in splits.values()]
    reach = 1.08 * max(2.0, *(max(values.max(), 1 / values.min()) for values in aspects))
    axes.hist(
        aspects,
        # An odd number of bins, so that square photos fall into the middle of one.
        bins=np.geomspace(1 / reach, reach, 32).tolist(),
        weights=[np.full(len(values), 100 / len(values)) for values in aspects],
        color=list(COLOURS[: len(aspects)]),
        label=[
            f"{split}, median {np.median(values):.2f}"
            for split, values in zip(splits, aspects, strict=True)
        ],
        rwidth=0.9,
    )
    axes.set_xscale("log")
    shown = {value: text for value, text in MARKS.items() if 1 / reach <= value <= reach}
    axes.set_xticks(list(shown), list(shown.values()))
    axes.set_xticks([], minor=True)
    label_axes(axes, "Aspect ratio", "width : height", "% of the split")
    axes.grid(visible=False, axis="x")
    axes.legend(frameon=False)
    return figure


def telling_pair(names: list[str]) -> tuple[str, str]:
    """Return two names of a group of duplicates, from different folders if possible."""
    first = names[0]
    elsewhere = [name for name in names if name.rsplit("/", 1)[0] != first.rsplit("/", 1)[0]]
    return first, (elsewhere or names[1:])[0]


def draw_group(axes: Sequence[Axes], group: dict[str, Any], samples: dict[str, Sample]) -> None:
    """Draw two photos of a group of duplicates, framed red if in two splits or classes.

    ``axes``: a pair of axes; ``samples``: photos by name.
    """
    harmful = group["across_splits"] or group["across_classes"]
    for place, name in zip(axes, telling_pair(group["photos"]), strict=True):
        sample = samples[name]
        place.imshow(open_photo(sample.path.read_bytes()).image)
        title = f"{sample.split} / {sample.label}"
        place.set_title(title, fontsize=8, color=ALARM if harmful else INK, fontweight="bold")
        place.set_xlabel(sample.path.name[:24], fontsize=7, color=GREY)
        place.set(xticks=[], yticks=[])
        place.set_axis_on()
        place.spines[:].set_color(ALARM if harmful else FAINT)
    left_out = len(group["photos"]) - 2
    more = f", {left_out} more" if left_out else ""
    axes[0].set_ylabel(f"{group['kind']} {group['similarity']:.2f}{more}", fontsize=8, color=INK)


def plot_duplicates(groups: list[dict[str, Any]], samples: dict[str, Sample]) -> Figure:
    """Draw a contact sheet of duplicates: two photos of each group, three groups per row.

    ``groups``: the report's ``duplicates``; ``samples``: photos by name.
    """
    shown = groups[:GROUPS_SHOWN]
    across = min(3, len(shown))
    down = -(-len(shown) // across)
    figure = inspection_figure(max(5.0, 4.2 * across), 0.6 + 2.6 * down, layout="compressed")
    title = f"Pictures that are there more than once: {len(groups)}"
    if len(shown) < len(groups):
        title += f" (the first {len(shown)})"
    figure.suptitle(title, fontsize=12, fontweight="bold", color=INK)
    grid = figure.subplots(down, 2 * across, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for k, group in enumerate(shown):
        left = k % across * 2
        draw_group(grid[k // across][left : left + 2], group, samples)
    return figure


def write_plots(
    folder: Path, report: dict[str, Any], samples: list[Sample], least_side: int
) -> None:
    """Write ``balance.png``, ``sizes.png``, ``aspects.png`` and, if any, ``duplicates.png``.

    ``report``: result of :func:`.inspection.make_report` for ``samples``. Sides below
    ``least_side`` pixels are marked.
    """
    splits = {
        split: own
        for split in report["splits"]
        if (own := [sample for sample in samples if sample.split == split])
    }
    figures = {"balance": plot_balance(report["splits"])}
    if splits:
        figures |= {"sizes": plot_sizes(splits, least_side), "aspects": plot_aspects(splits)}
    if report["duplicates"]:
        by_name = {sample.name: sample for sample in samples}
        figures["duplicates"] = plot_duplicates(report["duplicates"], by_name)
    # An older sheet would show duplicates that no longer exist.
    (folder / "duplicates.png").unlink(missing_ok=True)
    for name, figure in figures.items():
        figure.savefig(folder / f"{name}.png", bbox_inches="tight", pad_inches=0.2)
