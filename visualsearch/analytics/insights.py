"""Figures of the searches in a period, and of the events on their results."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Count, Model, Q, QuerySet
from django.db.models.functions import TruncDay, TruncHour

from ..catalogs import catalog
from ..models import Event, Query, Refusal
from ..models.primary import one_session
from .local_time import local, start_of
from .statistics import Share

Kind = Event.Kind

# Times, scores and ranks are computed from at most this many of the newest searches.
SAMPLE = 20_000
RANKS = 12
# Least probability for a class to count as what the customer was looking for.
LIKELY = 0.5
CLASSES = 8
# Width of a column in the histogram of scores.
SCORE_STEP = 0.05


@dataclass(frozen=True, kw_only=True)
class Period:
    """The time from ``start`` to before ``end``, in one storefront (its id) or in all (None).

    ``by_hour``: whether the figures are by hour; otherwise they are by day.
    """

    start: datetime
    end: datetime
    by_hour: bool
    storefront: int | None = None

    @classmethod
    def last(cls, days: int, *, now: datetime, storefront: int | None = None) -> Period:
        """Return the last ``days`` days including today; for 1, the last 24 hours until ``now``."""
        here = local(now)
        if days == 1:
            start = here.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
        else:
            start = midnight(here - timedelta(days=days - 1))
        return cls(start=start, end=now, by_hour=days == 1, storefront=storefront)

    @property
    def steps(self) -> list[datetime]:
        """Start of each hour or day of the period, the earliest first."""
        found, moment = [], self.start
        while moment < self.end:
            found.append(moment)
            ahead = timedelta(hours=1) if self.by_hour else timedelta(days=1)
            moment = moment + ahead if self.by_hour else midnight(moment + ahead)
        return found

    def before(self) -> Period:
        """Return the period of the same length that ends where this one starts."""
        length = timedelta(days=1) if self.by_hour else timedelta(days=len(self.steps))
        return Period(
            start=self.start - length,
            end=self.end - length,
            by_hour=self.by_hour,
            storefront=self.storefront,
        )

    def of(self, kind: type[Model], through: str = "") -> QuerySet[Any]:
        """Return a queryset of the rows of a model that were created in the period.

        ``through``: lookup prefix of the related search, such as ``query__``; if given, the time
        and storefront of that search count.
        """
        when: dict[str, Any] = {
            f"{through}created__gte": self.start,
            f"{through}created__lt": self.end,
        }
        if self.storefront is not None:
            when[f"{through}storefront"] = self.storefront
        return kind._default_manager.filter(**when)


def midnight(moment: datetime) -> datetime:
    """Return the start of the day of ``moment``, in the current time zone."""
    day = local(moment).date()
    return start_of(day)


@dataclass(frozen=True, kw_only=True)
class Totals:
    """Counts of a period's searches and of refused photos.

    ``matched``: searches whose best hit reached the match threshold; ``events``: number of searches
    with at least one event, by kind of event.
    """

    searches: int
    matched: int
    without_result: int
    refused: int
    events: dict[str, int]

    @property
    def clicked(self) -> int:
        """Number of searches in which a product was clicked."""
        return self.events.get(Kind.CLICK, 0)

    def share(self, part: int) -> Share:
        """Return ``part`` (a number of searches) as a share of all searches."""
        return Share(part=part, whole=self.searches)

    @property
    def failures(self) -> Share:
        """Refused photos as a share of all photos that were sent."""
        return Share(part=self.refused, whole=self.refused + self.searches)


@dataclass(frozen=True, kw_only=True)
class Step:
    """The searches of one hour or day.

    ``searches``: their number; ``matched``: number of those whose best hit reached the match
    threshold; ``p50``, ``p95``: percentiles of their milliseconds, None without recorded times.
    """

    start: datetime
    searches: int = 0
    matched: int = 0
    p50: float | None = None
    p95: float | None = None


@dataclass(frozen=True, kw_only=True)
class Rank:
    """The click-through rate at one rank of the results.

    ``clicks``: clicked results at this rank, out of all results shown at it.
    """

    rank: int
    clicks: Share


@dataclass(frozen=True, kw_only=True)
class ScoreColumn:
    """A column of the histogram of best scores, from ``low`` to ``low`` + :data:`SCORE_STEP`.

    ``matched`` and ``unmatched``: number of searches above and below the match threshold.
    """

    low: float
    matched: int
    unmatched: int


@dataclass(frozen=True, kw_only=True)
class Insights:
    """All figures of a period, for the admin's Insights page.

    ``before``: totals of the preceding period, None if it had no searches. ``steps``: figures of
    each hour or day. ``ranks``: click-through rate by rank. ``p50``, ``p95``: milliseconds of a
    search. ``stages``: mean milliseconds by stage. ``scores``: histogram of the best hits' scores.
    ``unsold``: (class, number of searches) of classes that customers photographed and the catalog
    has no category for. ``refusals``: (error code, number of photos), most frequent first.
    ``sampled``: number of searches in the sample. Counts are of all searches; times, ``scores`` and
    ``ranks`` are of the sample, the newest searches.
    """

    period: Period
    totals: Totals
    before: Totals | None
    steps: list[Step]
    ranks: list[Rank]
    p50: float | None
    p95: float | None
    stages: dict[str, float]
    scores: list[ScoreColumn]
    unsold: list[tuple[str, int]]
    refusals: list[tuple[str, int]]
    sampled: int

    @property
    def cut(self) -> bool:
        """Whether the sample has fewer searches than the period."""
        return self.sampled < self.totals.searches


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """The figures of one search in the sample.

    ``score``: that of the best hit, None without hits; ``took_ms``: milliseconds by stage;
    ``ranks``: ranks of the results that were shown to the customer.
    """

    created: datetime
    matched: bool
    score: float | None
    took_ms: dict[str, float]
    ranks: tuple[int, ...]


def insights(period: Period) -> Insights:
    """Return all figures of a period, computed with about a dozen database queries."""
    rows = sample(period)
    found = totals(period)
    earlier = totals(period.before())
    spent = times(rows)
    p50, p95 = percentiles(spent)
    return Insights(
        period=period,
        totals=found,
        before=earlier if earlier.searches else None,
        steps=steps(period, rows),
        ranks=ranks(period, rows),
        p50=p50,
        p95=p95,
        stages=stages(rows),
        scores=scores(rows),
        unsold=unsold(period),
        refusals=counted(period.of(Refusal), "code"),
        sampled=len(rows),
    )


def totals(period: Period) -> Totals:
    """Return the exact counts of a period, with three database queries."""
    counts = period.of(Query).aggregate(
        searches=Count("pk"),
        matched=Count("pk", filter=Q(matched=True)),
        without_result=Count("pk", filter=Q(best_score__isnull=True)),
    )
    events = period.of(Event, "query__").order_by().values_list("kind")
    return Totals(
        **counts,
        refused=period.of(Refusal).count(),
        events=dict(events.annotate(searches=Count("query", distinct=True))),
    )


def sample(period: Period) -> list[Sampled]:
    """Return the newest searches of a period, at most :data:`SAMPLE`, newest first."""
    fields = ("created", "matched", "best_score", "took_ms", "shown")
    newest = period.of(Query).order_by("-created").values_list(*fields)[:SAMPLE]
    with one_session():
        return [
            Sampled(
                created=created,
                matched=matched,
                score=score,
                took_ms=took_ms,
                ranks=tuple(set(shown.values())),
            )
            for created, matched, score, took_ms, shown in newest.iterator(chunk_size=2000)
        ]


def times(rows: Iterable[Sampled]) -> list[float]:
    """Return the total milliseconds of each search that recorded them."""
    return [row.took_ms["total"] for row in rows if "total" in row.took_ms]


def percentiles(spent: list[float]) -> tuple[float | None, float | None]:
    """Return the 50th and 95th percentile of milliseconds; (None, None) without any."""
    if not spent:
        return None, None
    p50, p95 = np.percentile(spent, [50, 95])
    return float(p50), float(p95)


def steps(period: Period, rows: list[Sampled]) -> list[Step]:
    """Return the figures of each hour or day, also of those without searches.

    Counts are of all searches; times are of the sample ``rows``.
    """
    trunc = TruncHour("created") if period.by_hour else TruncDay("created")
    counts = period.of(Query).order_by().annotate(step=trunc).values_list("step")
    counts = counts.annotate(searches=Count("pk"), matched=Count("pk", filter=Q(matched=True)))
    by_step = {step: (searches, matched) for step, searches, matched in counts}
    starts = period.steps
    edges = np.array([start.timestamp() for start in starts])
    spent: list[list[float]] = [[] for _ in starts]
    for row in rows:
        if "total" in row.took_ms:
            place = int(np.searchsorted(edges, row.created.timestamp(), side="right")) - 1
            spent[place].append(row.took_ms["total"])
    found = []
    for start, some in zip(starts, spent, strict=True):
        searches, matched = by_step.get(start, (0, 0))
        p50, p95 = percentiles(some)
        found.append(Step(start=start, searches=searches, matched=matched, p50=p50, p95=p95))
    return found


def ranks(period: Period, rows: list[Sampled]) -> list[Rank]:
    """Return the click-through rate of each of the first :data:`RANKS` ranks, in the sample.

    [] without searches.
    """
    if not rows:
        return []
    shown = Counter(rank for row in rows for rank in row.ranks if 1 <= rank <= RANKS)
    clicks = period.of(Event, "query__").filter(
        kind=Kind.CLICK, rank__lte=RANKS, query__created__gte=rows[-1].created
    )
    clicked = dict(clicks.order_by().values_list("rank").annotate(clicks=Count("pk")))
    return [
        Rank(rank=rank, clicks=Share(part=min(clicked.get(rank, 0), whole), whole=whole))
        for rank, whole in sorted(shown.items())
    ]


def stages(rows: Iterable[Sampled]) -> dict[str, float]:
    """Return the mean milliseconds of each stage, over the searches that recorded the stage."""
    spent: dict[str, list[float]] = {}
    for row in rows:
        for stage, took in row.took_ms.items():
            spent.setdefault(stage, []).append(took)
    return {stage: float(np.mean(some)) for stage, some in spent.items()}


def scores(rows: Iterable[Sampled]) -> list[ScoreColumn]:
    """Return the histogram of best scores, with empty columns between the lowest and highest.

    [] without scores.
    """
    counts: dict[bool, Counter[int]] = {True: Counter(), False: Counter()}
    for row in rows:
        if row.score is not None:
            # A score of 1 belongs to the last column.
            counts[row.matched][min(int((row.score + 1e-9) // SCORE_STEP), 19)] += 1
    places = [*counts[True], *counts[False]]
    if not places:
        return []
    return [
        ScoreColumn(
            low=round(place * SCORE_STEP, 4),
            matched=counts[True][place],
            unmatched=counts[False][place],
        )
        for place in range(min(places), max(places) + 1)
    ]


def unsold(period: Period) -> list[tuple[str, int]]:
    """Return (class, number of searches) for photographed classes that have no category.

    A search counts for its most probable class, if that has at least the probability
    :data:`LIKELY`. Most frequent first, at most :data:`CLASSES`. [] if the catalog has a category
    for none of the classes, because then nothing can be said.
    """
    sure = period.of(Query).filter(predictions__0__probability__gte=LIKELY)
    asked = counted(sure, "predictions__0__label")
    sold = catalog().categories([label for label, _ in asked])
    if not sold:
        return []
    return [(label, count) for label, count in asked if label not in sold][:CLASSES]


def counted(rows: QuerySet[Any], field: str) -> list[tuple[str, int]]:
    """Return each value of a field and its number of rows, most frequent first."""
    found = rows.order_by().values_list(field).annotate(count=Count("pk"))
    return sorted(found, key=lambda each: (-each[1], each[0]))
