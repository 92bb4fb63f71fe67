"""Export searches and refusals as streamed CSV, for spreadsheets and other programs."""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator, Iterable, Iterator
from contextvars import copy_context
from itertools import islice
from typing import Any
from uuid import UUID

from asgiref.sync import sync_to_async
from django.core.handlers.asgi import ASGIRequest
from django.db.models import Q, QuerySet
from django.http import HttpRequest, StreamingHttpResponse

from ..analytics.insights import Period
from ..analytics.local_time import local
from ..models import Event, Query, Refusal
from .try_photo import STAGES

Kind = Event.Kind

# Characters that make a spreadsheet read a cell as a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
CHUNK = 500
COLUMNS = [
    *("id", "created", "storefront", "experiment", "variant", "index_version", "model"),
    *("class", "probability", "best_score", "matched", "results_shown"),
    *(f"{stage}_ms" for stage in (*STAGES, "total")),
    *("views", "clicks", "click_ranks", "baskets", "purchases"),
]
FIELDS = [
    *("storefront__name", "experiment__name", "variant", "index_version"),
    *("encoder", "predictions", "best_score", "matched", "shown", "took_ms"),
]


class Echo:
    """A file object whose ``write`` returns the text, to stream what ``csv`` writes."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def response(request: HttpRequest, name: str, lines: Iterable[list[Any]]) -> StreamingHttpResponse:
    """Return rows as a streamed CSV download; ``name``: the file name without suffix."""
    writer = csv.writer(Echo())
    written = (writer.writerow([harmless(cell) for cell in line]) for line in in_context(lines))
    # Django would read a synchronous iterator to its end before it sends the first byte.
    content = in_thread(written) if isinstance(request, ASGIRequest) else written
    answer = StreamingHttpResponse(content, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def in_context(lines: Iterable[list[Any]]) -> Iterator[list[Any]]:
    """Return an iterator that reads the lines in the present context: catalog, language, time zone.

    The response is sent after the shop's middleware has left them.
    """
    context, left = copy_context(), iter(lines)
    return iter(lambda: context.run(next, left, None), None)


async def in_thread(texts: Iterator[str]) -> AsyncIterator[str]:
    """Yield the texts, :data:`CHUNK` at a time, read in a thread because of the database."""
    while some := await sync_to_async(lambda: list(islice(texts, CHUNK)))():
        yield "".join(some)


def in_chunks(rows: QuerySet[Any], *fields: str) -> Iterator[list[dict[str, Any]]]:
    """Yield lists of :data:`CHUNK` rows with these fields, oldest first, each by its own query.

    A server-side cursor would need one database session for the whole download, and PgBouncer in
    transaction mode changes sessions.
    """
    rows = rows.order_by("created", "pk").values("created", "pk", *fields)
    after = Q()
    while some := list(rows.filter(after)[:CHUNK]):
        yield some
        created, pk = some[-1]["created"], some[-1]["pk"]
        after = Q(created__gte=created) & (Q(created__gt=created) | Q(pk__gt=pk))


def harmless(cell: Any) -> Any:
    """Return a cell; text that a spreadsheet would read as a formula gets an apostrophe."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def searches(period: Period) -> Iterator[list[Any]]:
    """Yield the header row and a row per search, without the visitor's id."""
    yield COLUMNS
    for some in in_chunks(period.of(Query), *FIELDS):
        ranks = ranks_of([query["pk"] for query in some])
        for query in some:
            yield line(query, ranks[query["pk"]])


def ranks_of(queries: list[UUID]) -> dict[UUID, dict[str, list[int]]]:
    """Return the ranks of the products with events, by query id and then by kind of event."""
    found: dict[UUID, dict[str, list[int]]] = {
        query: {kind: [] for kind in Kind.values} for query in queries
    }
    events = Event.objects.filter(query__in=queries).order_by("rank")
    for query, kind, rank in events.values_list("query", "kind", "rank"):
        found[query][kind].append(rank)
    return found


def line(query: dict[str, Any], ranks: dict[str, list[int]]) -> list[Any]:
    """Return the row of one search; ``ranks``: of the products with events, by kind of event."""
    first = query["predictions"][0] if query["predictions"] else {}
    return [
        str(query["pk"]),
        local(query["created"]).isoformat(timespec="seconds"),
        query["storefront__name"] or "",
        query["experiment__name"] or "",
        query["variant"],
        query["index_version"],
        query["encoder"],
        first.get("label", ""),
        first.get("probability", ""),
        query["best_score"],
        int(query["matched"]),
        len(query["shown"]),
        *(query["took_ms"].get(stage, "") for stage in (*STAGES, "total")),
        len(ranks[Kind.VIEW]),
        len(ranks[Kind.CLICK]),
        " ".join(str(rank) for rank in ranks[Kind.CLICK]),
        len(ranks[Kind.BASKET]),
        len(ranks[Kind.PURCHASE]),
    ]


def refusals(period: Period) -> Iterator[list[Any]]:
    """Yield the header row and a row per refused photo."""
    yield ["created", "code", "storefront", "experiment", "variant"]
    fields = ("code", "storefront__name", "experiment__name", "variant")
    for some in in_chunks(period.of(Refusal), *fields):
        for refusal in some:
            moment = local(refusal["created"]).isoformat(timespec="seconds")
            yield [moment, *(refusal[name] or "" for name in fields)]
