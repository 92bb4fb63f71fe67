"""Make the cards of hits."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from typing import Any

from ..catalogs import CatalogSource, catalog
from .results import Hit, SearchResult, Variant

# Whether another process makes the cards.
_later = ContextVar("cards made later", default=False)


@contextmanager
def cards_made_later() -> Iterator[None]:
    """Leave cards empty in the ``with`` block, if they depend on a request.

    For a worker, which has none: see :func:`with_cards_for_request`.
    """
    before = _later.set(catalog().card_takes_request)
    try:
        yield
    finally:
        _later.reset(before)


def look_up_cards(
    source: CatalogSource,
    keys: Sequence[str],
    need: int,
    cards: dict[str, dict[str, Any] | None],
    *,
    empty: bool = False,
) -> None:
    """Add the cards of items to ``cards`` by key, until the best ``need`` visible ones are there.

    ``keys``: of the items, best first. An item that is hidden or whose card fails gets None. The
    first ``need`` items are read with one query, the others only if some of those are not shown.
    ``empty``: make empty cards, to find out only which items are visible.
    """
    empty = empty or _later.get()
    for some in (keys[:need], keys[need:]):
        if sum(cards.get(key) is not None for key in keys) >= need:
            return
        new = [key for key in some if key not in cards]
        rows = source.visible().prefetch_related(None) if empty else source.listed()
        items = source.by_key(new, rows) if new else {}
        for key in new:
            if key not in items:
                cards[key] = None
            else:
                cards[key] = {} if empty else source.safe_card(items[key])


def with_cards_for_request(result: SearchResult) -> SearchResult:
    """Return a worker's result with cards that are made for the request of this process.

    A worker has no request. So it makes the cards only if the shop's ``card()`` takes none. A hit
    that is no longer visible, or whose card fails, is left out.
    """
    if not catalog().card_takes_request:
        return result
    per_object = result.per_object and [
        replace(each, hits=with_cards(each.hits)) for each in result.per_object
    ]
    return replace(result, hits=with_cards(result.hits), per_object=per_object)


def with_cards(hits: Sequence[Hit]) -> list[Hit]:
    """Return hits and their variants with new cards.

    Those that are not visible or whose card fails are left out.
    """
    keys = [hit.item for hit in hits]
    keys += [each.item for hit in hits for each in hit.variants]
    cards: dict[str, dict[str, Any] | None] = {}
    look_up_cards(catalog(), keys, len(keys), cards)
    return [
        replace(hit, card=card, variants=with_card(hit.variants, cards))
        for hit in hits
        if (card := cards[hit.item]) is not None
    ]


def with_card(
    variants: Sequence[Variant], cards: Mapping[str, dict[str, Any] | None]
) -> list[Variant]:
    """Return variants with new cards, without those that have none."""
    found = [(each, cards.get(each.item)) for each in variants]
    return [replace(each, card=card) for each, card in found if card is not None]
