"""Make the cards of hits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from ..catalogs import CatalogSource, catalog
from .results import SearchResult


def look_up_cards(
    source: CatalogSource,
    keys: Sequence[str],
    need: int,
    cards: dict[str, dict[str, Any] | None],
) -> None:
    """Add the cards of items to ``cards`` by key, until the best ``need`` visible ones are there.

    ``keys``: of the items, best first. An item that is hidden or whose card fails gets None. The
    first ``need`` items are read with one query, the others only if some of those are not shown.
    """
    for some in (keys[:need], keys[need:]):
        if sum(cards.get(key) is not None for key in keys) >= need:
            return
        new = [key for key in some if key not in cards]
        items = source.by_key(new, source.listed()) if new else {}
        for key in new:
            cards[key] = source.safe_card(items[key]) if key in items else None


def with_cards_for_request(result: SearchResult) -> SearchResult:
    """Return a worker's result with cards that are made for the request of this process.

    A worker has no request. So its cards are final only if the shop's ``card()`` takes none. A hit
    that is no longer visible, or whose card fails, is left out.
    """
    source = catalog()
    if not source.card_takes_request or not result.hits:
        return result
    cards: dict[str, dict[str, Any] | None] = {}
    look_up_cards(source, [hit.item for hit in result.hits], len(result.hits), cards)
    shown = [(hit, card) for hit in result.hits if (card := cards[hit.item]) is not None]
    return replace(result, hits=[replace(hit, card=card) for hit, card in shown])
