"""Measure whether a search finds a photo again after distortion or in clutter."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visualsearch.encoders.base import Encoding, Float32
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.encoders.subject import encode_subject
from visualsearch.metrics.retrieval import first_rank, retrieval_metrics
from visualsearch.photos.decode import ACCEPTED_SUFFIXES, open_photo

from ..photos.distortions import clutter
from ..photos.random_distortions import DISTORTIONS, distorted
from .retrieval import Row, embed, ranking
from .robustness import photos_in_batches

GALLERY = 1000
SHARES = (0.2, 0.3, 0.4, 0.5, 0.6)


def fillers(folders: Sequence[Path], count: int, taken: Sequence[Path]) -> list[Path]:
    """Return ``count`` photos to fill a gallery, spread evenly over the classes.

    ``folders``: each with a subfolder per class. ``taken``: photos to exclude. The choice is the
    same in every run. Raises ValueError for folders without photos.
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
    """Ranks of the right photo for each query, and the number of queries with the right class."""

    ranks: list[int | None] = field(default_factory=list)
    right: int = 0

    def add(self, names: list[str], own: Sequence[str], scores: Float32) -> None:
        """Add the ranks of N queries.

        ``names``: photos of the gallery; ``scores`` (N, gallery): their similarities to each query;
        ``own``: the right photo of each query.
        """
        for name, row in zip(own, scores, strict=True):
            self.ranks.append(first_rank(ranking(row, names), {name}))

    @property
    def found(self) -> dict[str, float]:
        """``accuracy`` of the class and ``recall@1``, both 0…1."""
        return {
            "accuracy": round(self.right / len(self.ranks), 4),
            "recall@1": retrieval_metrics(self.ranks)["recall@1"],
        }


def whole_and_subject(encoder: OnnxEncoder, image: Image.Image) -> tuple[Encoding, Encoding | None]:
    """Encode a photo and its subject, as a search does.

    The second result is None if the model cannot encode parts of a photo.
    """
    whole, cells = encoder.see(image)
    if cells is None:
        return whole, None
    found = encode_subject(encoder, cells)
    return whole, found[0] if found else whole


def opened(
    photos: Sequence[tuple[Path, int]],
) -> Iterator[tuple[list[str], NDArray[np.int64], list[Image.Image]]]:
    """Yield batches of (names, class indices (N,), RGB images).

    ``photos``: (path, class index).
    """
    for paths, true in photos_in_batches(photos):
        yield [*map(str, paths)], true, [open_photo(path.read_bytes()).image for path in paths]


def instances(
    encoder: OnnxEncoder,
    photos: Sequence[tuple[Path, int]],
    folders: Sequence[Path],
    size: int = GALLERY,
) -> dict[str, Any]:
    """Return how well distorted or cluttered photos are found among ``size`` photos.

    ``photos``: (path, class index), the queries. The gallery is all of them, filled up from
    ``folders``. Results: recall@k and MRR per distortion, and accuracy and recall@1 in clutter.
    Raises ValueError without photos.
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
    """Return recall@k and MRR for each distortion, and their ``mean``.

    ``photos``: (path, class index), which are distorted and searched. ``names``: photos of the
    gallery; ``gallery`` (M, dim): their embeddings.
    """
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
    """Return accuracy and recall@1 of photos pasted into a busy scene, by ``share`` of its area.

    ``whole``: the scene is the query. ``subject``: its detected subject is; None if the model
    cannot encode parts. ``photos``: (path, class index). ``names``: photos of the gallery;
    ``gallery`` (M, dim): their embeddings.
    """
    tallies = {share: (Tally(), Tally()) for share in SHARES}
    for own, true, images in opened(photos):
        for share, both in tallies.items():
            looks = zip(
                *(whole_and_subject(encoder, clutter(image, share)) for image in images),
                strict=True,
            )
            for tally, found in zip(both, looks, strict=True):
                seen = [each for each in found if each is not None]
                if not seen:
                    continue
                embeddings = np.concatenate([each.embeddings for each in seen])
                classes = np.array([each.probabilities[0].argmax() for each in seen])
                tally.add(names, own, embeddings @ gallery.T)
                tally.right += int((classes == true).sum())
    return [
        {"share": share, "whole": whole.found, "subject": part.found if part.ranks else None}
        for share, (whole, part) in tallies.items()
    ]
