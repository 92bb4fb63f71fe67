"""Record the rank at which a search showed each product."""

from __future__ import annotations

from collections.abc import Mapping

from ..models import Query
from ..models.primary import atomic
from .results import SearchResult

# Most products of one query whose rank is stored; only a crawler pages further.
SHOWN_AT_MOST = 1000


def rank_by_item(result: SearchResult, offset: int = 0) -> dict[str, int]:
    """Return the rank of each hit and of its variants by item key.

    The first hit has the rank ``offset`` + 1; in the hits of an object, the first has the rank 1.
    """
    ranks: dict[str, int] = {}
    rows = [(offset, result.hits)] + [(0, each.hits) for each in result.per_object or []]
    for before, hits in rows:
        for place, hit in enumerate(hits, before + 1):
            for item in (hit.item, *(each.item for each in hit.variants)):
                ranks.setdefault(item, place)
    return ranks


def store_ranks(
    query: Query, new: dict[str, int], rules: Mapping[str, list[str]] | None = None
) -> None:
    """Store the ranks of products on a later page in ``query.shown``.

    A newer rank of a product replaces its older one. ``rules``: the products that each rule acted
    on, to add to ``query.rules``. Nothing is stored beyond :data:`SHOWN_AT_MOST` products.
    """
    if new.items() <= query.shown.items():
        return
    with atomic():
        # Two pages of one query may be requested at the same time.
        rows = Query.objects.select_for_update().only("shown", "rules").filter(pk=query.pk)
        row = rows.first()
        shown = (row.shown if row else {}) | new
        if row and len(shown) <= SHOWN_AT_MOST:
            acted = dict(row.rules or {})
            for rule, items in (rules or {}).items():
                acted[rule] = list(dict.fromkeys([*acted.get(rule, []), *items]))
            Query.objects.filter(pk=query.pk).update(shown=shown, rules=acted or None)
