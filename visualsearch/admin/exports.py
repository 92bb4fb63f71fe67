"""Searches and refusals as CSV, row by row: for spreadsheets and for other programs."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator
from typing import Any

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
    *("created", "storefront__name", "experiment__name", "variant", "index_version", "encoder"),
    *("predictions", "best_score", "matched", "shown", "took_ms"),
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
    rows = period.of(Query).order_by("created", "pk").only("pk", *plain(FIELDS))
    rows = rows.select_related("storefront", "experiment").prefetch_related("events")
    for query in rows.iterator(chunk_size=CHUNK):
        yield line(query)


def plain(fields: list[str]) -> list[str]:
    """Fields of the search itself, and the names of what it belongs to."""
    return [*fields, "storefront", "experiment"]


def line(query: Query) -> list[Any]:
    """One search."""
    first = query.predictions[0] if query.predictions else {}
    ranks: dict[str, list[int]] = {kind: [] for kind in Kind.values}
    for event in query.events.all():
        ranks[event.kind].append(event.rank)
    return [
        str(query.pk),
        timezone.localtime(query.created).isoformat(timespec="seconds"),
        query.storefront.name if query.storefront else "",
        query.experiment.name if query.experiment else "",
        query.variant,
        query.index_version,
        query.encoder,
        first.get("label", ""),
        first.get("probability", ""),
        query.best_score,
        int(query.matched),
        len(query.shown),
        *(query.took_ms.get(stage, "") for stage in (*STAGES, "total")),
        len(ranks[Kind.VIEW]),
        len(ranks[Kind.CLICK]),
        " ".join(str(rank) for rank in sorted(ranks[Kind.CLICK])),
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
