"""Searches and refusals as CSV, row by row: for spreadsheets and for other programs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any
from uuid import UUID

from django.http import StreamingHttpResponse
from django.utils import timezone

from ..insights import Period
from ..models import Event, Query, Refusal
from .trial import STAGES

Kind = Event.Kind

# What a spreadsheet takes for the beginning of a formula.
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")
CHUNK = 500
COLUMNS = [
    *("id", "created", "storefront", "experiment", "variant", "index_version", "model"),
    *("class", "probability", "best_score", "matched", "results_shown"),
    *(f"{stage}_ms" for stage in (*STAGES, "total")),
    *("views", "clicks", "click_ranks", "baskets", "purchases"),
]
FIELDS = [
    *("pk", "created", "storefront__name", "experiment__name", "variant", "index_version"),
    *("encoder", "predictions", "best_score", "matched", "shown", "took_ms"),
]


class Echo:
    """A file that hands back what is written to it."""

    def write(self, text: str) -> str:
        """The text."""
        return text


def response(name: str, lines: Iterable[list[Any]]) -> StreamingHttpResponse:
    """The lines as a file to save, while they are being read."""
    writer = csv.writer(Echo())
    written = (writer.writerow([harmless(cell) for cell in line]) for line in lines)
    answer = StreamingHttpResponse(written, content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{name}.csv"'
    return answer


def harmless(cell: Any) -> Any:
    """Text that no spreadsheet takes for a formula; numbers are what they are."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(FORMULA) else cell


def searches(period: Period) -> Iterator[list[Any]]:
    """A line for each search; nothing in it says who searched."""
    yield COLUMNS
    rows = period.of(Query).order_by("created", "pk").values(*FIELDS)
    found = rows.iterator(chunk_size=CHUNK)
    while some := list(islice(found, CHUNK)):
        ranks = ranks_of([query["pk"] for query in some])
        for query in some:
            yield line(query, ranks[query["pk"]])


def ranks_of(queries: list[UUID]) -> dict[UUID, dict[str, list[int]]]:
    """Of each search the ranks of its events, by their kind."""
    found: dict[UUID, dict[str, list[int]]] = {
        query: {kind: [] for kind in Kind.values} for query in queries
    }
    events = Event.objects.filter(query__in=queries).order_by("rank")
    for query, kind, rank in events.values_list("query", "kind", "rank"):
        found[query][kind].append(rank)
    return found


def line(query: dict[str, Any], ranks: dict[str, list[int]]) -> list[Any]:
    """One search."""
    first = query["predictions"][0] if query["predictions"] else {}
    return [
        str(query["pk"]),
        timezone.localtime(query["created"]).isoformat(timespec="seconds"),
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
    """A line for each photo that was refused."""
    yield ["created", "code", "storefront", "experiment", "variant"]
    rows = period.of(Refusal).order_by("created", "pk")
    fields = ("created", "code", "storefront__name", "experiment__name", "variant")
    for created, *rest in rows.values_list(*fields).iterator(chunk_size=CHUNK):
        moment = timezone.localtime(created).isoformat(timespec="seconds")
        yield [moment, *(each or "" for each in rest)]
