"""Record what customers did with the products of a search: views, clicks, baskets, purchases."""

from __future__ import annotations

from .exceptions import ItemNotShown, QueryNotFound
from .models import Event, Query
from .search import query_log


def record(
    query_id: str, kind: str, item: str, *, storefront: int | None = None
) -> tuple[Event, bool]:
    """Store a customer's event on a product that a search showed.

    Returns the event, and whether it is new: a repeated event of the same ``kind`` (see
    :class:`Event.Kind`) counts once. The rank comes from the stored search, never from the client.
    Raises ItemNotShown if the search did not show the item, QueryNotFound if the query is unknown
    or of another storefront.
    """
    query = query_of(query_id, storefront)
    rank = query.shown.get(item)
    if rank is None:
        raise ItemNotShown
    return Event.objects.get_or_create(query=query, kind=kind, item=item, defaults={"rank": rank})


def query_of(query_id: str, storefront: int | None) -> Query:
    """Return a query of this storefront; raise QueryNotFound if it has none with this id."""
    try:
        rows = Query.objects.only("pk", "shown").filter(storefront=storefront)
        return query_log.find(query_id, rows)
    except (Query.DoesNotExist, ValueError) as error:
        raise QueryNotFound from error
