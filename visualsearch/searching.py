"""One search: encode, look up, and keep only what customers may see."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import numpy as np
from django.utils import timezone
from numpy.typing import NDArray
from PIL import Image

from . import categories, conf, encoding, facets, live
from .catalogs import CatalogSource, catalog
from .encoders.base import Encoder, Encoding
from .encoders.preprocess import square
from .exceptions import IndexNotReady, ItemNotFound, QueryNotFound
from .indexes.base import SharedIndex
from .models import Embedding, Query, from_bytes, to_bytes
from .photos import Crop, Limits, Photo, cut
from .subject import SURE, suggest_box

Vector = NDArray[np.float32]
# Ids (N,) int64 of embeddings; for an index that joins, a query of them.
Among = Any

# Pixels of the shorter side of a subject: from fewer, a model sees nothing that the whole has not.
WORTH_READING = 48
# Nobody asked for that crop, so none may be refused.
ANY_SIZE = Limits(min_side=1)


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

    ``subject``: the part of the photo (or of the crop of it) that was searched for beside the
    whole; x, y, w, h in fractions. ``category``: the one that it was narrowed down to, by name or
    by itself. ``facets``: where they were asked for, see :mod:`visualsearch.facets`.
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


def search(
    photo: Photo,
    *,
    limit: int = 12,
    filters: Mapping[str, Any] | None = None,
    watch: Stopwatch | None = None,
    version: int | None = None,
    query_id: str | None = None,
) -> SearchResult:
    """The items of the catalog that look most like a photo.

    Leaves a query behind, by which :func:`page` goes on; ``query_id`` is its id where the client
    has been told one. ``version`` searches a kept index version that is not the active one. Raises
    ModelUnavailable, IndexNotReady, or ValidationError when a filter's value is wrong.
    """
    watch = watch or Stopwatch()
    with watch.stage("index"):
        current = live.current(version)
    encoder = current.encoder
    with watch.stage("encode"):
        look = look_at(encoder, photo)
    query = Query(
        pk=UUID(query_id) if query_id else uuid4(),
        encoder=encoder.id,
        vector=to_bytes(look.embeddings),
        subject=look.subject,
        predictions=[asdict(each) for each in top_predictions(encoder, look.probabilities)],
        warnings=list(photo.warnings),
    )
    result = answer(query, current, limit=limit, filters=filters, watch=watch)
    query.best_score = result.hits[0].score if result.hits else None
    query.matched, query.took_ms = result.matched, result.took_ms
    query.save(force_insert=True)
    return result


@dataclass(frozen=True, kw_only=True)
class Look:
    """``embeddings`` (1 or 2, dim) of the photo and of its subject; ``probabilities`` (labels,)."""

    embeddings: Vector
    probabilities: Vector
    subject: Crop | None


def look_at(encoder: Encoder, photo: Photo) -> Look:
    """Encode a photo, and once more what it is of, where that is a part of it.

    A customer's photo shows a room around the garment; the part alone is found again from a third
    of the area. The whole stays in the search, for photos whose subject was guessed wrongly. Of
    the two sets of probabilities the surer one is taken.
    """
    # A part of what the model sees is as good as a part of the photo, and is all that a worker has.
    image = square(photo.image, encoder.input) if encoder.input else photo.image
    whole = encoder.encode([image])
    subject = subject_of(photo, whole)
    if subject is None:
        return Look(embeddings=whole.embeddings, probabilities=whole.probabilities[0], subject=None)
    part = encoder.encode([cut(image, subject, ANY_SIZE)])
    return Look(
        embeddings=np.concatenate([whole.embeddings, part.embeddings]),
        probabilities=max(whole.probabilities[0], part.probabilities[0], key=np.max),
        subject=subject,
    )


def subject_of(photo: Photo, whole: Encoding) -> Crop | None:
    """The part of the photo to search for beside the whole, where there is one to be read."""
    if not conf.get("FIND_SUBJECT") or whole.saliency is None:
        return None
    if whole.probabilities[0].max() >= SURE:
        return None
    box = suggest_box(whole.saliency[0])
    if box is None:
        return None
    width, height = photo.size
    least = max(WORTH_READING, conf.limits().min_side)
    return box if min(box[2] * width, box[3] * height) >= least else None


def warm_up() -> None:
    """Load model and index, and touch all that a search does, so that the first one is no slower.

    Raises IndexNotReady or ModelUnavailable.
    """
    current = live.current()
    look = look_at(current.encoder, Photo(image=Image.new("RGB", (64, 64))))
    rank(current, list(look.embeddings), 12, watch=Stopwatch())


def page(
    query_id: str,
    *,
    limit: int = 12,
    offset: int = 0,
    filters: Mapping[str, Any] | None = None,
    version: int | None = None,
    ordering: str = "",
    with_facets: bool = False,
) -> SearchResult:
    """More of an earlier search, or the same under other filters; raises QueryNotFound.

    ``ordering`` sorts the best hits in one of the shop's ways; raises ValidationError for a name
    that is none of them. After a change of the model it goes on in a kept version of the model that
    read the photo.
    """
    oldest = timezone.now() - timedelta(seconds=conf.get("QUERY_LIFETIME"))
    try:
        query = Query.objects.get(pk=UUID(query_id), created__gte=oldest)
        current = live.current(version) if version else live.for_encoder(query.encoder)
    except (Query.DoesNotExist, ValueError, IndexNotReady) as error:
        raise QueryNotFound from error
    if current.encoder.id != query.encoder:
        raise QueryNotFound
    result = answer(
        query,
        current,
        limit=limit,
        offset=offset,
        filters=filters,
        ordering=ordering,
        watch=Stopwatch(),
    )
    if not with_facets:
        return result
    return replace(result, facets=facets_of(query, current, filters or {}, result.category))


def similar(item: str, *, limit: int = 12) -> SearchResult:
    """The items that look most like an item; it itself is left out. Raises ItemNotFound."""
    watch = Stopwatch()
    with watch.stage("index"):
        current = live.current()
        encoder = current.encoder
        if not catalog().by_key([item]):
            raise ItemNotFound
        rows = Embedding.objects.filter(encoder=encoder.id, item=item).searchable()
        vectors = [from_bytes(stored) for stored in rows.values_list("vector", flat=True)]
        if not vectors:
            raise ItemNotFound
    hits = rank(current, vectors, limit, watch=watch, leave_out=item)
    return SearchResult(
        query_id=None,
        model=encoder.id,
        index_version=current.version,
        predictions=[],
        matched=bool(hits) and hits[0].score >= encoder.match_threshold,
        count=max(0, current.items - 1),
        hits=hits,
        took_ms=with_total(watch),
        warnings=[],
    )


def classify(photo: Photo) -> list[Prediction]:
    """The classes of a photo, most probable first."""
    encoder = encoding.answering()
    return top_predictions(encoder, look_at(encoder, photo).probabilities)


def top_predictions(encoder: Encoder, probabilities: Vector) -> list[Prediction]:
    """The most probable classes, as many as the setting ``PREDICTIONS`` says."""
    best = np.argsort(-probabilities)[: conf.get("PREDICTIONS")]
    return [
        Prediction(label=encoder.labels[k], probability=round(float(probabilities[k]), 4))
        for k in best
    ]


def answer(
    query: Query,
    current: live.LiveIndex,
    *,
    limit: int,
    watch: Stopwatch,
    offset: int = 0,
    filters: Mapping[str, Any] | None = None,
    ordering: str = "",
) -> SearchResult:
    """Rank the catalog for a query's embedding."""
    encoder = current.encoder
    predictions = [Prediction(**each) for each in query.predictions]
    order = facets.ordering_of(catalog(), ordering)
    with watch.stage("index"):
        among, count, category = narrowed(current, filters or {}, predictions)
    need = facets.POOL if order else offset + limit
    hits = rank(current, vectors_of(query, encoder), need, watch=watch, among=among)
    best = hits[0].score if hits else -1.0
    if order:
        count = min(count, facets.POOL)
        by_key = {hit.item: hit for hit in hits}
        with watch.stage("products"):
            keys = facets.in_order(catalog(), by_key, order)
        hits = [by_key[key] for key in keys]
    return SearchResult(
        query_id=str(query.pk),
        model=encoder.id,
        index_version=current.version,
        predictions=predictions,
        matched=best >= encoder.match_threshold,
        count=count,
        hits=hits[offset : offset + limit],
        took_ms=with_total(watch),
        warnings=query.warnings,
        subject=query.subject,
        category=category,
    )


