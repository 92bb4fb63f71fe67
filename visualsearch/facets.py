"""Facets and sort orders that a shop offers for search results.

Both apply to the best hits of a photo only. Products far behind look nothing like it, and the
cheapest product of the whole catalog is not what the customer searched for.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import Count, Max, Min, QuerySet
from django.db.models.expressions import OrderBy
from django.utils.functional import Promise
from django.utils.text import capfirst

Text = str | Promise

UNIT = "visualsearch_unit"
"""An annotation of items: what facets count, if not items; the same for all of a group."""
Filters = Mapping[str, str]
Described = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Choice:
    """A facet of discrete values.

    ``name``: the query parameter, of the shop's filter set, that filters by it. ``label``: its
    heading. ``field``: ORM lookup of the values, such as ``category__slug``; "" stands for the
    value of ``name``. ``shown``: ORM lookup of the text that customers read, such as
    ``category__name``; "" stands for that of ``field``.
    """

    name: str
    label: Text
    field: str = ""
    shown: str = ""

    @property
    def params(self) -> tuple[str, ...]:
        """The names of the query parameters that set the facet."""
        return (self.name,)

    def describe(self, rows: QuerySet[Any], filters: Filters) -> Described | None:
        """Return the facet over some items as a dict.

        None if the items have fewer than two values and ``filters`` selects none.

        Keys: ``name``, ``label``, ``kind`` ("choice"), ``value`` (selected, or None) and
        ``options``: dicts of ``value``, ``label`` and ``count``, most frequent first.
        """
        field = self.field or self.name
        lookups = (field, self.shown or field)
        unit = UNIT if UNIT in rows.query.annotations else "pk"
        counts = rows.values_list(*lookups).annotate(n=Count(unit, distinct=True)).order_by()
        options = [
            {"value": str(value), "label": capfirst(str(shown)), "count": count}
            for value, shown, count in counts
            if value not in ("", None)
        ]
        options.sort(key=lambda option: (-option["count"], option["label"]))
        chosen = option_of(options, first(filters.get(self.name, "")))
        if len(options) < 2 and chosen is None:
            return None
        return {
            "name": self.name,
            "label": str(self.label),
            "kind": "choice",
            "value": chosen,
            "options": options,
        }


def option_of(options: list[Described], value: str) -> str | None:
    """Return the selected value, spelled as in its option; None if ``value`` is "".

    An unknown value is added to ``options`` with the count 0.
    """
    if not value:
        return None
    for option in options:
        if option["value"].casefold() == value.casefold():
            return str(option["value"])
    options.append({"value": value, "label": capfirst(value), "count": 0})
    return value


@dataclass(frozen=True, kw_only=True)
class Range:
    """A facet of numbers; the query parameters ``min_<name>`` and ``max_<name>`` filter by it.

    ``label``: its heading. ``field``: ORM lookup of the values; "" stands for the value of
    ``name``.
    """

    name: str
    label: Text
    field: str = ""

    @property
    def params(self) -> tuple[str, ...]:
        """The names of the query parameters that set the facet."""
        return (f"min_{self.name}", f"max_{self.name}")

    def describe(self, rows: QuerySet[Any], filters: Filters) -> Described | None:
        """Return the facet over some items as a dict.

        None if all their values are equal and ``filters`` sets no limit.

        Keys: ``name``, ``label``, ``kind`` ("range"), ``min_param``, ``max_param``, ``min`` and
        ``max`` (of the items) and ``value``: the selected [minimum, maximum], each None if not set.
        """
        field = self.field or self.name
        least, most = rows.aggregate(least=Min(field), most=Max(field)).values()
        value = [number(first(filters.get(param))) for param in self.params]
        if (least is None or least == most) and value == [None, None]:
            return None
        return {
            "name": self.name,
            "label": str(self.label),
            "kind": "range",
            "min_param": self.params[0],
            "max_param": self.params[1],
            "min": None if least is None else float(least),
            "max": None if most is None else float(most),
            "value": value,
        }


def number(text: str | None) -> float | None:
    """Return the number in a validated filter's text, None for "" and None."""
    return float(text) if text else None


@dataclass(frozen=True, kw_only=True)
class Ordering:
    """A sort order for results: its name in URLs (``value``) and its ``label`` for customers.

    ``fields``: arguments of ``order_by()``; if empty, the text in ``value`` is the only one.
    """

    value: str
    label: Text
    fields: tuple[str | OrderBy, ...] = ()


def first(value: Any) -> Any:
    """Return the first value of a filter that was given several times, else the value."""
    return value[0] if isinstance(value, list | tuple) else value
