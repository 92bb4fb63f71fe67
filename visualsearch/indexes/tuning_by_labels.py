"""Choose the weights of an embedding's parts that find the right items, by labelled queries.

All scores are exact: each query is compared with each row. ``shares`` are the weights of the parts
in the similarity: by name of the part, or an array (parts,); they add up to 1.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoders.parts import Part, whole
from ..metrics.retrieval import retrieval_metrics
from .catalog_fit import Fit, layout_of

Float32 = NDArray[np.float32]
Numbers = NDArray[np.int64]

# Weights of parts to try are multiples of 1 / STEPS.
STEPS = 10
FOLDS = 5
# Standard errors by which weights chosen by labels must beat those of the catalog.
MARGIN = 2.0
# Queries to compare with all rows at a time: 40 MB per part with 100,000 rows.
TOGETHER = 100


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Labelled queries and the catalog that they search, all vectors as the encoder returns them.

    ``queries`` (Q, d); ``right`` (Q,): index of the correct item of each query, -1 if that item has
    no rows. ``rows`` (N, d): the catalog's embeddings; ``owners`` (N,): index of the item of each
    row.
    """

    queries: Float32
    right: Numbers
    rows: Float32
    owners: Numbers


@dataclass(frozen=True, kw_only=True)
class Option:
    """A set of weights of the embedding's parts, and its figures (recall@k and MRR).

    ``name``: ``now`` (those of the active version), ``catalog`` (weights chosen without labels) or
    ``labels`` (weights chosen by labels).
    """

    name: str
    shares: dict[str, float]
    figures: dict[str, float]

    def to_json(self) -> dict[str, Any]:
        """Return ``name``, ``shares`` and each figure as one dict of JSON values."""
        return {"name": self.name, "shares": self.shares, **self.figures}


@dataclass(frozen=True, kw_only=True)
class Tuned:
    """The outcome of a comparison of weights.

    ``shares``: the weights to use; ``by_labels``: whether labels chose them; ``better``: whether
    their mean reciprocal rank is higher than the active version's; ``queries``: number of labelled
    queries; ``options``: what was compared.
    """

    shares: dict[str, float]
    by_labels: bool
    better: bool
    queries: int
    options: list[Option] = field(default_factory=list)


def tune(labelled: Labelled, fitted: Fit, now: Fit | None) -> Tuned:
    """Choose weights from the catalog alone or tuned on labels; report both beside ``now``.

    ``fitted``: a transform with the weights that the catalog alone chose. ``now``: the active
    version's transform, None if it has none. Tuned weights have the highest mean
    reciprocal rank on the labels. They are used only if their gain, in a five-fold cross-validation
    by item, exceeds :data:`MARGIN` standard errors. The figures of the option ``labels`` are those
    of the held-out folds.
    """
    tried = np.vstack([list(fitted.shares.values()), *grid(len(fitted.parts))])
    found = ranks(labelled, fitted.directions, fitted.parts, tried)
    before = ranks_now(labelled, now)
    chosen, unseen = cross_validated(found, labelled.right)
    by_labels = is_sure(reciprocal(unseen) - reciprocal(found[0]), labelled.right)
    best = unseen if by_labels else found[0]
    names = [part.name for part in fitted.parts]
    by_label = dict(zip(names, tried[chosen].round(6).tolist(), strict=True))
    return Tuned(
        shares=by_label if by_labels else fitted.shares,
        by_labels=by_labels,
        better=bool(reciprocal(best).mean() > reciprocal(before).mean()),
        queries=len(labelled.right),
        options=[
            Option(name="now", shares=now.shares if now else {}, figures=figures(before)),
            Option(name="catalog", shares=fitted.shares, figures=figures(found[0])),
            Option(name="labels", shares=by_label, figures=figures(unseen)),
        ],
    )


def grid(parts: int, steps: int = STEPS) -> Float32:
    """Return all weights (M, parts) that are multiples of 1 / ``steps`` and add up to 1."""
    bars = combinations(range(steps + parts - 1), parts - 1)
    edges = np.array([(-1, *each, steps + parts - 1) for each in bars])
    return ((np.diff(edges, axis=1) - 1) / steps).astype(np.float32)


