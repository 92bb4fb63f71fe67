"""The result of a search: predictions, hits, and the time of each stage."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from ..photos.crops import Crop


@dataclass(frozen=True, kw_only=True)
class Prediction:
    """A class and its probability, 0…1."""

    label: str
    probability: float


ALIKE, WORDS, RULE = "alike", "words", "rule"
"""Values of :attr:`Reason.kind`."""


@dataclass(frozen=True, kw_only=True)
class Reason:
    """Why a hit stands where it stands.

    ``kind``: ALIKE with its rank by similarity; WORDS with the number of words that describe it;
    RULE with the primary key of a rule.
    """

    kind: str
    number: int


@dataclass(frozen=True, kw_only=True)
class Variant:
    """Another item of a hit's group: its key and the shop's card for it."""

    item: str
    card: dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Hit:
    """A found item: its key, the score and URL of its best image, and the shop's card for it.

    ``score``: similarity, -1…1, of that image to the query. ``card``: see
    :meth:`CatalogSource.card`. ``group``: the item's group, "" if it has none or hits are not
    collapsed. ``variants``: the other visible items of its group. ``reasons``: why
    it stands where it stands, [] if words and rules changed nothing.
    """

    item: str
    score: float
    image: str
    card: dict[str, Any]
    group: str = ""
    variants: list[Variant] = field(default_factory=list)
    reasons: list[Reason] = field(default_factory=list)


@dataclass(frozen=True, kw_only=True)
class FoundObject:
    """A thing in a photo of several.

    ``id``: from 1, most salient first. ``box``: x, y, w, h in fractions of the upright photo.
    ``label``: its most likely class, of ``probability`` 0…1.
    """

    id: int
    box: Crop
    label: str
    probability: float


@dataclass(frozen=True, kw_only=True)
class ObjectHits:
    """The best hits for one object of a photo; ``object``: its id."""

    object: int
    hits: list[Hit]


@dataclass(frozen=True, kw_only=True)
class SearchResult:
    """The result of a search, without the photo.

    ``query_id``: id of the stored query, None if nothing was stored. ``model``: id of the encoder.
    ``matched``: whether the best hit reaches the match threshold. ``count``: number of items that
    can be paged through. ``took_ms``: milliseconds by stage, and their ``total``. ``warnings``:
    codes. ``subject``: box of the garment that was searched with, x, y, w, h in fractions of the
    uploaded photo, None for the whole photo. ``category``: the category filter that was applied,
    None if there was no such filter. ``facets``: None unless requested, see
    :func:`visualsearch.search.facets_and_sorting.describe_facets`. ``objects``: the things in the
    photo, [] if there is only one. ``per_object``: hits for each of them, None unless requested.
    ``words``: whether each of the customer's words was understood.
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
    objects: list[FoundObject] = field(default_factory=list)
    per_object: list[ObjectHits] | None = None
    words: dict[str, bool] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Classification:
    """The most probable classes of a photo, best first."""

    predictions: list[Prediction]


@dataclass(frozen=True, kw_only=True)
class EmbeddedPhoto:
    """The embedding of a photo's subject.

    ``encoder``: id of the encoder. ``embedding``: its numbers, L2-normalised. ``subject``: box of
    the subject, x, y, w, h in fractions of the photo, None for the whole photo.
    """

    encoder: str
    embedding: list[float]
    subject: Crop | None


@dataclass
class Stopwatch:
    """Measure named stages: ``stages`` holds the milliseconds spent in each so far."""

    stages: dict[str, float] = field(default_factory=dict)

    @contextmanager
    def stage(self, name: str) -> Iterator[None]:
        """Add the milliseconds spent in the ``with`` block to the stage ``name``."""
        start = time.perf_counter()
        try:
            yield
        finally:
            spent = (time.perf_counter() - start) * 1000
            self.stages[name] = round(self.stages.get(name, 0.0) + spent, 3)
