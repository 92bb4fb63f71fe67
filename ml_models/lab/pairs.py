"""Measure whether a search with a photo of a person finds the garment that the person wears.

    python -m ml_models.lab.pairs --model DIR --data VALIDATION [--json]

The garment of each photo is cut out and put on a drawn person (:mod:`.try_on`). Two queries search
all photos of garments alone: the picture of the whole person (``outfit``), and the garment cropped
from it (``cropped``). Use photos that training has not seen.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from tqdm import tqdm

from visualsearch.encoders.base import Encoding
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.encoders.subject import encode_subject
from visualsearch.indexes.catalog_fit import LEAST, fit
from visualsearch.metrics.bootstrap import intervals
from visualsearch.metrics.retrieval import first_rank, query_scores, retrieval_metrics
from visualsearch.photos.crops import Crop
from visualsearch.photos.decode import open_photo

from .drawing.try_on import WEARABLE, worn_pair
from .measuring.classification import labelled_photos
from .measuring.parent_classes import ParentEncoder
from .measuring.retrieval import Row, embed
from .photos.boxes import MARGIN, crop_to_box

# Fine-tuning uses other seeds, and so draws other people.
SEED = 90_000
# Intersection over union at which a box counts as the garment's.
ENOUGH = 0.3
WHOLE: Crop = (0.0, 0.0, 1.0, 1.0)
# The garment's place in the crop by :func:`.boxes.crop_to_box`.
INSIDE: Crop = (
    MARGIN / (1 + 2 * MARGIN),
    MARGIN / (1 + 2 * MARGIN),
    1 / (1 + 2 * MARGIN),
    1 / (1 + 2 * MARGIN),
)


@dataclass(frozen=True, kw_only=True)
class Worn:
    """A picture of a drawn person who wears the garment of a photo.

    ``row``: index of that photo. ``box``: left, top, width and height of the garment, as fractions
    of the picture.
    """

    row: int
    image: Image.Image
    box: Crop


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder with model.json")
    parser.add_argument("--data", type=Path, required=True, help="photos: a subfolder per class")
    parser.add_argument("--limit", type=int, metavar="N", help="at most N photos per class")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def worn_garments(paths: Sequence[Path], labels: Sequence[str]) -> Iterator[Worn]:
    """Yield a drawn person for each photo whose garment can be cut out.

    ``labels``: the class of each photo of ``paths``.
    """
    for row, (path, label) in enumerate(zip(paths, labels, strict=True)):
        if label not in WEARABLE:
            continue
        pair = worn_pair(open_photo(path.read_bytes()).image, label, SEED + row)
        if pair:
            image, (left, top, right, bottom) = pair
            width, height = image.size
            place = left / width, top / height, (right - left) / width, (bottom - top) / height
            yield Worn(row=row, image=image, box=place)


def subject_and_box(encoder: OnnxEncoder, image: Image.Image) -> tuple[Encoding, Crop | None]:
    """Encode a photo as a search does, and return the box of its detected subject, or None.

    The box is left, top, width and height, as fractions of the photo.
    """
    whole, cells = encoder.see(image)
    found = encode_subject(encoder, cells) if cells else None
    return found or (whole, None)


def overlap(a: Crop, b: Crop) -> float:
    """Return the intersection over union of two boxes (left, top, width, height)."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    inner = max(0.0, w) * max(0.0, h)
    return inner / (a[2] * a[3] + b[2] * b[3] - inner)


@dataclass
class PairTally:
    """Results of the queries of one kind.

    ``ranks``: rank of the worn garment. ``right``: whether its class was predicted. ``placed``:
    whether the detected box is the garment's.
    """

    ranks: list[int | None] = field(default_factory=list)
    right: list[bool] = field(default_factory=list)
    placed: list[bool] = field(default_factory=list)

    def figures(self) -> dict[str, Any]:
        """Return recall@k, MRR, and the shares of right ``class`` and ``place``, with intervals."""
        shares = {"class": np.array(self.right), "place": np.array(self.placed)}
        return {
            **retrieval_metrics(self.ranks),
            **{name: round(float(found.mean()), 4) for name, found in shares.items()},
            "intervals": intervals(query_scores(self.ranks) | shares),
        }


def pairs(model: Path, data: Path, limit: int | None = None) -> dict[str, Any]:
    """Return how often a worn garment, its class and its place are found, with intervals.

    ``data``: a folder with a subfolder per class. ``limit``: photos per class at most. ``outfit``:
    the query is the whole person; ``cropped``: the garment with a margin. Raises ValueError if no
    garment can be cut out.
    """
    encoder: OnnxEncoder = ParentEncoder(str(model))
    photos = labelled_photos(data, encoder.labels, limit, encoder.package.parents)
    paths = [path for path, _ in photos]
    labels = [encoder.labels[number] for _, number in photos]
    sold = embed(encoder, [Row(image=path, sku=str(path)) for path in paths])
    fitted = fit(sold, encoder.parts) if len(sold) >= LEAST else None
    gallery = fitted.apply(sold) if fitted else sold
    tallies = {"outfit": PairTally(), "cropped": PairTally()}
    for worn in tqdm(worn_garments(paths, labels), total=len(paths), desc="Pairs", disable=None):
        asked = {
            "outfit": (worn.image, worn.box),
            "cropped": (crop_to_box(worn.image, worn.box), INSIDE),
        }
        for name, (image, box) in asked.items():
            found, place = subject_and_box(encoder, image)
            query = fitted.apply(found.embeddings) if fitted else found.embeddings
            order = np.argsort(-(gallery @ query[0]), kind="stable").tolist()
            said = encoder.labels[int(found.probabilities[0].argmax())]
            tallies[name].ranks.append(first_rank(order, {worn.row}))
            tallies[name].right.append(said == labels[worn.row])
            tallies[name].placed.append(overlap(place or WHOLE, box) >= ENOUGH)
    count = len(tallies["outfit"].ranks)
    if not count:
        raise ValueError(
            f"no garment in {data} can be cut out: give photos of {', '.join(WEARABLE)}"
        )
    found_of = {name: tally.figures() for name, tally in tallies.items()}
    return {"model": encoder.id, "pairs": count, "gallery": len(paths), **found_of}


def table(report: dict[str, Any]) -> str:
    """Format the result of :func:`pairs` as text."""
    head = f"{report['model']}: {report['pairs']} worn garments, {report['gallery']} alone"
    lines = [f"{head}; 95 % intervals"]
    for kind in ("outfit", "cropped"):
        lines.append(kind)
        for name, (low, high) in report[kind]["intervals"].items():
            lines.append(f"  {name:<10} {report[kind][name]:.3f} [{low:.3f}, {high:.3f}]")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Print how often worn garments, their class and their place are found."""
    args = parse_args(argv)
    report = pairs(args.model, args.data, args.limit)
    print(json.dumps(report) if args.json else table(report))


if __name__ == "__main__":
    main()
