"""Classify photos by a model package, through the encoder that serves it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.metrics.bootstrap import intervals, paired
from visualsearch.metrics.retrieval import query_scores
from visualsearch.photos.decode import ACCEPTED_SUFFIXES, open_photo

from .parent_classes import ParentEncoder, coarse
from .retrieval import Found, search


def labelled_photos(
    folder: Path,
    labels: Sequence[str],
    limit: int | None = None,
    parents: Mapping[str, str] | None = None,
) -> list[tuple[Path, int]]:
    """List (photo, class index) of a folder with a subfolder per class, sorted by name.

    ``labels``: the model's classes. ``limit``: photos per class at most. ``parents``: coarser class
    of finer ones; a folder of a finer class that the model lacks counts as its coarser class.
    Raises ValueError for a folder of an unknown class.
    """
    photos = []
    for entry in sorted(path for path in folder.iterdir() if path.is_dir()):
        label = entry.name
        if label not in labels:
            label = (parents or {}).get(label, label)
        if label not in labels:
            raise ValueError(f"{entry} is none of the model's labels: {', '.join(labels)}")
        paths = [path for path in sorted(entry.iterdir()) if is_photo(path)]
        photos += [(path, labels.index(label)) for path in paths[:limit]]
    return photos


def encoder_for(model: Path, folder: Path) -> OnnxEncoder:
    """Load the package ``model``, with the classes of the photos in ``folder``.

    If no subfolder is a finer class, the model's finer classes count as their coarser ones.
    """
    encoder = OnnxEncoder(model)
    finer = set(encoder.package.parents) & set(encoder.labels)
    names = {path.name for path in folder.iterdir() if path.is_dir()}
    return ParentEncoder(str(model)) if finer and not names & finer else encoder


def is_photo(path: Path) -> bool:
    """Return whether the file's suffix is that of a supported image format."""
    return path.suffix.lower() in ACCEPTED_SUFFIXES


def classify(encoder: OnnxEncoder, photos: Sequence[tuple[Path, int]]) -> NDArray[np.float32]:
    """Return class probabilities (N, labels); one photo per call, as in serving.

    ``photos``: (path, class index); the index is not used.
    """
    probabilities = np.zeros((len(photos), len(encoder.labels)), np.float32)
    for row, (path, _) in enumerate(photos):
        image = open_photo(path.read_bytes()).image
        probabilities[row] = encoder.encode([image]).probabilities[0]
    return probabilities


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A package's results on N photos.

    ``photos``: (path, class index). ``probabilities`` (N, labels). ``true`` (N,): class indices.
    ``found``: results of searches, or None.
    """

    encoder: OnnxEncoder
    photos: Sequence[tuple[Path, int]]
    probabilities: NDArray[np.float32]
    true: NDArray[np.int64]
    found: Found | None

    @property
    def right(self) -> NDArray[np.bool_]:
        """Boolean (N,): whether each photo is classified correctly."""
        return self.probabilities.argmax(1) == self.true

    @property
    def right_parents(self) -> NDArray[np.bool_]:
        """Boolean (N,): whether each photo's coarser class is correct."""
        encoder = self.encoder
        parents = {n: p for n, p in encoder.package.parents.items() if n in encoder.labels}
        _, numbers = coarse(encoder.labels, parents)
        same: NDArray[np.bool_] = numbers[self.probabilities.argmax(1)] == numbers[self.true]
        return same

    def scores(self) -> dict[str, NDArray[np.float64]]:
        """Return a score for each photo or query, 0…1, by the name of the metric."""
        scores = {
            "accuracy": self.right.astype(np.float64),
            "parents_accuracy": self.right_parents.astype(np.float64),
        }
        if self.found:
            kinds = {"sku": self.found.ranks, "style": self.found.style_ranks}
            for kind, ranks in kinds.items():
                scores |= {f"{kind} {name}": one for name, one in query_scores(ranks).items()}
        return scores


def measure(
    model: Path,
    folder: Path,
    limit: int | None = None,
    catalog: Path | None = None,
    queries: Path | None = None,
    parents: Mapping[str, str] | None = None,
) -> Measured:
    """Classify the photos of a folder, and search a catalog if one is given.

    ``folder``: a subfolder per class. ``limit``: photos per class at most. ``catalog``,
    ``queries``: CSV files ``image,sku[,style][,view]``. ``parents``: coarser class of classes that
    the package does not know.
    """
    encoder = encoder_for(model, folder)
    known = {**(parents or {}), **encoder.package.parents}
    photos = labelled_photos(folder, encoder.labels, limit, known)
    return Measured(
        encoder=encoder,
        photos=photos,
        probabilities=classify(encoder, photos),
        true=np.array([label for _, label in photos], np.int64),
        found=search(encoder, catalog, queries) if catalog and queries else None,
    )


def class_intervals(measured: Measured) -> dict[str, Any]:
    """Return 95 % intervals of accuracy, and of each class's recall and precision."""
    said, right = measured.probabilities.argmax(1), measured.right
    found: dict[str, Any] = intervals(
        {"accuracy": right, "parents_accuracy": measured.right_parents}
    )
    found["per_class"] = {
        label: intervals({"recall": right[measured.true == k], "precision": right[said == k]})
        for k, label in enumerate(measured.encoder.labels)
    }
    return found


def compare(measured: Measured, other: Measured) -> dict[str, Any]:
    """Return ``other``'s metrics, and the difference to ``measured`` with 95 % interval and p.

    Both must be on the same photos and queries. A ``difference`` above 0 means that ``measured`` is
    better. ``accuracy`` is left out if the packages have different classes; ``parents_accuracy``
    remains.
    """
    ours, theirs = measured.scores(), other.scores()
    if measured.encoder.labels != other.encoder.labels:
        del ours["accuracy"]
    pairs = {name: paired(theirs[name], ours[name]) for name in ours if len(ours[name])}
    return {
        "model": other.encoder.id,
        "figures": {name: round(float(theirs[name].mean()), 4) for name in pairs},
        "difference": {name: round(pair.difference, 4) for name, pair in pairs.items()},
        "interval": {name: [round(e, 4) for e in pair.interval] for name, pair in pairs.items()},
        "p": {name: round(pair.p, 4) for name, pair in pairs.items()},
    }
