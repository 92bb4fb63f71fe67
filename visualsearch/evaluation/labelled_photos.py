"""Measure search quality on labelled photos, through the same code that serves customers."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .. import conf
from ..catalogs import catalog
from ..metrics.bootstrap import intervals, paired
from ..metrics.photo_page import FIRST
from ..metrics.retrieval import first_rank, query_scores, retrieval_metrics
from ..photos.decode import open_photo
from ..search import by_photo
from ..search.build_result import build_result
from ..search.requests import SearchRequest
from ..search.results import Hit, Stopwatch
from ..serving import loaded_versions

# Results read per photo; a right item further down adds less than 0.01 to the reciprocal rank.
DEPTH = 100


@dataclass(frozen=True, kw_only=True)
class LabelledPhoto:
    """A photo, the key of the item that it shows, and the item's style ("" if unknown).

    ``view``: how the photo shows the item, such as "back"; each view is also measured separately.
    """

    image: Path
    item: str
    style: str = ""
    view: str = ""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The result of searching with one labelled photo.

    ``rank``: that of the right item; ``style_rank``: that of the first item of the right style;
    ranks count from 1 and are None if not found. ``hits``: the best ones. ``took_ms``: milliseconds
    of the search for the first page of results.
    """

    photo: LabelledPhoto
    rank: int | None
    style_rank: int | None
    hits: Sequence[Hit]
    took_ms: float


@dataclass(frozen=True, kw_only=True)
class Measured:
    """The outcomes of searching an index version with labelled photos.

    ``version``: its id; ``encoder``: id of its encoder. ``items``: number of searchable items in
    the index. ``outcomes``: one per photo. ``category``: category by item key, where known.
    """

    version: int
    encoder: str
    items: int
    outcomes: Sequence[Outcome]
    category: dict[str, str]

    def ranks(self, kind: str) -> list[int | None]:
        """Return the rank of each photo's right result, None if it was not found.

        ``kind``: ``sku`` for the rank of the item, ``style`` for the rank of an item of the same
        style; the latter leaves out photos without a style.
        """
        if kind == "sku":
            return [outcome.rank for outcome in self.outcomes]
        return [outcome.style_rank for outcome in self.outcomes if outcome.photo.style]


KINDS = ("sku", "style")


def read_queries(path: Path) -> list[LabelledPhoto]:
    """Read a CSV file with the columns ``image,sku[,style][,view]``.

    Image paths are relative to the file's folder. Raises ValueError for an unreadable or empty
    file, and, naming the line, for a missing value or image.
    """
    try:
        with path.open(newline="", encoding="utf-8-sig") as file:
            rows = list(csv.DictReader(file))
    except OSError as error:
        raise ValueError(f"{path} cannot be read: {error.strerror}.") from error
    photos = []
    for line, row in enumerate(rows, 2):
        image = path.parent / (row.get("image") or "")
        if not row.get("image") or not row.get("sku"):
            raise ValueError(f"{path}, line {line}: the columns image and sku must be filled.")
        if not image.is_file():
            raise ValueError(f"{path}, line {line}: {image} does not exist.")
        style, view = row.get("style") or "", row.get("view") or ""
        photos.append(LabelledPhoto(image=image, item=row["sku"], style=style, view=view))
    if not photos:
        raise ValueError(f"{path} contains no queries.")
    return photos


def evaluate(photos: Iterable[LabelledPhoto], version: int | None = None) -> dict[str, Any]:
    """Search with each photo and return the figures that :func:`report` describes.

    ``version``: id of an index version, None for the active one. Raises PhotoError for an
    unreadable photo, IndexNotReady or ModelUnavailable if the version cannot be searched.
    """
    return report(measure(photos, version))


def measure(photos: Iterable[LabelledPhoto], version: int | None = None) -> Measured:
    """Search with each photo as a customer does, and return the outcomes.

    ``version``: id of an index version, None for the active one. Nothing is stored. Raises
    PhotoError for an unreadable photo, IndexNotReady or ModelUnavailable if the version cannot be
    searched.
    """
    current = loaded_versions.current(version)
    current.encoder.encode([Image.new("RGB", (64, 64))])
    # Each colour of a style is a product to find.
    request = SearchRequest(version=version, remember=False, collapse=False)
    outcomes, items = [], 0
    for photo in photos:
        watch = Stopwatch()
        with watch.stage("decode"):
            opened = open_photo(photo.image.read_bytes(), limits=conf.limits(current.encoder.side))
        # Time the first page, as a customer gets it; take ranks from a longer one.
        query, live = by_photo.encode_query(opened, request, watch)
        result = build_result(query, live, request, watch)
        hits = build_result(query, live, replace(request, limit=DEPTH), Stopwatch()).hits
        ranking = [hit.item for hit in hits]
        same = of_style(ranking, photo.style) if photo.style else set()
        outcomes.append(
            Outcome(
                photo=photo,
                rank=first_rank(ranking, {photo.item}),
                style_rank=first_rank(ranking, same),
                hits=hits[:FIRST],
                took_ms=result.took_ms["total"],
            )
        )
        items = result.count
    return Measured(
        version=current.version,
        encoder=current.encoder.id,
        items=items,
        outcomes=outcomes,
        category=categories_of([outcome.photo.item for outcome in outcomes]),
    )