def vectors_of(query: Query, encoder: Encoder) -> list[Vector]:
    """The embeddings that a query was searched by."""
    return list(from_bytes(query.vector).reshape(-1, encoder.dim))


def facets_of(
    query: Query, current: live.LiveIndex, filters: Mapping[str, Any], category: str | None
) -> list[dict[str, Any]]:
    """The shop's facets over the best hits, in the category that was decided on."""
    decided = categories.without(filters) | ({"category": category} if category else {})
    vectors = vectors_of(query, current.encoder)

    def best(filters: Mapping[str, Any]) -> list[str]:
        among, _ = allowed(current, filters)
        hits = rank(current, vectors, facets.POOL, watch=Stopwatch(), among=among)
        return [hit.item for hit in hits]

    return facets.describe(catalog(), best, decided)


def narrowed(
    current: live.LiveIndex, filters: Mapping[str, Any], predictions: Sequence[Prediction]
) -> tuple[Among | None, int, str | None]:
    """What :func:`allowed` says, and the category it is narrowed down to.

    One that nobody asked for by name is given up where it leaves nothing.
    """
    filters, guessed = categories.decide(filters, predictions)
    among, count = allowed(current, filters)
    if guessed and not count:
        filters = categories.without(filters)
        among, count = allowed(current, filters)
    return among, count, filters.get("category") or None


