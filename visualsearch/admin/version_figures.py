"""A table that compares the figures of index versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from ..models import IndexVersion
from .number_formats import NOTHING, duration, milliseconds, moment, number, percentage, size


@dataclass(frozen=True, kw_only=True)
class Figure:
    """One row of the comparison: its label, how to read the value, and how to format it.

    ``best``: ``max`` or ``min``, to mark the best value; None if no value is better.
    """

    label: str | Promise
    value: Callable[[IndexVersion], Any]
    text: Callable[[Any], str]
    best: Callable[[Iterable[Any]], Any] | None = None


@dataclass(frozen=True, kw_only=True)
class Cell:
    """A value as text; ``best`` marks the best value of its row."""

    text: str
    best: bool = False


def plain(value: Any) -> str:
    """Return a value as text, a dash if it is empty."""
    return str(value) if value else NOTHING


def share(value: float | None) -> str:
    """Format a recall or a reciprocal rank, 0…1, with three decimals; None as a dash."""
    return number(value, 3)


def measured(*path: str) -> Callable[[IndexVersion], Any]:
    """Return a function that reads a number in ``IndexVersion.evaluation``.

    ``path``: keys of the nested dicts, outermost first. The function returns None if the number is
    missing.
    """

    def read(version: IndexVersion) -> Any:
        found: Any = version.evaluation
        for name in path:
            found = (found or {}).get(name)
        return found

    return read


def known(name: str) -> Callable[[IndexVersion], Any]:
    """Return a function that reads a value in ``IndexVersion.figures``, None if missing."""
    return lambda version: version.figures.get(name)


CHOSEN_BY = {
    "catalog": gettext_lazy("to the catalog"),
    "labels": gettext_lazy("with labelled photos"),
    "clicks": gettext_lazy("with clicks"),
}


def fit(version: IndexVersion) -> str:
    """Return as text what chose the weights of a version's fit, or that it has no fit."""
    return str(CHOSEN_BY[version.fit["chosen"]]) if version.fit else _("not fitted")


def shares(version: IndexVersion) -> str | None:
    """Return the weights of the embedding's parts as text, None if the version has no fit."""
    if not version.fit:
        return None
    return named_shares({part["name"]: part["share"] for part in version.fit["parts"]})


def named_shares(found: dict[str, float]) -> str:
    """Return the weights of an embedding's parts as text, in percent; ``found``: 0…1 by name."""
    return ", ".join(f"{name} {percentage(each, 0)}" for name, each in found.items())


def of_fit(name: str) -> Callable[[IndexVersion], Any]:
    """Return a function that reads a value in ``IndexVersion.fit``, None if missing."""
    return lambda version: (version.fit or {}).get(name)


FIGURES = [
    Figure(label=gettext_lazy("encoder"), value=lambda version: version.encoder, text=plain),
    Figure(label=gettext_lazy("structure"), value=known("structure"), text=plain),
    Figure(label=gettext_lazy("fitted"), value=fit, text=plain),
    Figure(label=gettext_lazy("score weights"), value=shares, text=plain),
    Figure(label=gettext_lazy("images used for fitting"), value=of_fit("images"), text=number),
    Figure(label=gettext_lazy("products"), value=lambda version: version.items, text=number),
    Figure(label=gettext_lazy("images"), value=lambda version: version.images, text=number),
    Figure(label=gettext_lazy("memory"), value=known("memory_bytes"), text=size, best=min),
    Figure(label=gettext_lazy("file size"), value=known("file_bytes"), text=size, best=min),
    Figure(
        label=gettext_lazy("build time"),
        value=known("build_seconds"),
        text=duration,
        best=min,
    ),
    *(
        Figure(label=f"recall@{k}", value=measured("sku", f"recall@{k}"), text=share, best=max)
        for k in (1, 5, 10)
    ),
    Figure(label="MRR", value=measured("sku", "mrr"), text=share, best=max),
    Figure(
        label=gettext_lazy("recall@10, same style"),
        value=measured("style", "recall@10"),
        text=share,
        best=max,
    ),
    Figure(
        label=gettext_lazy("latency p50"),
        value=measured("latency_ms", "p50"),
        text=milliseconds,
        best=min,
    ),
    Figure(
        label=gettext_lazy("latency p95"),
        value=measured("latency_ms", "p95"),
        text=milliseconds,
        best=min,
    ),
    Figure(label=gettext_lazy("labelled photos"), value=measured("queries"), text=number),
    Figure(label=gettext_lazy("created"), value=lambda version: version.created, text=moment),
    Figure(label=gettext_lazy("activated"), value=lambda version: version.activated, text=moment),
]


def table(versions: list[IndexVersion]) -> list[tuple[str, list[Cell]]]:
    """Return the rows of the comparison: a label and a cell per version.

    Rows in which no version has a value are left out.
    """
    lines = []
    for figure in FIGURES:
        values = [figure.value(version) for version in versions]
        present = [value for value in values if value is not None]
        if not present:
            continue
        differs = figure.best and len(set(present)) > 1
        best = figure.best(present) if figure.best and differs else None
        cells = [
            Cell(text=figure.text(value), best=best is not None and value == best)
            for value in values
        ]
        lines.append((str(figure.label), cells))
    return lines


def quality(version: IndexVersion) -> str:
    """Return the recall@10 of a version as text; "not measured" if it was not evaluated."""
    value = measured("sku", "recall@10")(version)
    return share(value) if value is not None else _("not measured")
