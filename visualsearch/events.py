"""Record what customers did with the products of a search: views, clicks, baskets, purchases."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from .exceptions import ItemNotShown, QueryNotFound
from .models import Event, Query
from .results import Hit

# Most products of one query whose rank is stored; only a crawler pages further.
SHOWN_AT_MOST = 1000


def record(
    query_id: str, kind: str, item: str, *, storefront: int | None = None
) -> tuple[Event, bool]:
    """Store a customer's event on a product that a search showed.

    Returns the event, and whether it is new: a repeated event of the same ``kind`` (see
    :class:`Event.Kind`) counts once. The rank comes from the stored search, never from the client.
    Raises ItemNotShown if the search did not show the item, QueryNotFound if the query is unknown
    or of another storefront.
    """
    query = found(query_id, storefront)
    rank = query.shown.get(item)
    if rank is None:
        raise ItemNotShown
    return Event.objects.get_or_create(query=query, kind=kind, item=item, defaults={"rank": rank})


def found(query_id: str, storefront: int | None) -> Query:
    """Return a query of this storefront; raise QueryNotFound if it has none with this id."""
    try:
        return Query.objects.only("pk", "shown").get(pk=UUID(query_id), storefront=storefront)
    except (Query.DoesNotExist, ValueError) as error:
        raise QueryNotFound from error


def ranks(hits: list[Hit], offset: int = 0) -> dict[str, int]:
    """Return the rank of each hit by item key; the first hit has the rank ``offset`` + 1."""
    return {hit.item: offset + place for place, hit in enumerate(hits, 1)}


def note_shown(query: Query, hits: list[Hit], offset: int) -> None:
    """Store the ranks of the hits on a later page in ``query.shown``.

    A newer rank of a product replaces its older one. Nothing is stored beyond :data:`SHOWN_AT_MOST`
    products.
    """
    new = ranks(hits, offset)
    if new.items() <= query.shown.items():
        return
    with transaction.atomic():
        # Two pages of one query may be requested at the same time.
        row = Query.objects.select_for_update().only("shown").filter(pk=query.pk).first()
        shown = (row.shown if row else {}) | new
        if row and len(shown) <= SHOWN_AT_MOST:
            Query.objects.filter(pk=query.pk).update(shown=shown)
