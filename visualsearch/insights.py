"""What customers searched for in a period, and what became of it: figures from the rows alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

import numpy as np
from django.db.models import Count, Model, Q, QuerySet
from django.db.models.functions import TruncDay, TruncHour
from django.utils import timezone

from .catalogs import catalog
from .models import Event, Query, Refusal
from .statistics import Share

Kind = Event.Kind

# The newest searches of a period whose times, scores and ranks are read.
SAMPLE = 20_000
RANKS = 12
# The probability from which a class counts as what the customer was looking for.
LIKELY = 0.5
CLASSES = 8
# Width of a column in the distribution of scores.
SCORE_STEP = 0.05


@dataclass(frozen=True, kw_only=True)
class Period:
    """From ``start`` to before ``end``, in one storefront (its id) or in all.

    In ``steps`` of an hour or a day, as many as there are starts of one in it.
    """

    start: datetime
    end: datetime
    by_hour: bool
    storefront: int | None = None

    @classmethod
    def last(cls, days: int, *, now: datetime, storefront: int | None = None) -> Period:
        """The last so many days, today among them; one day is the last 24 hours."""
        here = timezone.localtime(now)
        if days == 1:
            start = here.replace(minute=0, second=0, microsecond=0) - timedelta(hours=23)
        else:
            start = midnight(here - timedelta(days=days - 1))
        return cls(start=start, end=now, by_hour=days == 1, storefront=storefront)

    @property
    def steps(self) -> list[datetime]:
        """Starts of its hours or days, the earliest first."""
        found, moment = [], self.start
        while moment < self.end:
            found.append(moment)
            ahead = timedelta(hours=1) if self.by_hour else timedelta(days=1)
            moment = moment + ahead if self.by_hour else midnight(moment + ahead)
        return found

    def before(self) -> Period:
        """The one of the same length that it is compared with."""
        length = timedelta(days=1) if self.by_hour else timedelta(days=len(self.steps))
        return Period(
            start=self.start - length,
            end=self.end - length,
            by_hour=self.by_hour,
            storefront=self.storefront,
        )

    def of(self, kind: type[Model], through: str = "") -> QuerySet[Any]:
        """Rows of a kind in it; ``through``: the field that leads to their search."""
        when: dict[str, Any] = {
            f"{through}created__gte": self.start,
            f"{through}created__lt": self.end,
        }
        if self.storefront is not None:
            when[f"{through}storefront"] = self.storefront
        return kind._default_manager.filter(**when)


def midnight(moment: datetime) -> datetime:
    """The beginning of its day, where people are."""
    day = timezone.localtime(moment).date()
    return timezone.make_aware(datetime.combine(day, time.min))


@dataclass(frozen=True, kw_only=True)
class Totals:
    """How many searches there were, and of how many each thing is true; and refused photos.

    ``events``: searches with at least one event of a kind.
    """

    searches: int
    matched: int
    without_result: int
    refused: int
    events: dict[str, int]

    @property
    def clicked(self) -> int:
        """Searches of which a product was looked at closer."""
        return self.events.get(Kind.CLICK, 0)

    def share(self, part: int) -> Share:
        """A part of the searches."""
        return Share(part=part, whole=self.searches)

    @property
    def failures(self) -> Share:
        """Refused photos among all photos."""
        return Share(part=self.refused, whole=self.refused + self.searches)


@dataclass(frozen=True, kw_only=True)
class Step:
    """An hour or a day: searches, how many matched, and percentiles of their milliseconds."""

    start: datetime
    searches: int = 0
    matched: int = 0
    p50: float | None = None
    p95: float | None = None


@dataclass(frozen=True, kw_only=True)
class Rank:
    """A place in the results: of the searches that filled it, those whose product was clicked."""

    rank: int
    clicks: Share


@dataclass(frozen=True, kw_only=True)
class ScoreColumn:
    """Searches with a best score from ``low`` on, as wide as :data:`SCORE_STEP`."""

    low: float
    matched: int
    unmatched: int


@dataclass(frozen=True, kw_only=True)
class Insights:
    """All figures of a period. ``before``: None where there were no searches.

    ``steps`` have counts of all searches and times of the sample; ``stages``, ``scores`` and
    ``ranks`` are of the sample: the newest ``sampled`` searches. ``unsold``: class and searches;
    ``refusals``: code and photos; both the most frequent first.
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
        """Whether the sample is not all."""
        return self.sampled < self.totals.searches


@dataclass(frozen=True, kw_only=True)
class Sampled:
    """What is read of one search."""

    created: datetime
    matched: bool
    score: float | None
    took_ms: dict[str, float]
    ranks: tuple[int, ...]


def insights(period: Period) -> Insights:
    """Ask the database, a dozen times however many rows there are."""
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
    """Exact counts, by three questions."""
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
    """The newest searches."""
    fields = ("created", "matched", "best_score", "took_ms", "shown")
    newest = period.of(Query).order_by("-created").values_list(*fields)[:SAMPLE]
    return [
        Sampled(
            created=created,
            matched=matched,
            score=score,
            took_ms=took_ms,
            ranks=tuple(shown.values()),
        )
        for created, matched, score, took_ms, shown in newest.iterator(chunk_size=2000)
    ]


def times(rows: Iterable[Sampled]) -> list[float]:
    """Milliseconds of those that know them."""
    return [row.took_ms["total"] for row in rows if "total" in row.took_ms]


def percentiles(spent: list[float]) -> tuple[float | None, float | None]:
    """p50 and p95, where there are times."""
    if not spent:
        return None, None
    p50, p95 = np.percentile(spent, [50, 95])
    return float(p50), float(p95)


def steps(period: Period, rows: list[Sampled]) -> list[Step]:
    """All hours or days of the period, those without a search among them."""
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
    """Click-through of the first places, of the searches of the sample that filled them."""
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
    """Mean milliseconds by stage, over the searches that went through it."""
    spent: dict[str, list[float]] = {}
    for row in rows:
        for stage, took in row.took_ms.items():
            spent.setdefault(stage, []).append(took)
    return {stage: float(np.mean(some)) for stage, some in spent.items()}


def scores(rows: Iterable[Sampled]) -> list[ScoreColumn]:
    """How alike the best hits were, without gaps from the lowest to the highest."""
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
    """Classes that customers' photos show and the catalog has no category for.

    Nothing where the catalog knows none of the classes: then it cannot be told.
    """
    sure = period.of(Query).filter(predictions__0__probability__gte=LIKELY)
    asked = counted(sure, "predictions__0__label")
    sold = catalog().categories([label for label, _ in asked])
    if not sold:
        return []
    return [(label, count) for label, count in asked if label not in sold][:CLASSES]


def counted(rows: QuerySet[Any], field: str) -> list[tuple[str, int]]:
    """Values of a field and how often each is there, the most frequent first."""
    found = rows.order_by().values_list(field).annotate(count=Count("pk"))
    return sorted(found, key=lambda each: (-each[1], each[0]))
