"""Examine words, groups, colours and stock of the shop's catalog source on real rows."""

from __future__ import annotations

from collections.abc import Iterator

from django.db import connections, transaction
from django.db.models import Count

from ..catalogs import CatalogSource, catalog, words
from ..catalogs.groups import MOST_MEMBERS, plain, without_group
from ..search.colour_values import from_hex
from .findings import Finding, examined, right, wrong

# Items from which a search by words needs an index on PostgreSQL.
MANY = 10_000


def examine_words_and_groups() -> list[Finding]:
    """Return what is right and wrong with the attributes for words, groups, colours and stock."""
    source, found = catalog(), []
    for what, examine in (
        ("group", of_group),
        ("search_fields", of_search_fields),
        ("colours", of_colours),
        ("out_of_stock", of_stock),
    ):
        remedy = f"Correct {what} of {type(source).__name__}."
        found += examined(what, lambda examine=examine: examine(source), remedy)  # type: ignore[misc]
    return found


def of_group(source: CatalogSource) -> Iterator[Finding]:
    """Yield how many items have a group, and a group that holds too many."""
    if not source.group:
        return
    rows = plain(source.visible()).exclude(without_group(source)).values_list(source.group)
    sizes = rows.annotate(size=Count(source.key, distinct=True)).order_by("-size")
    group, size = sizes.first() or ("", 0)
    if size > MOST_MEMBERS:
        yield wrong(
            "group",
            f"The group {group!r} has {size} items, of which a search shows one.",
            f"Set group in {type(source).__name__} to a field that only variants of one product"
            " share.",
        )
    else:
        yield right("group", f"{sizes.count()} groups by {source.group}, at most {size} items.")


def of_search_fields(source: CatalogSource) -> Iterator[Finding]:
    """Yield whether words can be looked up, fast if the catalog is large."""
    if not source.takes_words:
        return
    plain(source.visible()).filter(source.word_condition("word")).exists()
    using = plain(source.visible()).db
    own, _related = words.fields_by_relation(source)
    name = type(source).__name__
    if connections[using].vendor != "postgresql" or not own:
        yield right("search_fields", ", ".join(source.search_fields) or "word_condition()")
        return
    count = source.count_visible()
    if count > MANY and reads_whole_table(source, own, using):
        yield wrong(
            "search_fields",
            f"Each word reads all {count} items, because no index fits.",
            f"Add to Meta.indexes of {source.model.__name__}: GinIndex(SearchVector("
            + ", ".join(f'"{field}"' for field in own)
            + f', config="{words.language()}"), name="product_words"), and migrate; or override'
            f" {name}.word_condition().",
        )
        return
    detail = ", ".join(source.search_fields)
    if not words.has_trigrams(using):
        detail += (
            ". Misspelled words find nothing; TrigramExtension() of django.contrib.postgres in the"
            " operations of a migration lets them."
        )
    yield right("search_fields", detail)


def reads_whole_table(source: CatalogSource, own: list[str], using: str) -> bool:
    """Return whether PostgreSQL has no index for a word in the items' own fields."""
    rows = source.model._base_manager.using(using)
    try:
        rows = rows.filter(words.text_condition(own, "word", using))
    except Exception:  # an annotation of visible()
        return False
    with transaction.atomic(using=using), connections[using].cursor() as cursor:
        # Also a planner that holds a scan for cheaper shall use the index if there is one.
        cursor.execute("SET LOCAL enable_seqscan = off")
        return "Seq Scan" in rows.order_by().explain()


def of_colours(source: CatalogSource) -> Iterator[Finding]:
    """Yield the shop's colours; raise ValueError for a malformed one."""
    for value in source.colours.values():
        from_hex(value)
    if source.colours:
        yield right("colours", ", ".join(source.colours))


def of_stock(source: CatalogSource) -> Iterator[Finding]:
    """Yield how many items are out of stock."""
    rows = source.sold_out()
    if rows is not None:
        yield right("out_of_stock", f"{plain(rows).count()} items are out of stock.")
