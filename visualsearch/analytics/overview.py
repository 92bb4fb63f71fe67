"""The state of the search in figures that are cheap to get: only the database is read."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from django.db.models import Max
from django.utils import timezone

from ..catalogs import catalog
from ..models import Embedding, IndexVersion, Processor, Query, Repair, Revision, Run
from ..serving import item_counts, processor_check
from ..versions import lifecycle

RUNS = 5
HOURS = 24
# Percentiles are computed from at most this many of the newest searches.
SAMPLE = 50_000


@dataclass(frozen=True, kw_only=True)
class Searches:
    """Figures of the searches in the last 24 hours.

    ``matched``: share, 0…1, of searches whose best hit reached the match threshold; ``p50`` and
    ``p95``: milliseconds; all None without searches. ``by_hour``: number of searches, oldest hour
    first.
    """

    count: int = 0
    matched: float | None = None
    p50: float | None = None
    p95: float | None = None
    by_hour: list[int] = field(default_factory=lambda: [0] * HOURS)


@dataclass(frozen=True, kw_only=True)
class Overview:
    """The state of catalog, index, runs and searches.

    ``version``: the active one, None without one. ``products``: number on sale. ``indexed_…``
    and ``failed_images``: counted from the embeddings of the active version's encoder.
    ``placeholders``: number of products with a picture that is left out of searches.
    ``last_change``: time at which any embedding was last changed. ``changes``: number of
    changes of embeddings that are not in the active version's file; search processes apply them
    when they load the file. ``runs``: the newest reindexing runs. ``repair``: the last repair.
    ``processors``: those that were compared with the reference embeddings of the active
    version's encoder.
    """

    version: IndexVersion | None
    products: int
    indexed_products: int
    indexed_images: int
    failed_images: int
    placeholders: int
    last_change: datetime | None
    changes: int
    runs: list[Run]
    searches: Searches
    repair: Repair | None = None
    processors: list[Processor] = field(default_factory=list)

    @property
    def advice(self) -> list[str]:
        """A message for each processor whose embeddings differ from the reference embeddings."""
        return [processor_check.advice_for(each) for each in self.processors if not each.agrees]

    @property
    def missing_products(self) -> int:
        """Number of products on sale without a searchable image."""
        return max(0, self.products - self.indexed_products)


def overview() -> Overview:
    """Return the state of the search, read from the database; works before anything is indexed."""
    version = lifecycle.active_version()
    rows = Embedding.objects.filter(encoder=version.encoder if version else "", removed=False)
    searchable = rows.filter(error="", left_out=False)
    return Overview(
        version=version,
        products=catalog().visible().count(),
        indexed_products=item_counts.searchable_items(
            version.encoder if version else "", version.items if version else 0
        ),
        indexed_images=searchable.count(),
        failed_images=rows.exclude(error="").count(),
        placeholders=rows.filter(left_out=True).values("item").distinct().count(),
        last_change=Embedding.objects.aggregate(last=Max("updated"))["last"],
        changes=max(0, Revision.current() - version.revision) if version else 0,
        runs=list(Run.objects.select_related("version")[:RUNS]),
        searches=searches(timezone.now()),
        repair=Repair.objects.first(),
        processors=list(Processor.objects.filter(encoder=version.encoder if version else "")),
    )


def searches(now: datetime) -> Searches:
    """Return the figures of searches by photo in the 24 hours before ``now``."""
    recent = Query.objects.filter(created__gt=now - timedelta(hours=HOURS), created__lte=now)
    count = recent.count()
    if not count:
        return Searches()
    sample: list[tuple[datetime, bool, Any]] = list(
        recent.order_by("-created").values_list("created", "matched", "took_ms__total")[:SAMPLE]
    )
    took = [total for _, _, total in sample if total is not None]
    p50, p95 = np.percentile(took, [50, 95]) if took else (None, None)
    by_hour = [0] * HOURS
    for created, _, _ in sample:
        by_hour[HOURS - 1 - int((now - created).total_seconds() // 3600)] += 1
    return Searches(
        count=count,
        matched=sum(matched for _, matched, _ in sample) / len(sample),
        p50=None if p50 is None else float(p50),
        p95=None if p95 is None else float(p95),
        by_hour=by_hour,
    )
