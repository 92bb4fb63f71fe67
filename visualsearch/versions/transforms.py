"""Learn an index's transform from the catalog; choose the weights of embedding parts by labels."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from django.utils import timezone

from .. import conf
from ..batched import MAX_PARAMETERS, batched
from ..catalogs.names import of_current_catalog
from ..encoders.base import Encoder
from ..evaluation.labelled_photos import read_queries
from ..indexes import catalog_fit
from ..indexes.catalog_fit import Fit
from ..indexes.tuning_by_labels import Labelled, Tuned, tune
from ..models import Embedding, Event, IndexVersion, from_bytes
from ..models.primary import one_session
from ..photos.decode import open_photo
from ..search.encode_photo import encode_photo
from ..search.ranking import Vector
from ..serving import version_encoders
from ..serving.live_index import fit_of

State = IndexVersion.State

# Rows to learn a fit from, and rows to check whether the mean moved; sampled evenly.
MOST, FEW = 100_000, 2000
# Refit a catalog that has grown by this factor, or whose mean has moved this far.
GROWTH, MOVED = 1.5, 0.15
# Most labelled photos to use; sampled at random from more.
PHOTOS = 2000
# Least and most searches with an event to use in place of labelled photos.
LEAST_CLICKED, MOST_CLICKED = 200, 5000
# Events, from the weakest sign of relevance to the strongest.
WORTH = (Event.Kind.CLICK, Event.Kind.BASKET, Event.Kind.PURCHASE)


@dataclass(frozen=True, kw_only=True)
class Rows:
    """A sample of the catalog's embeddings: encoder output (N, d), and the item key of each.

    ``images``: number of all searchable images.
    """

    vectors: Vector
    items: list[str]
    images: int


@dataclass(frozen=True, kw_only=True)
class Labels:
    """Queries whose right item is known: encoder output (Q, d), and that item's key for each.

    ``source``: ``labels`` (photos of ``LABELLED_QUERIES``) or ``clicks`` (customers' events).
    """

    vectors: Vector
    items: list[str]
    source: str


def fit_version(version: IndexVersion, *, by_labels: bool = False) -> dict[str, Any] | None:
    """Return the transform to build a version with, as JSON values for ``IndexVersion.fit``.

    None if the setting ``FIT`` is off or the catalog has fewer than :data:`catalog_fit.LEAST`
    images. ``by_labels``: True to choose new weights of the embedding's parts, by labelled photos,
    else by clicks, else from the catalog's embeddings alone. False to keep the active version's
    weights if labels or clicks chose them, else to choose from the catalog's embeddings. Besides
    the transform, the dict has ``chosen`` (what chose the weights: catalog, labels or clicks), and
    if labels or clicks were used also the keys of :func:`describe_choice`. Raises PhotoError for an
    unreadable labelled photo.
    """
    if not conf.get("FIT"):
        return None
    encoder = version_encoders.encoder_of(version)
    found = read_labels(encoder) if by_labels else None
    rows = sample_rows(encoder, MOST, found.items if found else ())
    if len(rows.vectors) < catalog_fit.LEAST:
        return None
    if found is None:
        shares, chosen = (None, "catalog") if by_labels else kept_shares(encoder)
        return learn_transform(rows, encoder, shares).to_json() | {"chosen": chosen}
    by_catalog = learn_transform(rows, encoder)
    tuned = tune(to_labelled(rows, found), by_catalog, active_fit(encoder))
    made = learn_transform(rows, encoder, tuned.shares) if tuned.by_labels else by_catalog
    return made.to_json() | describe_choice(tuned, found)


def learn_transform(rows: Rows, encoder: Encoder, shares: catalog_fit.Shares | None = None) -> Fit:
    """Return a transform learned from a sample of the catalog's embeddings.

    ``shares``: weight of each part of the embedding in the similarity, by name of the part; None to
    choose the weights from the sample.
    """
    return catalog_fit.fit(rows.vectors, encoder.parts, shares, images=rows.images)


def describe_choice(tuned: Tuned, found: Labels) -> dict[str, Any]:
    """Return the outcome of a comparison of weights as a dict, to store with the transform.

    ``chosen``: what chose the weights (catalog, labels or clicks); ``better``: whether their mean
    reciprocal rank is higher than the active version's; ``judged_by``: labels or clicks;
    ``queries``: number of labelled queries; ``tried``: name, weights and figures of each option.
    """
    return {
        "chosen": found.source if tuned.by_labels else "catalog",
        "better": tuned.better,
        "judged_by": found.source,
        "queries": tuned.queries,
        "tried": [option.to_json() for option in tuned.options],
    }


def active_fit(encoder: Encoder) -> Fit | None:
    """Return the active version's transform; None if it has none or another encoder's."""
    active = IndexVersion.objects.filter(state=State.ACTIVE, encoder=encoder.id).first()
    return fit_of(active) if active else None


def kept_shares(encoder: Encoder) -> tuple[catalog_fit.Shares | None, str]:
    """Return the active version's weights of the embedding's parts, and what chose them.

    The weights are by name of the part; ``labels`` or ``clicks`` chose them. (None, "catalog") if
    the catalog chose them, if there is no transform, or if the encoder's parts changed.
    """
    active = IndexVersion.objects.filter(state=State.ACTIVE, encoder=encoder.id).first()
    fit = fit_of(active) if active else None
    if active is None or fit is None or (active.fit or {}).get("chosen") == "catalog":
        return None, "catalog"
    if [part.name for part in fit.parts] != [part.name for part in encoder.parts]:
        return None, "catalog"
    return fit.shares, str((active.fit or {})["chosen"])


def is_due(encoder: Encoder) -> bool:
    """Return whether the catalog needs another transform than the newest version's.

    True if no version has one yet, if the catalog has grown by half, or if its mean embedding has
    moved by more than :data:`MOVED`. False if the setting ``FIT`` is off or the catalog is too
    small. The newest version counts even if it is not active, so that the next run does not rebuild
    one that was not activated or was rolled back.
    """
    count = Embedding.objects.filter(encoder=encoder.id).searchable().count()
    if not conf.get("FIT") or count < catalog_fit.LEAST:
        return False
    kept = IndexVersion.objects.filter(
        encoder=encoder.id, state__in=(State.ACTIVE, State.READY, State.RETIRED)
    )
    newest = kept.filter(fit__isnull=False).order_by("-pk").first()
    fit = fit_of(newest) if newest else None
    if fit is None or count >= GROWTH * fit.images:
        return True
    return catalog_fit.distance(fit, sample_rows(encoder, FEW).vectors) > MOVED


def sample_rows(encoder: Encoder, at_most: int, items: Collection[str] = ()) -> Rows:
    """Read the searchable embeddings: all, or ``at_most`` evenly spaced ones.

    ``items``: keys of items whose embeddings are added if not all are read.
    """
    rows = Embedding.objects.filter(encoder=encoder.id).searchable()
    pks = np.array(rows.order_by("pk").values_list("pk", flat=True), np.int64)
    chosen = pks
    if len(pks) > at_most:
        chosen = pks[np.linspace(0, len(pks) - 1, at_most).astype(int)]
        also: list[int] = []
        for some in batched(sorted(set(items)), MAX_PARAMETERS):
            also += rows.filter(item__in=some).values_list("pk", flat=True)
        chosen = np.union1d(chosen, np.array(also, np.int64))
    vectors = np.empty((len(chosen), encoder.dim), np.float32)
    names: list[str] = []
    for some_pks in batched(chosen.tolist(), MAX_PARAMETERS):
        found = rows.filter(pk__in=some_pks).order_by("pk").values_list("item", "vector")
        for item, vector in found:
            vectors[len(names)] = from_bytes(vector)
            names.append(item)
    # Another process may have removed some rows meanwhile.
    return Rows(vectors=vectors[: len(names)], items=names, images=len(pks))


def to_labelled(rows: Rows, found: Labels) -> Labelled:
    """Return rows and labels with an index for each item key, for ``indexes.weight_tuning``."""
    number = {item: place for place, item in enumerate(dict.fromkeys(rows.items))}
    return Labelled(
        queries=found.vectors,
        right=np.array([number.get(item, -1) for item in found.items], np.int64),
        rows=rows.vectors,
        owners=np.array([number[item] for item in rows.items], np.int64),
    )


def read_labels(encoder: Encoder) -> Labels | None:
    """Return the photos of the setting ``LABELLED_QUERIES``, else searches with clicks.

    None if the setting is empty and fewer than :data:`LEAST_CLICKED` searches have clicks. Raises
    PhotoError for an unreadable photo, ValueError for an unreadable list of photos.
    """
    return from_photos(encoder) or from_clicks(encoder)


def from_photos(encoder: Encoder) -> Labels | None:
    """Return the photos of the setting ``LABELLED_QUERIES``, embedded as a search does.

    None if the setting is empty. At most :data:`PHOTOS` photos, drawn at random. Raises PhotoError
    for an unreadable photo, ValueError for an unreadable list.
    """
    path = of_current_catalog("LABELLED_QUERIES")
    if not path:
        return None
    photos = read_queries(Path(path))
    if len(photos) > PHOTOS:
        chosen = np.sort(np.random.default_rng(0).permutation(len(photos))[:PHOTOS])
        photos = [photos[place] for place in chosen]
    limits = conf.limits(encoder.side)
    vectors = [
        encode_photo(encoder, open_photo(photo.image.read_bytes(), limits=limits)).embedding
        for photo in photos
    ]
    return Labels(
        vectors=np.stack(vectors), items=[photo.item for photo in photos], source="labels"
    )


def from_clicks(encoder: Encoder) -> Labels | None:
    """Return the newest searches, labelled by what customers clicked, put in the basket or bought.

    Of several products of one search, the one with the strongest event counts. None if there are
    fewer than :data:`LEAST_CLICKED` such searches; a search's vector is erased after
    ``QUERY_LIFETIME``, so only shops with a lifetime of days have that many.
    """
    events = Event.objects.filter(
        kind__in=WORTH, query__encoder=encoder.id, query__expires__gt=timezone.now()
    ).order_by("-query__created", "pk")
    best: dict[Any, tuple[int, str, bytes]] = {}
    fields = ("query", "kind", "item", "query__vector")
    with one_session():
        for query, kind, item, vector in events.values_list(*fields).iterator():
            worth = WORTH.index(Event.Kind(kind))
            if query not in best and len(best) == MOST_CLICKED:
                break
            if query not in best or worth > best[query][0]:
                best[query] = worth, item, vector
    if len(best) < LEAST_CLICKED:
        return None
    return Labels(
        vectors=np.stack([from_bytes(vector) for _, _, vector in best.values()]),
        items=[item for _, item, _ in best.values()],
        source="clicks",
    )