def allowed(current: live.LiveIndex, filters: Mapping[str, Any] | None) -> tuple[Among | None, int]:
    """The embeddings that the filters leave (None: all), and the number of their items.

    Their ids, or a query of them for an index that lies where the rows do.
    """
    keys = catalog().filtered_keys(filters) if filters else None
    if keys is None:
        return None, current.items
    rows = Embedding.objects.filter(encoder=current.encoder.id, item__in=keys).searchable()
    if isinstance(current.index, SharedIndex) and current.index.joins:
        return rows.values("pk"), rows.values("item").distinct().count()
    pairs = list(rows.values_list("pk", "item"))
    return np.array([pk for pk, _ in pairs], np.int64), len({item for _, item in pairs})


def rank(
    current: live.LiveIndex,
    vectors: Sequence[Vector],
    need: int,
    *,
    watch: Stopwatch,
    among: Among | None = None,
    leave_out: str | None = None,
) -> list[Hit]:
    """The best ``need`` visible items, each by its best image.

    An item has several images and the live catalog may hide some that are still in the index, so
    the look-up widens until enough are found or the index ends.
    """
    source = catalog()
    k = need * 3 + 8
    while True:
        with watch.stage("index"):
            best, exhausted = best_by_item(current, vectors, k, among)
        if leave_out is not None:
            best.pop(leave_out, None)
        with watch.stage("products"):
            shown = first_visible(source, list(best), need)
        keys = [key for key in best if key in shown][:need]
        if len(keys) == need or exhausted:
            break
        k *= 4
    with watch.stage("products"):
        return [
            Hit(
                item=key,
                score=round(best[key][0], 4),
                image=source.image_url(best[key][1]),
                card=source.card(shown[key]),
            )
            for key in keys
        ]


def first_visible(source: CatalogSource, keys: Sequence[str], need: int) -> dict[str, Any]:
    """The first ``need`` visible items with these keys, by key; more if some are hidden.

    One query for those that will most probably be shown, and one for all others if it must be.
    """
    shown = source.by_key(keys[:need], source.listed())
    if len(shown) < need and len(keys) > need:
        shown |= source.by_key(keys[need:], source.listed())
    return shown


def best_by_item(
    current: live.LiveIndex,
    vectors: Sequence[Vector],
    k: int,
    among: Among | None,
) -> tuple[dict[str, tuple[float, str]], bool]:
    """Score and image name of each item's best image, best item first; whether that is all."""
    scores: dict[int, float] = {}
    exhausted = True
    for vector in vectors:
        pks, similarities = current.index.search(vector, k, among=among)
        exhausted &= len(pks) < k
        for pk, score in zip(pks, similarities, strict=True):
            scores[int(pk)] = max(float(score), scores.get(int(pk), -1.0))
    names = current.names(list(scores))
    best: dict[str, tuple[float, str]] = {}
    for pk in sorted(names, key=lambda pk: (-scores[pk], pk)):
        item, image = names[pk]
        best.setdefault(item, (scores[pk], image))
    return best, exhausted


def with_total(watch: Stopwatch) -> dict[str, float]:
    """The stages and their sum."""
    return {**watch.stages, "total": round(sum(watch.stages.values()), 3)}
