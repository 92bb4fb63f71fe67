"""What a search says: predictions, hits, and how long each stage took."""

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
    """One item, its best similarity (cosine, -1…1), and the URL of the image that had it."""

    item: str
    score: float
    image: str
    card: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """``count``: items that were ranked; ``took_ms``: milliseconds by stage; no photo anywhere.

    ``subject``: the part of the photo that was searched for, if it was not all of it; x, y, w, h
    in fractions. ``category``: the one that it was narrowed down to, by name or by itself.
    ``facets``: where they were asked for, see :mod:`visualsearch.facets`.
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
        """Plain JSON values, the lists and cards of this very result among them."""
        return {
            **vars(self),
            "predictions": [vars(each) for each in self.predictions],
            "hits": [vars(each) for each in self.hits],
        }

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> SearchResult:
        """The inverse of :meth:`as_dict`."""
        predictions = [Prediction(**each) for each in values["predictions"]]
        hits = [Hit(**each) for each in values["hits"]]
        return cls(**{**values, "predictions": predictions, "hits": hits})


@dataclass
class Stopwatch:
    """Milliseconds by stage."""

    stages: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the time spent inside to ``name``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1000
            self.stages[name] = round(self.stages.get(name, 0.0) + spent, 3)
