"""Measure the search with labelled photos, through the code that answers customers."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import conf, searching
from .catalogs import catalog
from .metrics import first_rank, retrieval_metrics
from .models import Query
from .photos import open_photo

# Where a right item is looked for; further down it adds less than 0.01 to the reciprocal rank.
DEPTH = 100


@dataclass(frozen=True, kw_only=True)
class LabelledPhoto:
    """A photo, the key of the item that it shows, and the item's style if that is known."""

    image: Path
    item: str
    style: str = ""


def evaluate(photos: Iterable[LabelledPhoto]) -> dict[str, Any]:
    """Recall@k and MRR by item and by style, and latency from bytes to cards.

    A hit of the same style is one whose card, or whose item, has the query's ``style``.
    """
    searching.warm_up()
    ranks, style_ranks, latencies, items = [], [], [], 0
    for photo in photos:
        watch = searching.Stopwatch()
        with watch.stage("decode"):
            opened = open_photo(photo.image.read_bytes(), limits=conf.limits())
        # Timed is what a customer waits for, one page; the ranks come from a longer one.
        result = searching.search(opened, watch=watch)
        query_id = str(result.query_id)
        ranking = [hit.item for hit in searching.page(query_id, limit=DEPTH).hits]
        Query.objects.filter(pk=query_id).delete()  # no customer asked
        ranks.append(first_rank(ranking, {photo.item}))
        if photo.style:
            style_ranks.append(first_rank(ranking, of_style(ranking, photo.style)))
        latencies.append(result.took_ms["total"])
        items = result.count
    return {
        "queries": len(ranks),
        "items": items,
        "sku": retrieval_metrics(ranks),
        "style": retrieval_metrics(style_ranks),
        "encoder": conf.load("ENCODER").id,
        "latency_ms": {
            "p50": round(float(np.percentile(latencies, 50)), 2),
            "p95": round(float(np.percentile(latencies, 95)), 2),
        },
    }


def of_style(ranking: list[str], style: str) -> set[str]:
    """Those items of a ranking whose ``style`` is this one."""
    found = catalog().by_key(ranking)
    return {key for key, item in found.items() if getattr(item, "style", None) == style}
