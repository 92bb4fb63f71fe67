"""Retrieval metrics from the rank of the first right item."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

CUTOFFS = (1, 5, 10)


def retrieval_metrics(ranks: Sequence[int | None]) -> dict[str, float]:
    """Return ``recall@1``, ``recall@5``, ``recall@10`` and ``mrr`` (mean reciprocal rank).

    ``ranks``: per query the rank of the first right item, from 1, None if not found. With one right
    item per query, recall@k is the share of queries that have it among the first k. {} without
    queries.
    """
    if not ranks:
        return {}
    found = [rank for rank in ranks if rank is not None]
    recall = {
        f"recall@{k}": round(sum(rank <= k for rank in found) / len(ranks), 4) for k in CUTOFFS
    }
    return recall | {"mrr": round(sum(1 / rank for rank in found) / len(ranks), 4)}


def query_scores(ranks: Sequence[int | None]) -> dict[str, NDArray[np.float64]]:
    """Return each query's score (N,) by metric; the means are those of :func:`retrieval_metrics`.

    ``ranks``: as in :func:`retrieval_metrics`. :mod:`visualsearch.metrics.bootstrap` computes
    intervals and paired tests from the scores. {} without queries.
    """
    if not ranks:
        return {}
    places = np.array([np.inf if rank is None else rank for rank in ranks], np.float64)
    hits = {f"recall@{k}": (places <= k).astype(np.float64) for k in CUTOFFS}
    return hits | {"mrr": 1 / places}


def first_rank(ranking: Sequence[str], right: set[str]) -> int | None:
    """Return the rank, from 1, of the first item of ``ranking`` in ``right``; None if not found."""
    return next((place for place, item in enumerate(ranking, 1) if item in right), None)
