"""What became of a search: which of its products were looked at, and bought."""

from __future__ import annotations

from uuid import UUID

from django.db import transaction

from .exceptions import ItemNotShown, QueryNotFound
from .models import Event, Query
from .results import Hit

# Products of one query whose rank is kept: who pages further is no customer.
SHOWN_AT_MOST = 1000


def record(
    query_id: str, kind: str, item: str, *, storefront: int | None = None
) -> tuple[Event, bool]:
    """Keep that something was done with a product, and whether that was new.

    The rank is the one at which the search showed it, whatever a client says. The same thing twice
    counts once. Raises QueryNotFound, also for a query of another storefront, and ItemNotShown.
    """
    query = found(query_id, storefront)
    rank = query.shown.get(item)
    if rank is None:
        raise ItemNotShown
    return Event.objects.get_or_create(query=query, kind=kind, item=item, defaults={"rank": rank})


def found(query_id: str, storefront: int | None) -> Query:
    """A query of this storefront, as long as its figures are kept."""
    try:
        return Query.objects.only("pk", "shown").get(pk=UUID(query_id), storefront=storefront)
    except (Query.DoesNotExist, ValueError) as error:
        raise QueryNotFound from error


def ranks(hits: list[Hit], offset: int = 0) -> dict[str, int]:
    """At which rank each product is shown, from 1."""
    return {hit.item: offset + place for place, hit in enumerate(hits, 1)}


def note_shown(query: Query, hits: list[Hit], offset: int) -> None:
    """Keep what a later page of a query shows; the last rank of a product counts."""
    new = ranks(hits, offset)
    if new.items() <= query.shown.items():
        return
    with transaction.atomic():
        # Two pages of one query may be on their way at the same time.
        row = Query.objects.select_for_update().only("shown").filter(pk=query.pk).first()
        shown = (row.shown if row else {}) | new
        if row and len(shown) <= SHOWN_AT_MOST:
            Query.objects.filter(pk=query.pk).update(shown=shown)
