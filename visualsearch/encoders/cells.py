"""The features of an image on a grid, from which any crop can be embedded without the image."""

from __future__ import annotations

import struct
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..photos.crops import Crop

HEAD = struct.Struct("<4H")
# Least weight of a cell, so that a part without anything salient can be embedded, too.
LEAST = 0.02


@dataclass(frozen=True, kw_only=True)
class Cells:
    """The features of one image on a grid of h × w cells.

    ``values`` (h, w, c) float32: the features that :meth:`Encoder.pool` averages. ``colours`` (h,
    w, n, 3) uint8: the RGB colours that occur in a cell, in any order. ``saliency`` (h, w) float32,
    0…1: where the subject is, for :func:`visualsearch.encoders.subject.suggest_box`. ``worn``, 0…1:
    how much the image looks like a garment that somebody wears.
    """

    values: NDArray[np.float32]
    colours: NDArray[np.uint8]
    saliency: NDArray[np.float32]
    worn: float = 0.0

    @property
    def shape(self) -> tuple[int, int]:
        """Number of rows and of columns of the grid."""
        h, w = self.saliency.shape
        return h, w

    def to_bytes(self) -> bytes:
        """Return a compact, lossy form for :meth:`from_bytes`; 17 kB for the shipped model.

        Values have 256 steps per channel. Colours are sorted in each cell, which discards where in
        the cell a colour was.
        """
        h, w, c = self.values.shape
        low = self.values.min((0, 1)).astype("<f2").astype(np.float32)
        step = np.maximum((self.values.max((0, 1)) - low) / 255, 1e-4).astype("<f2")
        coded = ((self.values - low) / step.astype(np.float32)).round().clip(0, 255)
        n = self.colours.shape[2]
        packed = self.colours.astype(np.uint32) @ np.array([1 << 16, 1 << 8, 1], np.uint32)
        ordered = np.sort(packed, axis=2).astype("<u4").view(np.uint8).reshape(h, w, n, 4)
        parts = (
            low.astype("<f2"),
            step,
            coded.astype(np.uint8),
            ordered[..., 2::-1],
            (self.saliency * 255).round().astype(np.uint8),
        )
        worn = bytes([round(self.worn * 255)])
        return HEAD.pack(h, w, c, n) + b"".join(part.tobytes() for part in parts) + worn

    @classmethod
    def from_bytes(cls, stored: bytes | memoryview) -> Cells:
        """Return the cells that :meth:`to_bytes` wrote, with rounded values and sorted colours."""
        h, w, c, n = HEAD.unpack_from(stored)
        place = HEAD.size

        def take(shape: tuple[int, ...], dtype: str) -> NDArray[np.float32]:
            nonlocal place
            count = int(np.prod(shape))
            found = np.frombuffer(stored, dtype, count, place).reshape(shape)
            place += found.nbytes
            return found

        low, step = take((c,), "<f2").astype(np.float32), take((c,), "<f2").astype(np.float32)
        values = take((h, w, c), "u1") * step + low
        colours = take((h, w, n, 3), "u1").astype(np.uint8)
        saliency = take((h, w), "u1") / np.float32(255)
        # Cells that an earlier version stored have no ``worn``.
        worn = stored[place] / 255 if place < len(stored) else 0.0
        return cls(values=values, colours=colours, saliency=saliency, worn=worn)


def overlap(crop: Crop, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return which fraction of each cell of a grid lies in a crop of the image: (h, w), 0…1.

    ``crop``: x, y, w, h in fractions of the image. ``shape``: (h, w) of the grid.
    """
    x, y, w, h = crop
    return np.outer(along(y, h, shape[0]), along(x, w, shape[1])).astype(np.float32)


def along(start: float, length: float, n: int) -> NDArray[np.float64]:
    """Return which fraction of each of ``n`` equal steps of [0, 1] an interval covers: (n,)."""
    edges = np.arange(n)
    return np.clip(np.minimum((start + length) * n, edges + 1) - np.maximum(start * n, edges), 0, 1)


def border(shape: tuple[int, int]) -> NDArray[np.float32]:
    """Return a grid with 1 in the outermost cells and 0 in the others."""
    ring = np.ones(shape, np.float32)
    ring[1:-1, 1:-1] = 0
    return ring
