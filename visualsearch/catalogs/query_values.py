"""Pass query parameters to the shop's filter set."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.http import QueryDict


def query_of(params: Mapping[str, Any]) -> QueryDict:
    """Return query parameters as Django's forms expect them; a value may be a list of values."""
    data = QueryDict(mutable=True)
    for name, value in params.items():
        data.setlist(name, list(value) if isinstance(value, list | tuple) else [value])
    return data


def is_given(widget: Any, data: QueryDict, name: str) -> bool:
    """Return whether a field of a form has a value in ``data``, also in one of several inputs."""
    value = widget.value_from_datadict(data, {}, name)
    values = value if isinstance(value, list | tuple) else [value]
    return any(each not in (None, "") for each in values)
