"""The result of a search: predictions, hits, and the time of each stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from .photos import Crop


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A class and its probability, 0…1."""

    label: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class Hit:
    """An item, its best similarity (cosine, -1…1), and the URL of the image that had it."""

    item: str
    score: float
    image: str
    card: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """The result of a search, without the photo.

    ``count``: items that were ranked. ``took_ms``: milliseconds by stage. ``subject``: the box that
    was searched for, x, y, w, h in fractions, None for the whole photo. ``category``: the category
    filter that was applied, chosen or automatic. ``facets``: None unless requested, see
    :mod:`visualsearch.facets`.
    """

    query_id: str | None
    model: str
    index_version: int
    predictions: list[Prediction]
    matched: bool
    count: int
    hits: list[Hit]
    took_ms: dict[str, float]
    warnings: list[str]
    subject: Crop | None = None
    category: str | None = None
    facets: list[dict[str, Any]] | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return JSON values; its lists and cards are shared with this result, not copied."""
        return {
            **vars(self),
            "predictions": [vars(each) for each in self.predictions],
            "hits": [vars(each) for each in self.hits],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SearchResult:
        """Return a result from the values of :meth:`as_dict`."""
        predictions = [Prediction(**each) for each in values["predictions"]]
        hits = [Hit(**each) for each in values["hits"]]
        return cls(**{**values, "predictions": predictions, "hits": hits})


@dataclass
class Stopwatch:
    """Milliseconds by stage."""

    stages: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent in the block to ``name``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1000
            self.stages[name] = round(self.stages.get(name, 0.0) + spent, 3)
