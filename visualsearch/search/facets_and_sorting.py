"""Count the values of facets among the best hits, and sort the hits."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.utils.translation import gettext, gettext_lazy

from ..catalogs import CatalogSource, groups
from ..facets import Described, Filters, Ordering

ALIKE = Ordering(value="", label=gettext_lazy("Most similar"))


def orderings(source: CatalogSource) -> list[dict[str, str]]:
    """Return ``value`` and ``label`` of each sort order, similarity first.

    [] if the shop defines none.
    """
    offered = (ALIKE, *source.orderings) if source.orderings else ()
    return [{"value": each.value, "label": str(each.label)} for each in offered]


def ordering_of(source: CatalogSource, value: str) -> Ordering | None:
    """Return the shop's ordering with this ``value``, None for "" (similarity).

    Raises ValidationError if there is no such ordering.
    """
    if not value:
        return None
    for each in source.orderings:
        if each.value == value:
            return each
    known = ", ".join(each.value for each in source.orderings) or "–"
    raise ValidationError({"ordering": [gettext("Use one of: %(known)s.") % {"known": known}]})


def sorted_keys(source: CatalogSource, keys: Iterable[str], ordering: Ordering) -> list[str]:
    """Return those of ``keys`` whose item is visible, sorted; ties are broken by primary key."""
    fields = ordering.fields or (ordering.value,)
    rows = visible_items(source, keys).order_by(*fields, "pk")
    # An ordering or visible() that joins another table has some items several times.
    return list(dict.fromkeys(str(key) for key in rows.values_list(source.key, flat=True)))


def describe_facets(
    source: CatalogSource,
    best: Callable[[Filters], list[str]],
    filters: Filters,
    *,
    by_group: bool = False,
) -> list[Described]:
    """Return the shop's facets as dicts; see :meth:`Choice.describe` and :meth:`Range.describe`.

    ``best``: called with filters, returns the keys of the best hits that pass them. The counts of a
    facet ignore the facet's own filter. ``by_group``: whether to count groups in place of items.
    """
    pools: dict[str, list[str]] = {}
    found = []
    for facet in source.facets:
        others = {name: text for name, text in filters.items() if name not in facet.params}
        pool = repr(sorted(others.items()))
        if pool not in pools:
            pools[pool] = best(others)
        rows = visible_items(source, pools[pool])
        rows = groups.with_unit(source, rows) if by_group else rows
        described = facet.describe(rows, filters)
        if described:
            found.append(described)
    return found


def visible_items(source: CatalogSource, keys: Iterable[str]) -> QuerySet[Any]:
    """Return a queryset of the visible items with these keys, without prefetched relations."""
    rows = source.visible().prefetch_related(None).order_by()
    return rows.filter(**{f"{source.key}__in": list(keys)})
