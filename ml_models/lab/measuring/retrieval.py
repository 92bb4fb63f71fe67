"""Measure how well an encoder's embeddings find products, by exact search."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.metrics.bootstrap import intervals
from visualsearch.metrics.retrieval import first_rank, query_scores, retrieval_metrics
from visualsearch.photos.decode import open_photo


def named_catalog(text: str) -> tuple[str, tuple[Path, Path]]:
    """Parse ``NAME=CATALOG.csv,QUERIES.csv`` to (name, (catalog, queries)), for argparse.

    Raises ArgumentTypeError for other text.
    """
    name, _, files = text.partition("=")
    paths = [Path(part) for part in files.split(",")]
    if not name or len(paths) != 2:
        raise argparse.ArgumentTypeError(f"{text!r} is not NAME=CATALOG.csv,QUERIES.csv")
    return name, (paths[0], paths[1])


BATCH = 32


@dataclass(frozen=True, kw_only=True)
class Row:
    """A photo with its product (sku), and its style and view if known.

    Products of one style are right results for each other. A view is a name such as “front”.
    """

    image: Path
    sku: str
    style: str = ""
    view: str = ""


def read_rows(path: Path) -> list[Row]:
    """Read a CSV ``image,sku[,style][,view]``; image paths start at its folder.

    Raises ValueError for an empty field, a missing photo or no rows.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        found = list(csv.DictReader(file))
    rows = []
    for line, row in enumerate(found, 2):
        if not row.get("image") or not row.get("sku"):
            raise ValueError(f"{path}, line {line}: the columns image and sku must be filled")
        image = path.parent / row["image"]
        if not image.is_file():
            raise ValueError(f"{path}, line {line}: {image} does not exist")
        style, view = row.get("style") or "", row.get("view") or ""
        rows.append(Row(image=image, sku=row["sku"], style=style, view=view))
    if not rows:
        raise ValueError(f"{path} holds no photos")
    return rows


def embed(encoder: OnnxEncoder, rows: Sequence[Row]) -> NDArray[np.float32]:
    """Return the embeddings (N, dim) of the rows' photos."""
    parts = []
    for start in range(0, len(rows), BATCH):
        chunk = rows[start : start + BATCH]
        images = [open_photo(row.image.read_bytes()).image for row in chunk]
        parts.append(encoder.encode(images).embeddings)
    return np.concatenate(parts)


def ranking(scores: NDArray[np.float32], skus: Sequence[str]) -> list[str]:
    """Rank products by their best photo.

    ``scores`` (N,): similarity of each photo; ``skus``: its product.
    """
    return list(dict.fromkeys(skus[k] for k in np.argsort(-scores, kind="stable")))


@dataclass(frozen=True, kw_only=True)
class Found:
    """Results of searches.

    ``asked``: the queries. ``items``: number of products. ``ranks``: rank of each query's product.
    ``style_ranks``: best rank of its style, for queries with a style. ``hits``: the first products
    of each query, as (catalog row, similarity).
    """

    asked: Sequence[Row]
    items: int
    ranks: list[int | None]
    style_ranks: list[int | None]
    hits: list[list[tuple[Row, float]]]


def search(
    encoder: OnnxEncoder,
    catalog: Path,
    queries: Path,
    first: int = 5,
    sold_by: OnnxEncoder | None = None,
) -> Found:
    """Rank the products of a catalog for each query, by exact search.

    ``catalog``, ``queries``: CSV files with the columns ``image,sku[,style][,view]``. ``first``:
    number of hits to keep. ``sold_by``: encoder of the catalog's photos; None: ``encoder``.
    """
    sold, asked = read_rows(catalog), read_rows(queries)
    similarity = embed(encoder, asked) @ embed(sold_by or encoder, sold).T
    skus = [row.sku for row in sold]
    ranks, style_ranks, hits = [], [], []
    for query, scores in zip(asked, similarity, strict=True):
        ranked = ranking(scores, skus)
        ranks.append(first_rank(ranked, {query.sku}))
        if query.style:
            same = {row.sku for row in sold if row.style == query.style}
            style_ranks.append(first_rank(ranked, same))
        hits.append([best_photo(sold, scores, sku) for sku in ranked[:first]])
    return Found(asked=asked, items=len(set(skus)), ranks=ranks, style_ranks=style_ranks, hits=hits)


def best_photo(sold: Sequence[Row], scores: NDArray[np.float32], sku: str) -> tuple[Row, float]:
    """Return the photo of the product ``sku`` with the best score, and that score.

    ``sold`` (N): the catalog's photos; ``scores`` (N,): their similarity to a query.
    """
    mine = [k for k, row in enumerate(sold) if row.sku == sku]
    best = max(mine, key=lambda k: scores[k])
    return sold[best], float(scores[best])


def retrieval(encoder: OnnxEncoder, catalog: Path, queries: Path) -> dict[str, Any]:
    """Search the queries in the catalog; return recall@k and MRR by sku, style and view.

    ``catalog``, ``queries``: CSV files with the columns ``image,sku[,style][,view]``.
    """
    return retrieval_figures(search(encoder, catalog, queries))


def retrieval_figures(found: Found) -> dict[str, Any]:
    """Return recall@k and MRR with 95 % intervals.

    ``sku``: the same product is found. ``style``: any product of the same style is, over queries
    that have one. ``by``: the figures of ``sku`` for each view.
    """
    views: dict[str, list[int | None]] = {}
    for row, rank in zip(found.asked, found.ranks, strict=True):
        if row.view:
            views.setdefault(row.view, []).append(rank)
    return {
        "queries": len(found.asked),
        "items": found.items,
        "sku": retrieval_metrics(found.ranks),
        "style": retrieval_metrics(found.style_ranks),
        "intervals": {
            "sku": intervals(query_scores(found.ranks)),
            "style": intervals(query_scores(found.style_ranks)),
        },
        "by": {
            "view": {
                view: {
                    "queries": len(ranks),
                    **retrieval_metrics(ranks),
                    "intervals": intervals(query_scores(ranks)),
                }
                for view, ranks in sorted(views.items())
            }
        },
    }
