"""Plots as numbers for an SVG template.

Horizontal positions are in percent of the width, vertical ones in pixels, so that text has the same
size on a phone and on a wide screen. All attributes are text already, because a template would
format numbers in the reader's language.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field

HEIGHT = 200
TICKS = 4
# Share of a category's width that its bar takes.
BAR = 0.72
ROUND = (1.0, 2.0, 2.5, 5.0, 10.0)
# Least height in pixels of a part of a bar, so that it can be seen.
VISIBLE = 1.0

Values = Sequence[float | None]


@dataclass(frozen=True, kw_only=True)
class Series:
    """A named row of values, one per category (position on the horizontal axis).

    ``kind``: ``bar`` (stacked) or ``line``. ``colour``: a, b or c. ``lows`` and ``highs``: the
    interval of each value, drawn as whiskers on bars or as a band around a line. None is a missing
    value.
    """

    name: str
    colour: str
    values: Values
    kind: str = "bar"
    lows: Values = ()
    highs: Values = ()

    def text(self, place: int, write: Callable[[float], str]) -> str:
        """Format the value at index ``place``, with its interval if it has one."""
        value = self.values[place]
        if value is None:
            return "–"
        low, high = self.around(place)
        if low is None or high is None:
            return write(value)
        return f"{write(value)} ({write(low)} – {write(high)})"

    def around(self, place: int) -> tuple[float | None, float | None]:
        """Return the interval at index ``place``, (None, None) without one."""
        return (self.lows[place], self.highs[place]) if self.lows else (None, None)


@dataclass(frozen=True, kw_only=True)
class Tick:
    """A mark of an axis: its position (``at``) and its text.

    ``label_at``: baseline of the text in pixels, on the vertical axis only.
    """

    at: str
    text: str
    label_at: str = ""


@dataclass(frozen=True, kw_only=True)
class Rect:
    """A bar; or, with a title, the area of a category, which shows the title as a tooltip."""

    x: str
    width: str
    y: str = "0"
    height: str = str(HEIGHT)
    colour: str = ""
    title: str = ""


@dataclass(frozen=True, kw_only=True)
class Whisker:
    """The interval of a bar: a vertical stroke at ``x`` from ``y1`` to ``y2``."""

    x: str
    y1: str
    y2: str


@dataclass(frozen=True, kw_only=True)
class Path:
    """The SVG path of a line, a band or dots; ``d`` has the drawing commands.

    The drawing is 100 wide and :data:`HEIGHT` high; the template stretches it to the plot's width.
    """

    d: str
    colour: str


@dataclass(frozen=True, kw_only=True)
class Plot:
    """All texts and shapes that the template of a plot draws.

    ``heads`` and ``rows``: the same values as a table. ``legend``: (colour, name). ``across`` and
    ``up``: ticks of the horizontal and vertical axis. ``hovers``: areas with tooltips.
    """

    label: str
    unit: str
    heads: list[str]
    rows: list[tuple[str, list[str]]]
    legend: list[tuple[str, str]]
    across: list[Tick]
    up: list[Tick]
    bars: list[Rect] = field(default_factory=list)
    whiskers: list[Whisker] = field(default_factory=list)
    bands: list[Path] = field(default_factory=list)
    lines: list[Path] = field(default_factory=list)
    points: list[Path] = field(default_factory=list)
    hovers: list[Rect] = field(default_factory=list)


def plot(
    *,
    label: str,
    head: str,
    categories: Sequence[str],
    series: Sequence[Series],
    write: Callable[[float], str],
    tick: Callable[[float], str] | None = None,
    unit: str = "",
    every: int = 1,
    whole: bool = False,
    most: float = math.inf,
) -> Plot:
    """Return the plot of some series over the same categories.

    ``label``: title for screen readers. ``head``: heading of the categories in the table. ``write``
    formats a value, ``tick`` a value on the axis (default: ``write``). ``every``: label every n-th
    category. ``whole``: values are counts. ``most``: upper limit of the axis.
    """
    ticks = round_ticks(min(highest(series), most), whole=whole)
    top = ticks[-1]
    bars = [each for each in series if each.kind == "bar"]
    lines = [each for each in series if each.kind == "line"]
    rows = [
        (name, [each.text(place, write) for each in series])
        for place, name in enumerate(categories)
    ]
    return Plot(
        label=label,
        unit=unit,
        heads=[head, *(each.name for each in series)],
        rows=rows,
        legend=[(each.colour, each.name) for each in series],
        across=named(categories, every),
        up=levels(ticks, tick or write),
        bars=stacked(bars, top),
        whiskers=[whisker for each in bars for whisker in stand(each, top)],
        bands=[band(each, top) for each in lines if each.lows],
        lines=[line(each, top) for each in lines],
        points=[lone_points(each, top) for each in lines],
        hovers=hovers(series, rows),
    )


def levels(ticks: Sequence[float], write: Callable[[float], str]) -> list[Tick]:
    """Return the ticks of the vertical axis; ``write`` formats their values."""
    found = []
    for value in ticks:
        at = down(value, ticks[-1])
        found.append(Tick(at=number(at), text=write(value), label_at=number(at + 4)))
    return found


def named(categories: Sequence[str], every: int) -> list[Tick]:
    """Return the ticks of the horizontal axis: every ``every``-th category."""
    return [
        Tick(at=percent((place + 0.5) / len(categories)), text=name)
        for place, name in enumerate(categories)
        if place % every == 0
    ]


def hovers(series: Sequence[Series], rows: Sequence[tuple[str, list[str]]]) -> list[Rect]:
    """Return an area per category, whose tooltip has the category's values."""
    return [
        Rect(
            x=percent(place / len(rows)),
            width=percent(1 / len(rows)),
            title=f"{name}: " + "; ".join(titled(series, cells)),
        )
        for place, (name, cells) in enumerate(rows)
    ]


