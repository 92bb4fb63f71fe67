"""Compare the two variants of an experiment, and say whether one is worse yet."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Exists, OuterRef
from django.utils import timezone

from ..models import Event, Experiment, IndexVersion, Query, Refusal
from ..models.primary import one_session
from .experiment_verdicts import Arm, Signal, Verdict, signals
from .insights import Period, midnight
from .local_time import local
from .statistics import Share

Variant = Query.Variant

# At most this many searches of an experiment are read, the newest first.
SAMPLE = 50_000
# Experiments up to this age are plotted by hour, older ones by day.
BY_HOUR = timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class Moment:
    """Click-through rates of both variants in one hour or day."""

    start: datetime
    control: Share
    treatment: Share


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The results of an experiment so far.

    ``control`` and ``treatment``: number of searches of the variant. ``moments``: click-through
    rates over time, by hour if ``by_hour``, else by day. ``cut``: whether only the newest
    :data:`SAMPLE` searches were read.
    """

    control: int
    treatment: int
    signals: list[Signal]
    moments: list[Moment]
    by_hour: bool
    cut: bool

    @property
    def verdict(self) -> Verdict:
        """WORSE if any signal's verdict is WORSE, else the verdict of the click-through rate."""
        if any(each.verdict == Verdict.WORSE for each in self.signals):
            return Verdict.WORSE
        return self.signals[0].verdict


def compare_variants(experiment: Experiment) -> Comparison:
    """Compare the two variants of an experiment by their searches; makes three database queries."""
    arms, count = read_arms(experiment)
    control, treatment = arms[Variant.CONTROL], arms[Variant.TREATMENT]
    steps, by_hour = time_steps(experiment)
    return Comparison(
        control=control.searches,
        treatment=treatment.searches,
        signals=signals(control, treatment),
        moments=moments(control, treatment, steps),
        by_hour=by_hour,
        cut=count == SAMPLE,
    )


def read_arms(experiment: Experiment) -> tuple[dict[str, Arm], int]:
    """Return ``(arms, count)``: the data of each variant by name, and the number of searches read.

    At most the newest :data:`SAMPLE` searches are read. A search without a visitor's id counts as a
    visitor of its own.
    """
    clicks = Event.objects.filter(query=OuterRef("pk"), kind=Event.Kind.CLICK)
    known = ("variant", "created", "visitor", "index_version", "encoder")
    fields = (*known, "matched", "best_score", "took_ms__total")
    # Scores of a fitted version are comparable only within that version.
    fitted = set(IndexVersion.objects.filter(fit__isnull=False).values_list("pk", flat=True))
    its_own = {"experiment": experiment, "variant__in": Variant.values}
    rows = Query.objects.filter(**its_own).annotate(clicked=Exists(clicks))
    newest = rows.order_by("-created").values_list(*fields, "clicked")[:SAMPLE]
    searches: dict[str, list[Any]] = {Variant.CONTROL: [], Variant.TREATMENT: []}
    numbers: dict[str, int] = {}
    with one_session():
        rows_read = enumerate(newest.iterator(chunk_size=2000))
        for place, (variant, created, visitor, version, encoder, *rest) in rows_read:
            # An anonymous visitor counts as a new one at each search.
            number = numbers.setdefault(visitor or f"unknown {place}", place)
            scale = f"{encoder} in version {version}" if version in fitted else encoder
            searches[variant].append([created, number, scale, *rest])
    refusals = Refusal.objects.filter(**its_own).order_by("-created")
    failed: dict[str, list[datetime]] = {Variant.CONTROL: [], Variant.TREATMENT: []}
    for variant, created in refusals.values_list("variant", "created")[:SAMPLE]:
        failed[variant].append(created)
    arms = {variant: to_arm(searches[variant], failed[variant]) for variant in searches}
    return arms, sum(map(len, searches.values()))


def to_arm(rows: list[Any], refused: list[datetime]) -> Arm:
    """Return the data of one variant as arrays.

    ``rows``: per search [created, id of the visitor, name of the encoder or fitted version,
    matched, best score, milliseconds, clicked]. ``refused``: times at which photos failed.
    """
    created, visitors, scales, matched, scores, spent, clicked = (
        list(zip(*rows, strict=True)) if rows else [()] * 7
    )
    return Arm(
        created=np.array([moment.timestamp() for moment in created]),
        visitors=np.array(visitors, np.int64),
        scales=frozenset(scales),
        clicked=np.array(clicked, bool),
        matched=np.array(matched, bool),
        empty=np.array([score is None for score in scores], bool),
        scores=np.array(scores, np.float64),
        spent=np.array(spent, np.float64),
        refused=np.array([moment.timestamp() for moment in refused]),
    )


def time_steps(experiment: Experiment) -> tuple[list[datetime], bool]:
    """Return ``(starts, by_hour)``: the start of each hour or day since the experiment began."""
    end = experiment.stopped or timezone.now()
    by_hour = end - experiment.started <= BY_HOUR
    start = midnight(experiment.started)
    if by_hour:
        start = local(experiment.started).replace(minute=0, second=0, microsecond=0)
    return Period(start=start, end=end, by_hour=by_hour).steps, by_hour


def moments(control: Arm, treatment: Arm, steps: Sequence[datetime]) -> list[Moment]:
    """Return the click-through rates of both variants in each hour or day.

    ``steps``: the start of each; the last one has no end.
    """
    edges = np.array([step.timestamp() for step in steps] + [math.inf])
    shares = []
    for each in (control, treatment):
        whole, _ = np.histogram(each.created, edges)
        part, _ = np.histogram(each.created[each.clicked], edges)
        shares.append([Share(part=int(p), whole=int(w)) for p, w in zip(part, whole, strict=True)])
    return [
        Moment(start=start, control=ours, treatment=theirs)
        for start, ours, theirs in zip(steps, *shares, strict=True)
    ]
