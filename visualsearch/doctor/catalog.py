"""Examine the shop's catalog source on real rows."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

from django.core.exceptions import FieldError, ValidationError
from django.db import connections
from django.db.models.fields.files import FieldFile
from django.test.utils import CaptureQueriesContext

from ..catalogs import CatalogSource, catalog
from ..catalogs.watching import is_watched
from ..models.primary import MAX_KEY, MAX_NAME
from ..search.facets_and_sorting import describe_facets, sorted_keys, visible_items
from .findings import Finding, examined, right, wrong

# Items to examine, and files to read from the storage.
ITEMS, FILES = 50, 5
EXPECTED = ("key", "name", "url", "image")


def examine_catalog() -> list[Finding]:
    """Return what is right and wrong with the methods and attributes of the catalog."""
    source = catalog()
    name = type(source).__name__
    items: list[Any] = []

    def visible() -> Iterator[Finding]:
        items.extend(source.visible()[:ITEMS])
        yield from of_visible(source, items)

    found = examined("visible()", visible, f"Correct {name}.visible().")
    for what, examine in (
        ("key", lambda: of_keys(source, items)),
        ("images()", lambda: of_images(source, items)),
        ("image_url()", lambda: of_addresses(source, items)),
        ("card()", lambda: of_cards(source)),
        ("watched()", lambda: of_watched(source, items)),
        ("filterset_class", lambda: of_filters(source)),
        ("facets", lambda: of_facets(source)),
        ("orderings", lambda: of_orderings(source)),
    ):
        remedy = f"Correct {what} of {name}."
        found += examined(what, examine, remedy)
    return found


def of_visible(source: CatalogSource, items: Sequence[Any]) -> Iterator[Finding]:
    count = source.visible().count()
    if not items:
        yield wrong(
            "visible()",
            "No item is on sale.",
            f"Add a product, or widen {type(source).__name__}.visible().",
        )
        return
    yield right("visible()", f"{count} items are on sale.")
    if count != source.visible().distinct().order_by("pk").values("pk").distinct().count():
        yield wrong(
            "visible()",
            "It returns some items several times.",
            f"Add distinct() to {type(source).__name__}.visible().",
        )


def of_keys(source: CatalogSource, items: Sequence[Any]) -> Iterator[Finding]:
    keys = [source.key_of(item) for item in items]
    lost = [key for key in keys if key not in source.by_key(keys)]
    name = type(source).__name__
    if lost:
        yield wrong(
            "key",
            f"by_key() does not find {lost[0]}, which key_of() returns.",
            f"Set {name}.key to a unique field of {source.model.__name__}.",
        )
    field = source.key_field()
    if not (field.unique or field.primary_key):
        yield wrong(
            "key",
            f"The field {field.name} is not unique.",
            f"Set {name}.key to a unique field, or make it unique.",
        )
    if long := [key for key in keys if len(key) > MAX_KEY]:
        yield wrong(
            "key",
            f"The key {long[0]:.40}… is longer than {MAX_KEY} characters.",
            f"Set {name}.key to a shorter field.",
        )
    if not lost and not long and field.unique:
        yield right("key", f"{len(keys)} keys are found again.")


def of_images(source: CatalogSource, items: Sequence[Any]) -> Iterator[Finding]:
    name = type(source).__name__
    connection = connections[source.visible().db]
    with CaptureQueriesContext(connection) as queries:
        try:
            images = [(item, source.files(item)) for item in items]
        except TypeError as error:
            yield wrong("images()", str(error), f"Correct {name}.images().")
            return
    files = [file for _item, files in images for file in files]
    without = sum(not files for _item, files in images)
    if items and not files:
        yield wrong(
            "images()",
            f"None of {len(items)} items has a picture.",
            f"Return the pictures of an item in {name}.images().",
        )
        return
    yield right(
        "images()",
        f"{len(files)} pictures of {len(items)} items; {without} items have none.",
    )
    if len(queries) > 2:
        yield wrong(
            "images()",
            f"It takes {len(queries)} database queries for {len(items)} items.",
            f"Add prefetch_related() for the pictures to {name}.visible().",
        )
    if long := [file for file in files if len(str(file.name)) > MAX_NAME]:
        yield wrong(
            "images()",
            f"The file name {long[0].name:.40}… is longer than {MAX_NAME} characters.",
            "Shorten upload_to of its field.",
        )
    for file in islice(files, FILES):
        if not file.storage.exists(str(file.name)):
            yield wrong(
                "images()",
                f"The file {file.name} is missing from its storage.",
                "Upload it again, or correct MEDIA_ROOT or the storage of its field.",
            )
            return


def of_addresses(source: CatalogSource, items: Sequence[Any]) -> Iterator[Finding]:
    files = [file for item in items for file in source.files(item)]
    if source.thumbnails:
        return
    other = [file for file in files if source.image_url(str(file.name)) != file.url]
    if other:
        yield wrong(
            "image_url()",
            f"It returns {source.image_url(str(other[0].name))}; the field says {other[0].url}.",
            f"Override {type(source).__name__}.image_url(): the pictures are in several storages.",
        )
    elif files:
        yield right("image_url()", f"It agrees with the fields, as in {files[0].url}.")


def of_cards(source: CatalogSource) -> Iterator[Finding]:
    name = type(source).__name__
    items = list(source.listed()[:ITEMS])
    failed, cards = [], []
    with CaptureQueriesContext(connections[source.listed().db]) as queries:
        for item in items:
            try:
                cards.append((item, source.card_now(item)))
            except Exception as error:  # the shop's own code may raise anything
                failed.append((source.key_of(item), error))
    if failed:
        key, reason = failed[0]
        yield wrong(
            "card()",
            f"It fails for {len(failed)} of {len(items)} items; for {key} with"
            f" {type(reason).__name__}: {reason}",
            f"Let {name}.card() return None for what an item lacks.",
        )
    for item, card in cards:
        lacking = [field for field in EXPECTED if field not in card]
        if lacking:
            yield wrong(
                "card()",
                "It lacks {fields}.".format(fields=", ".join(lacking)),
                f"Add them to what {name}.card() returns.",
            )
            return
        if card["key"] != source.key_of(item):
            yield wrong(
                "card()",
                "Its key is {key!r}; key_of() returns {own!r}.".format(
                    key=card["key"], own=source.key_of(item)
                ),
                f"Return self.key_of(item) as the key in {name}.card().",
            )
            return
        try:
            json.dumps(card, default=str)
        except (TypeError, ValueError) as error:
            yield wrong("card()", str(error), f"Return plain values in {name}.card().")
            return
    if len(queries) > 2:
        yield wrong(
            "card()",
            f"It takes {len(queries)} database queries for {len(items)} items.",
            (
                f"Fetch what cards need in {name}.listed(), with select_related() or"
                " prefetch_related()."
            ),
        )
    elif not failed:
        yield right("card()", f"{len(cards)} cards are complete.")


def of_watched(source: CatalogSource, items: Sequence[Any]) -> Iterator[Finding]:
    name = type(source).__name__
    watched = source.watched()
    if source.model not in watched:
        yield wrong(
            "watched()",
            f"It lacks {source.model.__name__}, the model of the items.",
            f"Add {{{source.model.__name__}: self.key_of}} to {name}.watched().",
        )
    files = [file for item in items for file in source.files(item)]
    owners = {file.instance.__class__ for file in files if isinstance(file, FieldFile)}
    for model in owners:
        if not is_watched(model, source.watched()):
            yield wrong(
                "watched()",
                f"It lacks {model.__name__}, which has the pictures.",
                f"Add {model.__name__} to {name}.watched(), with a function that returns the item.",
            )
    for model, find in watched.items():
        row = model._default_manager.first()
        if row is None:
            continue
        find(row)  # an error is reported with this method's name
        keys = source.keys_affected_by(row)
        known = source.model._default_manager.filter(**{f"{source.key}__in": keys})
        if keys and not known.exists():
            yield wrong(
                "watched()",
                f"For a row of {model.__name__} it returns {keys[0]!r}, which is no item's key.",
                (
                    f"Return the item itself, or self.key_of(item), for {model.__name__} in"
                    f" {name}.watched()."
                ),
            )
            return
    yield right("watched()", ", ".join(model.__name__ for model in watched))


def of_filters(source: CatalogSource) -> Iterator[Finding]:
    if source.filterset_class is None:
        return
    names = list(source.filterset_class.base_filters)
    source.filterset_class({}, queryset=source.visible()).qs.first()
    for facet in source.facets:
        if lacking := [param for param in facet.params if param not in names]:
            yield wrong(
                "filterset_class",
                f"It has no filter {lacking[0]} for the facet {facet.name}.",
                f"Add {lacking[0]} to {source.filterset_class.__name__}.",
            )
            return
    yield right("filterset_class", ", ".join(names))


def of_facets(source: CatalogSource) -> Iterator[Finding]:
    if not source.facets:
        return
    keys = source.visible_keys()[:ITEMS]
    described = describe_facets(source, lambda filters: keys, {})
    for facet in described:
        for option in facet.get("options", [])[:1]:
            params = {facet["name"]: option["value"]}
            try:
                passing = source.filtered_keys(params)
                some = passing is not None and passing.exists()
            except ValidationError as error:
                yield wrong(
                    "facets",
                    "The filter {name} rejects its own value {value}: {error}".format(
                        name=facet["name"], value=option["value"], error=error.messages[0]
                    ),
                    "Let the filter accept the values of the facet's field.",
                )
                return
            if not some:
                yield wrong(
                    "facets",
                    "The filter {name} finds nothing for {value}, which items have.".format(
                        name=facet["name"], value=option["value"]
                    ),
                    "Let the facet's field and the filter's field be the same.",
                )
                return
    yield right("facets", ", ".join(facet.name for facet in source.facets))


def of_orderings(source: CatalogSource) -> Iterator[Finding]:
    keys = source.visible_keys()[:ITEMS]
    for ordering in source.orderings:
        try:
            found = sorted_keys(source, keys, ordering)
        except FieldError as error:
            yield wrong(
                "orderings",
                str(error),
                f"Correct the fields of the ordering {ordering.value}.",
            )
            return
        if len(found) != len(set(found)):
            yield wrong(
                "orderings",
                f"The ordering {ordering.value} lists some items several times.",
                "Order by a field of the item, not across a many-to-many relation.",
            )
            return
    if source.orderings and visible_items(source, keys).exists():
        yield right("orderings", ", ".join(each.value for each in source.orderings))