def titled(series: Sequence[Series], cells: Sequence[str]) -> Iterable[str]:
    """Return the formatted values of a category, named by series if there are several series."""
    if len(series) == 1:
        return cells
    return (f"{each.name} {cell}" for each, cell in zip(series, cells, strict=True))


def highest(series: Sequence[Series]) -> float:
    """Return the highest value to draw, including stacked bars and interval ends; 0 if none."""
    bars = [each.values for each in series if each.kind == "bar"]
    stacks = [sum(value or 0 for value in values) for values in zip(*bars, strict=True)]
    others = [value for each in series if each.kind == "line" for value in each.values]
    ends = [value for each in series for value in each.highs]
    return max((value for value in (*stacks, *others, *ends) if value is not None), default=0.0)


def round_ticks(top: float, *, whole: bool = False) -> list[float]:
    """Return ticks from 0 to at least ``top``, in steps of 1, 2, 2.5 or 5 times a power of ten."""
    if top <= 0:
        return [0.0, 1.0]
    power = 10 ** math.floor(math.log10(top / TICKS))
    step = next(power * each for each in ROUND if power * each * TICKS >= top * (1 - 1e-9))
    if whole:
        step = float(math.ceil(step))
    count = math.ceil(top / step - 1e-9)
    return [round(place * step, 10) for place in range(count + 1)]


def stacked(series: Sequence[Series], top: float) -> list[Rect]:
    """Return the bars; the first series is at the bottom of each stack.

    ``top``: the value at the upper edge.
    """
    if not series:
        return []
    many = len(series[0].values)
    found = []
    for place in range(many):
        below = 0.0
        for each in series:
            value = each.values[place] or 0.0
            height = down(below, top) - down(below + value, top)
            if height >= VISIBLE or value:
                found.append(
                    Rect(
                        x=percent((place + (1 - BAR) / 2) / many),
                        width=percent(BAR / many),
                        y=pixels(below + value, top),
                        height=number(max(height, VISIBLE)),
                        colour=each.colour,
                    )
                )
            below += value
    return found


def stand(series: Series, top: float) -> Iterable[Whisker]:
    """Yield the whiskers of a series of bars; ``top``: the value at the upper edge."""
    many = len(series.values)
    for place in range(many):
        low, high = series.around(place)
        if low is not None and high is not None:
            x = percent((place + 0.5) / many)
            yield Whisker(x=x, y1=pixels(low, top), y2=pixels(min(high, top), top))


def line(series: Series, top: float) -> Path:
    """Return the path of a series as a line, with gaps where values are missing.

    ``top``: the value at the upper edge.
    """
    many, parts = len(series.values), []
    for some in stretches(series.values):
        points = [f"{across(place, many)} {pixels(value, top)}" for place, value in some]
        if len(points) > 1:
            parts.append("M" + "L".join(points))
    return Path(d="".join(parts), colour=series.colour)


def lone_points(series: Series, top: float) -> Path:
    """Return the path of dots for values without neighbours, which a line cannot show.

    ``top``: the value at the upper edge.
    """
    many = len(series.values)
    lone = [some[0] for some in stretches(series.values) if len(some) == 1]
    parts = [f"M{across(place, many)} {pixels(value, top)}h0" for place, value in lone]
    return Path(d="".join(parts), colour=series.colour)


def band(series: Series, top: float) -> Path:
    """Return the path of the area between the lows and the highs of a series.

    ``top``: the value at the upper edge.
    """
    many, parts = len(series.values), []
    lows = list(stretches(series.lows))
    for some, under in zip(stretches(series.highs), lows, strict=True):
        upper = [f"{across(place, many)} {pixels(min(end, top), top)}" for place, end in some]
        lower = [f"{across(place, many)} {pixels(end, top)}" for place, end in reversed(under)]
        parts.append("M" + "L".join([*upper, *lower]) + "Z")
    return Path(d="".join(parts), colour=series.colour)


def stretches(values: Values) -> Iterable[list[tuple[int, float]]]:
    """Yield each run of values without a gap, as a list of (index, value)."""
    run: list[tuple[int, float]] = []
    for place, value in enumerate(values):
        if value is not None:
            run.append((place, value))
        elif run:
            yield run
            run = []
    if run:
        yield run


def across(place: int, many: int) -> str:
    """Return the x of the middle of category ``place`` out of ``many``, in a drawing 100 wide."""
    return number(100 * (place + 0.5) / many)


def down(value: float, top: float) -> float:
    """Return the distance in pixels of a value from the upper edge, whose value is ``top``."""
    return HEIGHT * (1 - value / top)


def pixels(value: float, top: float) -> str:
    """Return a value's distance from the upper edge, in pixels, as the text of an SVG attribute.

    ``top``: the value at the upper edge.
    """
    return number(down(value, top))


def percent(part: float) -> str:
    """Format a fraction of the width, 0…1, as a percentage for an SVG attribute."""
    return f"{number(100 * part)}%"


def number(value: float) -> str:
    """Format a number for an SVG attribute, the same in every language."""
    return f"{value:.2f}".rstrip("0").rstrip(".")
