"""A deterministic encoder without a model, for tests of shops that install the app."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ..photos.crops import Crop
from .base import Encoder, Encoding
from .cells import Cells
from .preprocess import InputSpec, prepare

GRID = 4


class FakeEncoder(Encoder):
    """An encoder that embeds an image as its 4 × 4 grid of mean colours.

    Similar pictures have near embeddings. The most probable class (red, green or blue) is the
    strongest channel, so a test can predict it.
    """

    input = InputSpec(size=64)

    def __init__(self, *, version: str = "1", match_threshold: float = 0.8, cells: bool = False):
        """Set up the encoder; with ``cells``, :meth:`see` returns cells.

        ``version`` becomes part of :attr:`id`. The cells' saliency is the strength of their colour.
        """
        self.cells = cells
        self.id = f"fake-{version}"
        self.labels = ["red", "green", "blue"]
        self.dim = GRID * GRID * 3 + 1
        self.match_threshold = match_threshold

    def encode(self, images: Sequence[Image.Image]) -> Encoding:
        """See :meth:`Encoder.encode`."""
        return self.embed(np.stack([self.grid(image) for image in images]))

    def see(self, image: Image.Image) -> tuple[Encoding, Cells | None]:
        """See :meth:`Encoder.see`."""
        grid = self.grid(image)
        cells = Cells(
            values=grid,
            colours=(grid * 255).round().astype(np.uint8)[:, :, None],
            saliency=grid.max(-1) - grid.min(-1),
        )
        return self.embed(grid[None]), cells if self.cells else None

    def pool(self, cells: Cells, part: Crop) -> Encoding:
        """See :meth:`Encoder.pool`: averages nothing, but picks the cells that the crop lies in."""
        x, y, w, h = part
        steps = (np.arange(GRID) + 0.5) / GRID
        rows, columns = (((a + b * steps) * GRID).astype(int) for a, b in ((y, h), (x, w)))
        return self.embed(cells.values[np.ix_(rows, columns)][None])

    def grid(self, image: Image.Image) -> NDArray[np.float32]:
        """Return the mean colours of an image on a grid: (4, 4, 3), 0…1."""
        step = self.input.size // GRID
        pixels = prepare(image, self.input).astype(np.float32) / 255
        return pixels.reshape(GRID, step, GRID, step, 3).mean((1, 3))

    def embed(self, grids: NDArray[np.float32]) -> Encoding:
        """Return the encoding of N grids of mean colours (N, 4, 4, 3)."""
        flat = grids.reshape(len(grids), -1) - 0.5
        # The constant keeps the vector of a plain grey image from being zero.
        vectors = np.hstack([flat, np.full((len(grids), 1), 0.1, np.float32)])
        channels = np.exp(8 * grids.mean((1, 2)))
        return Encoding(
            embeddings=vectors / np.linalg.norm(vectors, axis=1, keepdims=True),
            probabilities=channels / channels.sum(1, keepdims=True),
        )
