r"""Measure recall and scan time by the length of the embedding.

    python -m ml_models.lab.dimensions --model DIR --data VALIDATION --instances TRAIN \
      --catalog NAME=CATALOG.csv,QUERIES.csv

DIR is a package with an embedding at least as long as the lengths compared. Features and colour are
stored along principal axes, so that truncating them equals fitting fewer dimensions.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import faiss
import numpy as np

from visualsearch.encoders.base import Float32
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.metrics.retrieval import first_rank, retrieval_metrics

from .measuring.instances import GALLERY, fillers, opened
from .measuring.retrieval import Row, embed, ranking, read_rows
from .photos.listings import list_photos
from .photos.random_distortions import distorted

DISTORTION = "all at half strength"
LENGTHS = ((320, 192), (320, 96), (256, 96), (256, 64), (192, 64), (128, 64), (128, 32), (64, 32))
SCANNED, NEAREST, SCANS = 100_000, 20, 30


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder with model.json")
    parser.add_argument("--data", type=Path, required=True, help="photos: a subfolder per class")
    parser.add_argument("--instances", type=Path, required=True, help="photos to fill the gallery")
    parser.add_argument(
        "--catalog",
        action="append",
        default=[],
        metavar="NAME=CATALOG,QUERIES",
        help="a catalog and its labelled queries (CSV); repeatable",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def shortened(embeddings: Float32, whole: int, semantic: int, colour: int, share: float) -> Float32:
    """Shorten embeddings (N, d) to ``semantic`` + ``colour`` numbers, of length 1 again.

    ``whole``: index at which the colour part begins. ``share``: weight of colour in the inner
    product, 0…1.
    """
    parts = embeddings[:, :semantic], embeddings[:, whole : whole + colour]
    unit = [part / np.linalg.norm(part, axis=1, keepdims=True).clip(1e-9) for part in parts]
    return np.concatenate([unit[0] * (1 - share) ** 0.5, unit[1] * share**0.5], 1)


def scan_ms(length: int) -> float:
    """Return the median milliseconds of a top-20 search among 100,000 float16 vectors.

    ``length``: numbers per vector. The search runs on one thread.
    """
    faiss.omp_set_num_threads(1)
    vectors = np.random.default_rng(0).standard_normal((SCANNED, length), np.float32)
    index = faiss.IndexScalarQuantizer(
        length, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
    )
    index.train(vectors[:1000])
    index.add(vectors)
    times = []
    for query in vectors[:SCANS]:
        start = time.perf_counter()
        index.search(query[None], NEAREST)
        times.append((time.perf_counter() - start) * 1000)
    return round(float(np.median(times)), 2)


class Asked:
    """A retrieval task: embeddings of a gallery and of queries, with the right results.

    ``gallery`` (M, d) with ``names`` (M); ``queries`` (N, d) with ``right`` (N), the name to find.
    """

    def __init__(self, gallery: Float32, names: list[str], queries: Float32, right: list[str]):
        self.gallery, self.names, self.queries, self.right = gallery, names, queries, right

    def recall(self, *cut: Any) -> dict[str, float]:
        """Return recall@k and MRR with shortened embeddings.

        ``cut``: arguments of :func:`shortened`, after the embeddings.
        """
        scores = shortened(self.queries, *cut) @ shortened(self.gallery, *cut).T
        ranks = [
            first_rank(ranking(row, self.names), {name})
            for row, name in zip(scores, self.right, strict=True)
        ]
        return retrieval_metrics(ranks)


def same_photo(encoder: OnnxEncoder, data: Path, folder: Path) -> Asked:
    """Return the task to find a photo of ``data`` by a distorted view of it.

    The gallery has 1,000 photos: those of ``data``, filled up from ``folder``.
    """
    listing = list_photos(data)
    paths = [*listing.paths]
    paths += fillers([folder], GALLERY - len(paths), paths)
    gallery = embed(encoder, [Row(image=path, sku=str(path)) for path in paths])
    parts, right = [], []
    for own, _, images in opened(list(zip(listing.paths, listing.labels, strict=True))):
        parts.append(encoder.encode([distorted(image, DISTORTION) for image in images]).embeddings)
        right += own
    return Asked(gallery, [str(path) for path in paths], np.concatenate(parts), right)


def catalog_queries(encoder: OnnxEncoder, sold: Path, asked: Path) -> Asked:
    """Return the task to find products of a catalog by labelled photos.

    ``sold``, ``asked``: CSV files of the catalog and of the queries, ``image,sku[,style][,view]``.
    """
    items, queries = read_rows(sold), read_rows(asked)
    return Asked(
        embed(encoder, items),
        [row.sku for row in items],
        embed(encoder, queries),
        [row.sku for row in queries],
    )


def table(rows: list[dict[str, Any]]) -> str:
    """Format recall and scan time as a Markdown table; ``rows``: one dict for each length."""
    names = list(rows[0]["recall"])
    head = ["numbers", "bytes", *(f"{name} @1 / @5 / @10" for name in names), "scan of 100,000"]
    lines = [f"| {' | '.join(head)} |", "|--:" * len(head) + "|"]
    for row in rows:
        recall = [
            " / ".join(f"{row['recall'][name][f'recall@{k}']:.3f}" for k in (1, 5, 10))
            for name in names
        ]
        length = f"{row['semantic']} + {row['colour']}"
        cells = [length, str(row["bytes"]), *recall, f"{row['scan_ms']:.1f} ms"]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Print recall and scan time for each length of the embedding, as a table or JSON."""
    args = parse_args(argv)
    encoder = OnnxEncoder(args.model)
    recipe = encoder.package.provenance["recipe"]
    asked = {"same photo": same_photo(encoder, args.data, args.instances)}
    for each in args.catalog:
        name, _, paths = each.partition("=")
        asked[name] = catalog_queries(encoder, *map(Path, paths.split(",")))
    rows = []
    for semantic, colour in LENGTHS:
        if semantic > recipe["semantic_dim"] or colour > recipe["colour_dim"]:
            continue
        cut = (recipe["semantic_dim"], semantic, colour, recipe["colour_share"])
        rows.append(
            {
                "semantic": semantic,
                "colour": colour,
                "bytes": 2 * (semantic + colour),
                "recall": {name: each.recall(*cut) for name, each in asked.items()},
                "scan_ms": scan_ms(semantic + colour),
            }
        )
    print(json.dumps(rows) if args.json else table(rows))


if __name__ == "__main__":
    main()
