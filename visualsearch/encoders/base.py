"""The interface of encoders: RGB images in, embeddings and class probabilities out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..photos.crops import Crop
from .cells import Cells, overlap
from .known_answers import KnownAnswers, pictures
from .parts import Part, whole
from .preprocess import InputSpec

Float32 = NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Encoding:
    """The result of encoding N images.

    ``embeddings`` (N, dim) float32, L2-normalised; ``probabilities`` (N, labels) float32.
    """

    embeddings: Float32
    probabilities: Float32


@dataclass(frozen=True, kw_only=True)
class Detections:
    """Boxes around N points of an image, most of which hold nothing; those of one thing overlap.

    ``boxes`` (N, 4) float32: x, y, w, h in fractions of the image. ``objectness`` (N,) float32,
    0…1: the expected intersection over union with the box of a thing. ``probabilities`` (N, labels)
    float32.
    """

    boxes: Float32
    objectness: Float32
    probabilities: Float32


class Encoder(ABC):
    """A model that turns images into embeddings; all threads of a process share one instance."""

    id: str
    """Identifies model, version and weights. Embeddings are comparable only within one id."""

    labels: list[str]
    """Class names, in the order of the probabilities."""

    dim: int
    """Length of an embedding, at most 512 for the models that ship."""

    match_threshold: float
    """Least cosine similarity at which the best hit counts as a match (the same kind of thing)."""

    input: InputSpec | None = None
    """How the encoder preprocesses an image; None if unknown."""

    known_answers: KnownAnswers | None = None
    """Embeddings of generated pictures that every machine should compute; None if unknown."""

    @property
    def side(self) -> int | None:
        """Pixels of an image's shorter side that the encoder needs; None if unknown."""
        return self.input.size if self.input else None

    @property
    def parts(self) -> tuple[Part, ...]:
        """The parts of an embedding, in order; by default a single one of :attr:`dim` numbers."""
        return whole(self.dim)

    @abstractmethod
    def encode(self, images: Sequence[Image.Image]) -> Encoding:
        """Return embeddings and class probabilities of upright RGB images of any size.

        Thread-safe. Raises ModelUnavailable if the model cannot be loaded.
        """

    def see(self, image: Image.Image) -> tuple[Encoding, Cells | None]:
        """Encode one image; also return its cells, from which :meth:`pool` embeds crops.

        The cells are None if the encoder cannot embed crops. Raises ModelUnavailable if
        the model cannot be loaded.
        """
        return self.encode([image]), None

    def pool(self, cells: Cells, part: Crop) -> Encoding:
        """Return the encoding of a crop of an image, computed from the cells of :meth:`see`.

        ``part``: the crop, x, y, w, h in fractions of the image. Raises TypeError if the encoder
        makes no cells.
        """
        raise TypeError(f"{type(self).__name__}.see() returns cells, but the class has no pool()")

    def detect(self, cells: Cells) -> Detections | None:
        """Return boxes that may hold things, for :func:`.objects.find_objects`.

        None if the encoder cannot tell things apart. Raises ModelUnavailable if the model cannot be
        loaded.
        """
        return None

    def focus(self, cells: Cells, part: Crop) -> Float32:
        """Return the weight, 0…1, of each cell (h, w) as subject of a crop; 0 outside the crop.

        ``part``: the crop, x, y, w, h in fractions of the image.
        """
        return cells.saliency * (overlap(part, cells.shape) > 0)

    def lowest_known_cosine(self) -> float | None:
        """Return the lowest cosine of this machine's embeddings with the known answers.

        None without :attr:`known_answers`. Raises ModelUnavailable if the model cannot be loaded.
        """
        known = self.known_answers
        if known is None:
            return None
        images = pictures(len(known.embeddings))
        return known.lowest_cosine(self.encode(images).embeddings)

    def keep(self, folder: Path) -> dict[str, Any] | None:
        """Copy the encoder's files into ``folder``, which is created if missing.

        Returns the constructor options that load the copy, None for an encoder without files.
        Raises ModelUnavailable if the files cannot be read.
        """
        return None
