"""Count finer classes as their coarser class, to compare models with different classes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from visualsearch.encoders.base import Encoding, Float32
from visualsearch.encoders.cells import Cells
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.photos.crops import Crop


def coarse(labels: Sequence[str], parents: dict[str, str]) -> tuple[list[str], NDArray[np.int64]]:
    """Return the coarse classes, and the index (labels,) of each label's coarse class.

    ``parents``: the coarser class of each finer one.
    """
    kept = [label for label in labels if label not in parents]
    return kept, np.array([kept.index(parents.get(label, label)) for label in labels], np.int64)


def fold(probabilities: Float32, numbers: NDArray[np.int64]) -> Float32:
    """Sum probabilities (N, labels) per coarse class; return (N, coarse classes).

    ``numbers``: index of each label's coarse class. The coarse class of the most probable label
    stays the most probable: its sum is swapped with a greater one.
    """
    folded = np.zeros((len(probabilities), numbers.max() + 1), np.float32)
    np.add.at(folded.T, numbers, probabilities.T)
    rows, said = np.arange(len(folded)), numbers[probabilities.argmax(1)]
    most = folded.argmax(1)
    folded[rows, most], folded[rows, said] = folded[rows, said], folded[rows, most]
    return folded


class ParentEncoder(OnnxEncoder):
    """An encoder that counts a package's finer classes as their coarser class."""

    def __init__(self, package: str) -> None:
        super().__init__(package)
        self.labels, self.numbers = coarse(self.package.labels, self.package.parents)

    def encode(self, images: Sequence[Image.Image]) -> Encoding:
        """Encode images; probabilities are of coarse classes."""
        return self.folded(super().encode(images))

    def see(self, image: Image.Image) -> tuple[Encoding, Cells | None]:
        """Encode a photo and its cells; probabilities are of coarse classes."""
        if self.package.region is None:
            return self.encode([image]), None
        whole, cells = super().see(image)
        return self.folded(whole), cells

    def pool(self, cells: Cells, part: Crop) -> Encoding:
        """Encode a part of a photo from its cells; probabilities are of coarse classes."""
        return self.folded(super().pool(cells, part))

    def folded(self, found: Encoding) -> Encoding:
        """Return an encoding with its probabilities summed per coarse class."""
        return Encoding(
            embeddings=found.embeddings, probabilities=fold(found.probabilities, self.numbers)
        )
