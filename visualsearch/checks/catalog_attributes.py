"""System checks of what a catalog source says in its attributes: fields, colours, conditions.

They query no database. ``visualsearch_doctor`` examines the same attributes on real rows.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from django.core.checks import CheckMessage, Error, Warning, register
from django.core.exceptions import FieldDoesNotExist, FieldError, ValidationError

from ..catalogs import CatalogSource, all_catalogs
from ..catalogs.fields import has_index, is_to_many, path_of

COLOUR = re.compile(r"#[0-9a-fA-F]{6}")


@register("visualsearch")
def check_catalog_attributes(**kwargs: Any) -> list[CheckMessage]:
    """Report fields that do not exist, groups without an index, and colours that are none."""
    try:
        sources = all_catalogs()
    except Exception:
        return []  # reported by check_classes
    parts: list[Callable[[CatalogSource], Iterator[CheckMessage]]] = [
        check_group,
        check_search_fields,
        check_colours,
        check_out_of_stock,
    ]
    return [
        message
        for source in sources
        if isinstance(source, CatalogSource) and hasattr(source, "model")
        for part in parts
        for message in part(source)
    ]


def check_group(source: CatalogSource) -> Iterator[CheckMessage]:
    """Report a group that is no field, has several values, or has no index."""
    name, group = type(source).__name__, source.group
    if not group or is_annotation(source, group):
        return
    try:
        fields = path_of(source.model, group)
    except FieldDoesNotExist as error:
        yield Error(
            f"{name}.group is {group!r}: {error}.",
            hint=f"Set group in {name} to a field or lookup of {source.model.__name__}, or to “”.",
            id="visualsearch.E014",
        )
        return
    last = fields[-1]
    if is_to_many(fields):
        yield Error(
            f"{name}.group is {group!r}, of which a product may have several.",
            hint=f"Set group in {name} to a field with one value per product, such as its style.",
            id="visualsearch.E014",
        )
    elif not has_index(last):
        yield Warning(
            f"{name}.group is {group!r}, and the field has no index: each search reads the whole"
            " table for the other products of its results' groups.",
            hint=f"Set db_index=True on {last.model.__name__}.{last.name}, and migrate.",
            id="visualsearch.W005",
        )


def check_search_fields(source: CatalogSource) -> Iterator[CheckMessage]:
    """Report search fields that do not exist, or that are relations."""
    name, fields = type(source).__name__, source.search_fields
    if isinstance(fields, str):
        yield Error(
            f"{name}.search_fields is the text {fields!r}.",
            hint=f"Set search_fields in {name} to a list: [{fields!r}].",
            id="visualsearch.E015",
        )
        return
    for lookup in fields:
        if is_annotation(source, lookup):
            continue
        try:
            last = path_of(source.model, lookup)[-1]
        except FieldDoesNotExist as error:
            yield Error(
                f"{name}.search_fields has {lookup!r}: {error}.",
                hint=f"Correct or remove {lookup!r} in search_fields of {name}.",
                id="visualsearch.E015",
            )
            continue
        if last.is_relation:
            yield Error(
                f"{name}.search_fields has {lookup!r}, which is a relation and has no text.",
                hint=f"Name a text field of it in search_fields of {name}, such as"
                f" “{lookup}__name”.",
                id="visualsearch.E015",
            )


def check_colours(source: CatalogSource) -> Iterator[CheckMessage]:
    """Report colours whose value is not six hexadecimal digits."""
    for colour, value in source.colours.items():
        if not COLOUR.fullmatch(str(value)):
            yield Error(
                f"{type(source).__name__}.colours has {colour!r}: {value!r}.",
                hint=f"Set {colour!r} in colours of {type(source).__name__} to six hexadecimal"
                " digits, such as “#1f2a44”.",
                id="visualsearch.E016",
            )


def check_out_of_stock(source: CatalogSource) -> Iterator[CheckMessage]:
    """Report conditions that ``filter()`` rejects."""
    conditions = source.out_of_stock
    names = [lookup.split("__")[0] for lookup in conditions]
    if not conditions or any(is_annotation(source, name) for name in names):
        return
    try:
        source.model._default_manager.filter(**conditions)
    except (FieldError, ValidationError, ValueError, TypeError) as error:
        yield Error(
            f"{type(source).__name__}.out_of_stock is {conditions!r}: {error}.",
            hint=f"Set out_of_stock in {type(source).__name__} to arguments of"
            f" {source.model.__name__}.objects.filter(), such as {{“stock”: 0}}.",
            id="visualsearch.E017",
        )


def is_annotation(source: CatalogSource, name: str) -> bool:
    """Return whether ``visible()`` annotates this name, which is no field of the model."""
    try:
        path_of(source.model, name)
    except FieldDoesNotExist:
        try:
            return name.split("__")[0] in source.visible().query.annotations
        except Exception:  # the shop's own code may raise anything; the doctor reports it
            return False
    return False
