"""Deterministic, plausible rows of weeks of searches, events and refusals."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
from django.utils import timezone

from visualsearch.models import Event, Experiment, IndexVersion, Query, Refusal, Storefront

LABELS = ["dress", "shirt", "pants", "shoes", "t-shirt", "hat", "outwear", "skirt"]
ASKED = [0.22, 0.17, 0.15, 0.14, 0.11, 0.1, 0.07, 0.04]
CODES = ["unsupported_image", "image_too_large", "image_corrupt", "search_timeout"]
STAGES = {"decode": 0.25, "encode": 0.5, "index": 0.1, "products": 0.15}
# Relative number of searches per hour of the day.
DAY = np.array([2, 1, 1, 1, 1, 2, 3, 5, 6, 7, 8, 8, 9, 8, 7, 7, 8, 9, 11, 13, 14, 12, 8, 4], float)


@dataclass(frozen=True, kw_only=True)
class Customers:
    """How searches turn out: shares and mean score from 0 to 1, median latency in milliseconds."""

    matched: float = 0.71
    clicks: float = 0.16
    median_ms: float = 46.0
    score: float = 0.72
    failing: float = 0.02


GOOD = Customers()
BAD = Customers(matched=0.57, clicks=0.09, median_ms=68.0, score=0.65, failing=0.05)


@contextmanager
def at_their_time() -> Iterator[None]:
    """Let rows keep the ``created`` that they are given."""
    fields = [kind._meta.get_field("created") for kind in (Query, Event, Refusal)]
    for field in fields:
        field.auto_now_add = False
    yield
    for field in fields:
        field.auto_now_add = True


def leave_traces(
    *,
    until: datetime | None = None,
    days: int = 30,
    per_day: int = 110,
    seed: int = 1,
    storefronts: list[Storefront | None] | None = None,
    customers: Customers = GOOD,
    experiment: Experiment | None = None,
    treatment: Customers = GOOD,
) -> list[Query]:
    """Create searches, events and refusals; return the searches.

    From its start, ``experiment`` assigns variants, and its treatment behaves like ``treatment``.
    """
    until = until or timezone.now()
    queries, events, refusals = [], [], []
    for place, moment in enumerate(moments(seed, until, days, per_day)):
        if moment >= until:
            break
        # Seed each search by itself, so that its outcome does not depend on the time of the run.
        rng = np.random.default_rng([seed, place])
        treated = experiment is not None and moment >= experiment.started
        has = experiment is not None and rng.random() < experiment.share_at(moment)
        variant = (Query.Variant.TREATMENT if has else Query.Variant.CONTROL) if treated else ""
        kind = treatment if treated and has else customers
        where = (storefronts or [None])[int(rng.integers(len(storefronts or [None])))]
        common = {
            "created": moment,
            "storefront": where,
            "experiment": experiment if treated else None,
            "variant": variant,
        }
        if rng.random() < kind.failing:
            code = CODES[min(int(rng.exponential(0.9)), 3)]
            refusals.append(Refusal(code=code, **common))
            continue
        visitor = f"{int(rng.integers(days * per_day)):032x}"
        query = search(rng, kind, visitor=visitor, **common)
        queries.append(query)
        events.extend(clicks(rng, kind, query))
    with at_their_time():
        Query.objects.bulk_create(queries, batch_size=200)
        Event.objects.bulk_create(events, batch_size=500)
        Refusal.objects.bulk_create(refusals, batch_size=500)
    return queries


def moments(seed: int, until: datetime, days: int, per_day: int) -> Iterator[datetime]:
    """Yield times of searches: more on weekends and evenings, with a rising trend.

    The last day is that of ``until``, to its end.
    """
    rng = np.random.default_rng(seed)
    midnight = until.replace(hour=0, minute=0, second=0, microsecond=0)
    for day in range(days):
        weekend = 1.35 if day % 7 >= 5 else 1.0
        many = rng.poisson(per_day * weekend * (0.75 + 0.5 * day / days))
        hours = rng.choice(24, many, p=DAY / DAY.sum()) + rng.random(many)
        for hour in sorted(hours):
            yield midnight + timedelta(days=day + 1 - days, hours=float(hour))


def search(rng: np.random.Generator, kind: Customers, **values: object) -> Query:
    """Return a search as it is stored after its photo was deleted."""
    matched = bool(rng.random() < kind.matched)
    score = kind.score + 0.09 if matched else kind.score - 0.15
    total = float(rng.lognormal(np.log(kind.median_ms), 0.35))
    many = 0 if rng.random() < 0.02 else int(rng.choice([12, 12, 12, 24, 5]))
    label, sure = rng.choice(LABELS, p=ASKED), float(rng.beta(8, 2))
    return Query(
        pk=uuid.UUID(bytes=rng.bytes(16)),
        encoder="fake-1",
        vector=b"",
        predictions=[{"label": str(label), "probability": round(sure, 4)}],
        best_score=round(float(rng.normal(score, 0.06)), 4) if many else None,
        matched=matched and many > 0,
        took_ms={
            **{stage: round(total * part, 3) for stage, part in STAGES.items()},
            "total": round(total, 3),
        },
        shown={f"P{n}": n for n in range(1, many + 1)},
        **values,
    )


def clicks(rng: np.random.Generator, kind: Customers, query: Query) -> Iterator[Event]:
    """Yield a search's events: views, then ever fewer clicks, baskets and purchases by rank."""
    if not query.shown:
        return
    steps = [Event.Kind.CLICK, Event.Kind.BASKET, Event.Kind.PURCHASE]
    for item, rank in query.shown.items():
        if rank <= 6 and rng.random() < 0.9:
            later = query.created + timedelta(seconds=2)
            yield Event(query=query, kind=Event.Kind.VIEW, item=item, rank=rank, created=later)
        chance = kind.clicks * (1.0 if query.matched else 0.35) * 0.5 / rank**0.9
        for step, share in zip(steps, (chance, 0.22, 0.4), strict=True):
            if rng.random() >= share:
                break
            later = query.created + timedelta(minutes=1)
            yield Event(query=query, kind=step, item=item, rank=rank, created=later)


def version(state: str = "ready", encoder: str = "fake-1") -> IndexVersion:
    """Create the row of an index version, with figures."""
    return IndexVersion.objects.create(
        encoder=encoder,
        encoder_class="visualsearch.encoders.fake.FakeEncoder",
        backend="visualsearch.indexes.exact.ExactIndex",
        state=state,
        items=120,
        images=240,
        figures={"structure": "flat", "memory_bytes": 123_000},
        activated=timezone.now() if state == "active" else None,
    )
