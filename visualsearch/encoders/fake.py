"""A real, deterministic encoder without a model: for tests of shops that install the app."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from .base import Encoder, Encoding
from .preprocess import InputSpec, prepare

GRID = 4


class FakeEncoder(Encoder):
    """Embeds an image as its centred 4 × 4 grid of mean colours: alike pictures are near.

    The classes say which channel is strongest, so that a test can predict them.
    """

    input = InputSpec(size=64)

    def __init__(self, *, version: str = "1", match_threshold: float = 0.8, saliency: bool = False):
        """``saliency``: whether it says where the subject is: where the colour is strongest."""
        self.saliency = saliency
        self.id = f"fake-{version}"
        self.labels = ["red", "green", "blue"]
        self.dim = GRID * GRID * 3 + 1
        self.match_threshold = match_threshold

    def encode(self, images: Sequence[Image.Image]) -> Encoding:
        """See :meth:`Encoder.encode`."""
        spec = self.input
        pixels = np.stack([prepare(image, spec) for image in images]).astype(np.float32) / 255
        step = spec.size // GRID
        cells = pixels.reshape(len(images), GRID, step, GRID, step, 3).mean((2, 4))
        flat = cells.reshape(len(images), -1) - 0.5
        # The constant keeps a plain grey image from having no direction at all.
        vectors = np.hstack([flat, np.full((len(images), 1), 0.1, np.float32)])
        colourful = cells.max(-1) - cells.min(-1)
        channels = np.exp(8 * cells.mean((1, 2)))
        return Encoding(
            embeddings=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
            probabilities=channels / channels.sum(1, keepdims=True),
            saliency=colourful if self.saliency else None,
        )
