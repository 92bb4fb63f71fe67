"""A fake encoder whose embeddings have two parts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from visualsearch.encoders.base import Encoding
from visualsearch.encoders.fake import FakeEncoder
from visualsearch.encoders.parts import Part


class PartedEncoder(FakeEncoder):
    """A fake encoder that weights the upper half of an image by 0.9 and the lower by 0.1."""

    @property
    def parts(self) -> tuple[Part, ...]:
        return (Part(name="upper", size=24, share=0.9), Part(name="lower", size=25, share=0.1))

    def embed(self, grids: NDArray[np.float32]) -> Encoding:
        seen = super().embed(grids)
        halves = np.split(seen.embeddings, [24], axis=1)
        joined = [
            np.sqrt(part.share, dtype=np.float32)
            * half
            / np.linalg.norm(half, axis=1, keepdims=True)
            for part, half in zip(self.parts, halves, strict=True)
        ]
        return Encoding(embeddings=np.hstack(joined), probabilities=seen.probabilities)
