"""Count finer classes for their parents, so that models with different classes can be compared."""

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
    """Return the coarse labels, and for each label (N,) the number of its coarse one."""
    kept = [label for label in labels if label not in parents]
    return kept, np.array([kept.index(parents.get(label, label)) for label in labels], np.int64)


def fold(probabilities: Float32, numbers: NDArray[np.int64]) -> Float32:
    """Sum the probabilities (N, labels) per coarse class; ``numbers`` are those of :func:`coarse`.

    The parent of the most probable class is kept the most probable one.
    """
    folded = np.zeros((len(probabilities), numbers.max() + 1), np.float32)
    np.add.at(folded.T, numbers, probabilities.T)
    rows, said = np.arange(len(folded)), numbers[probabilities.argmax(1)]
    most = folded.argmax(1)
    folded[rows, most], folded[rows, said] = folded[rows, said], folded[rows, most]
    return folded


class ParentEncoder(OnnxEncoder):
    """An encoder that counts a package's finer classes for their parents."""

    def __init__(self, package: str) -> None:
        super().__init__(package)
        self.labels, self.numbers = coarse(self.package.labels, self.package.parents)

    def encode(self, images: Sequence[Image.Image]) -> Encoding:
        """See :meth:`Encoder.encode`."""
        return self.folded(super().encode(images))

    def see(self, image: Image.Image) -> tuple[Encoding, Cells | None]:
        """See :meth:`Encoder.see`."""
        if self.package.region is None:
            return self.encode([image]), None
        whole, cells = super().see(image)
        return self.folded(whole), cells

    def pool(self, cells: Cells, part: Crop) -> Encoding:
        """See :meth:`Encoder.pool`."""
        return self.folded(super().pool(cells, part))

    def folded(self, found: Encoding) -> Encoding:
        """Return an encoding with the probabilities of coarse classes."""
        return Encoding(
            embeddings=found.embeddings, probabilities=fold(found.probabilities, self.numbers)
        )
