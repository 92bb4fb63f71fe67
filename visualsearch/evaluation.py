"""Measure the search with labelled photos, through the code that answers customers."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from . import conf, live, searching
from .catalogs import catalog
from .metrics import first_rank, retrieval_metrics
from .models import Query
from .photos import open_photo
from .results import Stopwatch

# Where a right item is looked for; further down it adds less than 0.01 to the reciprocal rank.
DEPTH = 100


@dataclass(frozen=True, kw_only=True)
class LabelledPhoto:
    """A photo, the key of the item that it shows, and the item's style if that is known."""

    image: Path
    item: str
    style: str = ""


def read_queries(path: Path) -> list[LabelledPhoto]:
    """Rows of ``image,sku[,style]``; images are relative to the file.

    Raises ValueError that names the bad row, or what is wrong with the file.
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
        photos.append(LabelledPhoto(image=image, item=row["sku"], style=row.get("style") or ""))
    if not photos:
        raise ValueError(f"{path} holds no queries.")
    return photos


def evaluate(photos: Iterable[LabelledPhoto], version: int | None = None) -> dict[str, Any]:
    """Recall@k and MRR by item and by style, and latency from bytes to cards.

    Of the active version, or of the given one. A hit of the same style is one whose card, or whose
    item, has the query's ``style``.
    """
    current = live.current(version)
    current.encoder.encode([Image.new("RGB", (64, 64))])
    ranks, style_ranks, latencies, items = [], [], [], 0
    for photo in photos:
        watch = Stopwatch()
        with watch.stage("decode"):
            opened = open_photo(photo.image.read_bytes(), limits=conf.limits())
        # Timed is what a customer waits for, one page; the ranks come from a longer one.
        result = searching.search(opened, watch=watch, version=version)
        query_id = str(result.query_id)
        hits = searching.page(query_id, limit=DEPTH, version=version).hits
        ranking = [hit.item for hit in hits]
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
        "encoder": current.encoder.id,
        "latency_ms": {
            "p50": round(float(np.percentile(latencies, 50)), 2),
            "p95": round(float(np.percentile(latencies, 95)), 2),
        },
    }


def of_style(ranking: list[str], style: str) -> set[str]:
    """Those items of a ranking whose ``style`` is this one."""
    found = catalog().by_key(ranking)
    return {key for key, item in found.items() if getattr(item, "style", None) == style}