def report(measured: Measured) -> dict[str, Any]:
    """Return the figures of a measurement as JSON values.

    ``queries``: number of photos; ``items``: number of searchable items; ``encoder``: its id;
    ``sku`` and ``style``: recall@k and MRR of the right item, and of any item of the right style;
    ``latency_ms``: ``p50`` and ``p95``; ``intervals``: bootstrap intervals of the metrics, by
    ``sku`` and ``style``; ``by``: metrics by ``category`` of the item and by ``view`` of the photo
    (see :func:`grouped`).
    """
    outcomes = measured.outcomes
    latencies = [outcome.took_ms for outcome in outcomes]
    return {
        "queries": len(outcomes),
        "items": measured.items,
        "sku": retrieval_metrics(measured.ranks("sku")),
        "style": retrieval_metrics(measured.ranks("style")),
        "encoder": measured.encoder,
        "latency_ms": {
            "p50": round(float(np.percentile(latencies, 50)), 2),
            "p95": round(float(np.percentile(latencies, 95)), 2),
        },
        "intervals": {kind: intervals(query_scores(measured.ranks(kind))) for kind in KINDS},
        "by": {
            "category": grouped(outcomes, [measured.category.get(o.photo.item) for o in outcomes]),
            "view": grouped(outcomes, [outcome.photo.view for outcome in outcomes]),
        },
    }


def grouped(outcomes: Sequence[Outcome], names: Sequence[str | None]) -> dict[str, Any]:
    """Return the metrics of each group of photos, by name of the group.

    ``names``: the group of each outcome; photos without a name are left out. The values are dicts
    with recall@k and MRR by item, ``queries`` (number of photos) and ``intervals`` of the metrics.
    """
    ranks: dict[str, list[int | None]] = {}
    for outcome, name in zip(outcomes, names, strict=True):
        if name:
            ranks.setdefault(name, []).append(outcome.rank)
    return {
        name: {
            "queries": len(found),
            **retrieval_metrics(found),
            "intervals": intervals(query_scores(found)),
        }
        for name, found in sorted(ranks.items())
    }


def compare_measurements(measured: Measured, other: Measured) -> dict[str, Any]:
    """Compare ``measured`` with ``other`` on the same photos, by ``sku`` and ``style``.

    Returns a dict with ``version`` and ``encoder`` of ``other``, its metrics under ``sku`` and
    ``style``, and, by ``sku`` and ``style`` and name of the metric, the mean ``difference`` per
    photo (above 0: ``measured`` is better), its ``interval``, and ``p``, the p value of a paired
    randomisation test.
    """
    found: dict[str, Any] = {
        "version": other.version,
        "encoder": other.encoder,
        **{kind: retrieval_metrics(other.ranks(kind)) for kind in KINDS},
        "difference": {},
        "interval": {},
        "p": {},
    }
    for kind in KINDS:
        ours, theirs = query_scores(measured.ranks(kind)), query_scores(other.ranks(kind))
        pairs = {name: paired(theirs[name], ours[name]) for name in ours}
        for part, values in (
            ("difference", {name: round(pair.difference, 4) for name, pair in pairs.items()}),
            ("interval", {n: [round(end, 4) for end in p.interval] for n, p in pairs.items()}),
            ("p", {name: round(pair.p, 4) for name, pair in pairs.items()}),
        ):
            found[part][kind] = values
    return found


def of_style(ranking: list[str], style: str) -> set[str]:
    """Return the keys in ``ranking`` of the visible items with this ``style``."""
    found = catalog().by_key(ranking)
    return {key for key, item in found.items() if getattr(item, "style", None) == style}


def categories_of(keys: Iterable[str]) -> dict[str, str]:
    """Return the category of each visible item by key, without items whose card has none."""
    source = catalog()
    listed = source.by_key(set(keys), among=source.listed())
    found = {key: source.card_now(item).get("category") for key, item in listed.items()}
    return {key: str(name) for key, name in found.items() if name}
