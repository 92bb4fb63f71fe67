"""What a vector index is: add, replace, remove, search among some ids, save and load."""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Float32 = NDArray[np.float32]


class Index(ABC):
    """Vectors of one length by integer id; similarity is the inner product.

    Safe to search from several threads while another changes it. An id is present at most once.
    """

    def __init__(self, dim: int, **options: object):
        self.dim = dim

    @abstractmethod
    def __len__(self) -> int:
        """How many vectors are present."""

    @abstractmethod
    def add(self, ids: Ids, vectors: Float32) -> None:
        """Add vectors (N, dim) under ids (N,); present ids are replaced, the last of equals counts.

        Raises ValueError on a wrong shape or a value that is not finite.
        """

    @abstractmethod
    def remove(self, ids: Ids) -> None:
        """Remove what is present of ``ids``."""

    @abstractmethod
    def search(self, query: Float32, k: int, *, among: Ids | None = None) -> tuple[Ids, Float32]:
        """The at most ``k`` nearest ids to ``query`` (dim,) and their scores, best first.

        ``among`` restricts the search itself: as long as ``k`` of those ids are present, ``k`` are
        found. Raises ValueError on a wrong shape or a value that is not finite.
        """

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write everything to one file."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path, dim: int, **options: object) -> Self:
        """Read what :meth:`save` wrote; raises IndexFileError if it is of another dimension."""

    def checked(self, ids: Ids, vectors: Float32) -> tuple[Ids, Float32]:
        """Validate vectors to add, and keep the last of each id."""
        ids = np.asarray(ids, np.int64)
        vectors = np.ascontiguousarray(vectors, np.float32)
        if vectors.shape != (len(ids), self.dim):
            raise ValueError(f"expected vectors ({len(ids)}, {self.dim}), got {vectors.shape}")
        if not np.isfinite(vectors).all():
            raise ValueError("a vector holds a value that is not finite")
        _, last = np.unique(ids[::-1], return_index=True)
        keep = np.sort(len(ids) - 1 - last)
        return ids[keep], vectors[keep]

    def checked_query(self, query: Float32) -> Float32:
        """Validate a query vector."""
        query = np.ascontiguousarray(query, np.float32)
        if query.shape != (self.dim,) or not np.isfinite(query).all():
            raise ValueError(f"expected a finite query ({self.dim},), got {query.shape}")
        return query