def ranks_now(labelled: Labelled, now: Fit | None) -> Numbers:
    """Return the rank (Q,) of each query's right item with the transform ``now``.

    If ``now`` is None, the embeddings are compared as the encoder returns them.
    """
    if now is None:
        parts: Sequence[Part] = whole(labelled.rows.shape[1])
        return ranks(labelled, lambda vectors: vectors, parts, np.ones((1, 1), np.float32))[0]
    shares = np.array([list(now.shares.values())], np.float32)
    return ranks(labelled, now.directions, now.parts, shares)[0]


def ranks(labelled: Labelled, directions: Any, parts: Sequence[Part], shares: Float32) -> Numbers:
    """Return the rank (M, Q) of each query's right item for each of M ``shares`` (M, parts).

    ``shares``: weights of the embedding's parts. Ranks begin at 1; 0 marks an item without rows.
    ``directions`` maps encoder output (N, d) to vectors (N, d) in which the inner product of a part
    is that part's score, as :meth:`Fit.directions` does. An item's score is that of its best row.
    """
    order = np.argsort(labelled.owners, kind="stable")
    rows, owners = directions(labelled.rows[order]), labelled.owners[order]
    items, first = np.unique(owners, return_index=True)
    starts, _ = layout_of(parts)
    found = np.zeros((len(shares), len(labelled.right)), np.int64)
    for some in in_steps(len(labelled.right)):
        queries = directions(labelled.queries[some])
        scores = np.stack(
            [
                queries[:, start : start + part.size] @ rows[:, start : start + part.size].T
                for start, part in zip(starts, parts, strict=True)
            ]
        )
        place = np.searchsorted(items, labelled.right[some]).clip(max=len(items) - 1)
        known = items[place] == labelled.right[some]
        for number, weights in enumerate(shares):
            total = np.tensordot(weights, scores, 1)
            best = np.maximum.reduceat(total, first, axis=1) if len(first) < len(rows) else total
            right = best[np.arange(len(place)), place]
            found[number, some] = np.where(known, 1 + (best > right[:, None]).sum(1), 0)
    return found


def cross_validated(found: Numbers, right: Numbers) -> tuple[int, Numbers]:
    """Return the index of the best weights, and the rank (Q,) for each query when held out.

    ``found``: ranks (M, Q) under M weights; ``right`` (Q,): index of each query's correct item. A
    query is held out with all queries of the same item; its rank is that under the weights that are
    best for the other folds.
    """
    rewards = reciprocal(found)
    fold = np.random.default_rng(0).permutation(right.max() + 2)[right + 1] % FOLDS
    unseen = np.zeros(found.shape[1], np.int64)
    for number in range(FOLDS):
        held_out = fold == number
        others = rewards[:, ~held_out]
        best = int(others.sum(1).argmax())
        unseen[held_out] = found[best, held_out]
    return int(rewards.sum(1).argmax()), unseen


def is_sure(gain: NDArray[np.float64], right: Numbers) -> bool:
    """Return whether the mean gain is positive and exceeds :data:`MARGIN` of its standard errors.

    ``gain`` (Q,): difference of the reciprocal ranks of each query. ``right`` (Q,): index of the
    query's correct item; queries of one item are averaged first.
    """
    _, item, count = np.unique(right, return_inverse=True, return_counts=True)
    by_item = np.bincount(item, weights=gain) / count
    mean, error = by_item.mean(), by_item.std() / np.sqrt(len(by_item))
    return bool(mean > 0 and mean > MARGIN * error)


def reciprocal(found: Numbers) -> NDArray[np.float64]:
    """Return 1 / rank for an array of ranks, 0 where the rank is 0 (not found)."""
    return np.where(found > 0, 1 / np.maximum(found, 1), 0.0)


def figures(found: Numbers) -> dict[str, float]:
    """Return recall@1, @5, @10 and the MRR; ``found``: ranks (Q,), 0 for not found."""
    return retrieval_metrics([int(rank) or None for rank in found])


def in_steps(count: int) -> Iterator[slice]:
    """Yield slices that cover ``count`` queries, :data:`TOGETHER` each, to limit memory."""
    for start in range(0, count, TOGETHER):
        yield slice(start, start + TOGETHER)
