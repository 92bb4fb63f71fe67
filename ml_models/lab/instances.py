"""Is the same photo found again after it was distorted, and after it was put into clutter?"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visualsearch.encoders.base import Float32
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.metrics import first_rank, retrieval_metrics
from visualsearch.photos import ACCEPTED_SUFFIXES, Limits, cut, open_photo
from visualsearch.subject import suggest_box

from .distortions import DISTORTIONS, distorted
from .retrieval import Row, embed, ranking
from .robustness import batches, clutter

GALLERY = 1000
SHARES = (0.2, 0.3, 0.4, 0.5, 0.6)
# A box of a small photo may be smaller than what a shop would accept as a photo of its own.
ANY_SIZE = Limits(min_side=1)


def fillers(folders: Sequence[Path], count: int, taken: Sequence[Path]) -> list[Path]:
    """``count`` photos of the folders' classes, as many of each class as there are, or fewer.

    Which ones is the same in every run; ``taken`` are not among them. Raises ValueError for
    folders without photos.
    """
    listed = chain.from_iterable(sorted(folder.glob("*/*")) for folder in folders)
    photos = [path for path in listed if path.suffix.lower() in ACCEPTED_SUFFIXES]
    if not photos:
        raise ValueError(f"no photos in {', '.join(map(str, folders))}: a folder per class")
    seen = {path.resolve() for path in taken}
    classes: dict[str, list[Path]] = {}
    for path in photos:
        if path.resolve() not in seen:
            classes.setdefault(path.parent.name, []).append(path)
    rng = np.random.default_rng(0)
    shuffled = [[paths[k] for k in rng.permutation(len(paths))] for paths in classes.values()]
    turns = chain.from_iterable(zip_longest(*shuffled))
    return [path for path in turns if path is not None][: max(0, count)]


@dataclass
class Tally:
    """Ranks of the right photo and right classes of the queries so far, of one kind of query."""

    ranks: list[int | None] = field(default_factory=list)
    right: int = 0

    def add(self, names: list[str], own: Sequence[str], scores: Float32) -> None:
        """``scores`` (N, gallery) of N queries against the photos ``names``, whose is ``own``."""
        for name, row in zip(own, scores, strict=True):
            self.ranks.append(first_rank(ranking(row, names), {name}))

    @property
    def found(self) -> dict[str, float]:
        """Accuracy and recall@1, 0…1."""
        return {
            "accuracy": round(self.right / len(self.ranks), 4),
            "recall@1": retrieval_metrics(self.ranks)["recall@1"],
        }


def subject_crops(images: Sequence[Image.Image], saliency: Float32) -> list[Image.Image]:
    """Each photo cut to its subject, or whole where ``saliency`` (N, h, w) suggests no box."""
    boxes = [suggest_box(each) for each in saliency]
    return [
        cut(image, box, ANY_SIZE) if box else image
        for image, box in zip(images, boxes, strict=True)
    ]


def surer(whole: Float32, part: Float32) -> Float32:
    """Probabilities (N, labels) of the photo or of its crop, whichever has the higher top one."""
    return np.where(part.max(1, keepdims=True) > whole.max(1, keepdims=True), part, whole)


def opened(
    photos: Sequence[tuple[Path, int]],
) -> Iterator[tuple[list[str], NDArray[np.int64], list[Image.Image]]]:
    """A few photos at a time: their names (N), class numbers (N,) and RGB images (N)."""
    for paths, true in batches(photos):
        yield [*map(str, paths)], true, [open_photo(path.read_bytes()).image for path in paths]


def instances(
    encoder: OnnxEncoder,
    photos: Sequence[tuple[Path, int]],
    folders: Sequence[Path],
    size: int = GALLERY,
) -> dict[str, Any]:
    """recall@k and MRR of distorted ``photos`` in a gallery of ``size``; accuracy in clutter.

    The gallery is all ``photos`` (paths and class numbers), filled up from ``folders``. Raises
    ValueError without photos.
    """
    if not photos:
        raise ValueError("instances needs photos, and there are none")
    paths = [path for path, _ in photos]
    paths += fillers(folders, size - len(paths), paths)
    names = [str(path) for path in paths]
    gallery = embed(encoder, [Row(image=path, sku=str(path)) for path in paths])
    return {
        "queries": len(photos),
        "gallery": len(paths),
        "distortions": after_distortions(encoder, photos, names, gallery),
        "clutter_with_subject": in_clutter(encoder, photos, names, gallery),
    }


def after_distortions(
    encoder: OnnxEncoder,
    photos: Sequence[tuple[Path, int]],
    names: list[str],
    gallery: Float32,
) -> dict[str, dict[str, float]]:
    """Metrics per distortion, and their ``mean``; ``gallery`` (M, dim) of the photos ``names``."""
    tallies = {name: Tally() for name in DISTORTIONS}
    for own, _, images in opened(photos):
        for name, tally in tallies.items():
            encoding = encoder.encode([distorted(image, name) for image in images])
            tally.add(names, own, encoding.embeddings @ gallery.T)
    found = {name: retrieval_metrics(tally.ranks) for name, tally in tallies.items()}
    keys = next(iter(found.values()))
    mean = {key: round(float(np.mean([row[key] for row in found.values()])), 4) for key in keys}
    return found | {"mean": mean}


def in_clutter(
    encoder: OnnxEncoder,
    photos: Sequence[tuple[Path, int]],
    names: list[str],
    gallery: Float32,
) -> list[dict[str, Any]]:
    """Per ``share`` of the area that the photo covers: ``whole``, and ``crop`` to the subject.

    ``crop`` is None for models that see no subject. With it, a gallery photo counts by the larger
    of its similarities to the photo and to the crop, and the class is the surer one's.
    """
    tallies = {share: (Tally(), Tally()) for share in SHARES}
    for own, true, images in opened(photos):
        for share, (whole, part) in tallies.items():
            scenes = [clutter(image, share) for image in images]
            encoding = encoder.encode(scenes)
            scores = encoding.embeddings @ gallery.T
            whole.add(names, own, scores)
            whole.right += int((encoding.probabilities.argmax(1) == true).sum())
            if encoding.saliency is None:
                continue
            cropped = encoder.encode(subject_crops(scenes, encoding.saliency))
            part.add(names, own, np.maximum(scores, cropped.embeddings @ gallery.T))
            best = surer(encoding.probabilities, cropped.probabilities)
            part.right += int((best.argmax(1) == true).sum())
    return [
        {"share": share, "whole": whole.found, "crop": part.found if part.ranks else None}
        for share, (whole, part) in tallies.items()
    ]
