"""Find candidates for the best vectors by a scan of 8-bit codes, in half the time of float16."""

from __future__ import annotations

from typing import Any

import faiss
import numpy as np
from numpy.typing import NDArray

from .base import Float32

# FAISS compares codes of a multiple of so many numbers as bytes, without converting them.
LANES = 32
HIGHEST = 127


class CoarseScan:
    """The 8-bit codes of vectors, numbered in the order of addition.

    Vector ≈ code × step, with one step for all numbers, so that no code is cut off.
    """

    def __init__(self, dim: int, largest: float):
        """Choose the step for vectors of ``dim`` numbers up to ``largest``; none is added yet."""
        self.step = largest / HIGHEST or 1.0
        signed = faiss.ScalarQuantizer.QT_8bit_direct_signed
        width = -(-dim // LANES) * LANES
        self.index = faiss.IndexScalarQuantizer(width, signed, faiss.METRIC_INNER_PRODUCT)

    def fits(self, vectors: Float32) -> bool:
        """Return whether vectors (N, d) have no number beyond the largest code."""
        return bool(np.abs(vectors).max(initial=0) <= self.step * HIGHEST)

    def add(self, vectors: Float32) -> None:
        """Append vectors (N, d) that fit."""
        self.index.add(self.codes(vectors, self.step))

    def codes(self, vectors: Float32, step: float) -> Float32:
        """Return vectors (N, d) in whole steps, with zeros up to the width of the index."""
        codes = np.zeros((len(vectors), self.index.d), np.float32)
        np.rint(vectors / step, out=codes[:, : vectors.shape[1]])
        return codes

    def candidates(
        self, query: Float32, count: int, params: Any
    ) -> tuple[NDArray[np.int64], Float32]:
        """Return the numbers of about the best vectors for ``query`` (d,), and about their scores.

        At most ``count``, best first. ``params``: those of the FAISS search.
        """
        step = float(np.abs(query).max()) / HIGHEST or 1.0
        scores, found = self.index.search(self.codes(query[None], step), count, params=params)
        known = found[0] >= 0
        return found[0][known], scores[0][known] * (step * self.step)
