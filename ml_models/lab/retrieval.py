"""Search with the encoder alone: every query against every photo, exactly."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.metrics import first_rank, retrieval_metrics
from visualsearch.photos import open_photo

BATCH = 32


@dataclass(frozen=True, kw_only=True)
class Row:
    """A photo, the product that it shows, and that product's style where it is known."""

    image: Path
    sku: str
    style: str = ""


def read_rows(path: Path) -> list[Row]:
    """Rows of ``image,sku[,style]``, images relative to the file; ValueError on a bad row."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        found = list(csv.DictReader(file))
    rows = []
    for line, row in enumerate(found, 2):
        if not row.get("image") or not row.get("sku"):
            raise ValueError(f"{path}, line {line}: the columns image and sku must be filled")
        image = path.parent / row["image"]
        if not image.is_file():
            raise ValueError(f"{path}, line {line}: {image} does not exist")
        rows.append(Row(image=image, sku=row["sku"], style=row.get("style") or ""))
    if not rows:
        raise ValueError(f"{path} holds no photos")
    return rows


def embed(encoder: OnnxEncoder, rows: Sequence[Row]) -> NDArray[np.float32]:
    """Embeddings (N, dim) of the rows' photos."""
    parts = []
    for start in range(0, len(rows), BATCH):
        chunk = rows[start : start + BATCH]
        images = [open_photo(row.image.read_bytes()).image for row in chunk]
        parts.append(encoder.encode(images).embeddings)
    return np.concatenate(parts)


def ranking(scores: NDArray[np.float32], skus: Sequence[str]) -> list[str]:
    """Products by their best photo, best first: ``scores`` (N,) and products of N photos."""
    return list(dict.fromkeys(skus[k] for k in np.argsort(-scores, kind="stable")))


def retrieval(encoder: OnnxEncoder, catalog: Path, queries: Path) -> dict[str, Any]:
    """recall@k and MRR by sku, and by style over the queries that have one."""
    sold, asked = read_rows(catalog), read_rows(queries)
    similarity = embed(encoder, asked) @ embed(encoder, sold).T
    skus = [row.sku for row in sold]
    ranks, style_ranks = [], []
    for query, scores in zip(asked, similarity, strict=True):
        ranked = ranking(scores, skus)
        ranks.append(first_rank(ranked, {query.sku}))
        if query.style:
            same = {row.sku for row in sold if row.style == query.style}
            style_ranks.append(first_rank(ranked, same))
    return {
        "queries": len(asked),
        "items": len(set(skus)),
        "sku": retrieval_metrics(ranks),
        "style": retrieval_metrics(style_ranks),
    }
