"""The shop's categories, to choose from in forms."""

from __future__ import annotations

from typing import Any

from django.http import QueryDict

from ..catalogs import catalog
from ..class_names import NAMES

# Most values of the shop's facet that are offered.
MOST = 200


def category_names() -> dict[str, str]:
    """Return the values of the filter ``category`` that the shop is known to have, by name.

    They are the classes that it sells, the choices of its filter, and those of its facet.
    """
    source = catalog()
    sold = source.categories(NAMES)
    values = [label for label in NAMES if label in sold]
    values += filter_choices()
    for facet in source.facets:
        if facet.name == "category":
            rows = source.visible().order_by()
            found = rows.values_list(facet.field or facet.name, flat=True).distinct()
            values += [str(value) for value in found[:MOST] if value]
    names: dict[str, str] = {}
    for value in dict.fromkeys(values):
        names.setdefault(source.category_name(value), value)
    return names


def filter_choices() -> list[str]:
    """Return the choices of the shop's filter ``category``, if it has any."""
    source = catalog()
    if source.filterset_class is None:
        return []
    form = source.filterset_class(QueryDict(), queryset=source.visible()).form
    field: Any = form.fields.get("category")
    return [str(value) for value, _text in getattr(field, "choices", []) if value]
