"""What a vector index is: add, replace, remove, and search among some ids.

Two kinds: one in each search process's memory, saved to a file, and one in a server that all
processes share.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Float32 = NDArray[np.float32]


class Index(ABC):
    """Vectors of one length by integer id; similarity is the inner product.

    Safe to search from several threads while another changes it. An id is present at most once.
    """

    def __init__(self, dim: int, **options: Any):
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

    def optimise(self) -> None:  # noqa: B027 - a plain scan has nothing to prepare
        """Take the best structure for what it holds; called once, after all rows were added."""

    def describe(self) -> dict[str, Any]:
        """How it is made and what was measured about it, in plain JSON values.

        ``structure`` names how it searches; ``memory_bytes`` is what its vectors and links take;
        ``recall@10`` is measured against an exact search, where the search is not exact itself.
        """
        return {}

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


class FileIndex(Index):
    """An index in this process's memory: a snapshot of the rows that is saved to a file."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write everything to one file."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path, dim: int, **options: Any) -> Self:
        """Read what :meth:`save` wrote; raises IndexFileError if it is of another dimension."""


class SharedIndex(Index):
    """An index in a server: what one process writes, all find.

    Made with ``name``, its own among all versions, out of letters, digits and ``_``. Methods raise
    BackendUnavailable when the server does not answer.
    """

    transactional: ClassVar[bool] = False
    """Its vectors lie in the shop's database, written in the transaction that writes the rows."""

    joins: ClassVar[bool] = False
    """``among`` may also be a queryset of the rows' primary keys, to be joined by the server."""

    def __init__(self, dim: int, *, name: str, **options: Any):
        super().__init__(dim, **options)
        self.name = name

    @abstractmethod
    def exists(self) -> bool:
        """Whether the server still has it."""

    @abstractmethod
    def create(self) -> None:
        """Make it, empty; what the server has under its name goes."""

    @abstractmethod
    def drop(self) -> None:
        """Remove it from the server; nothing happens if it is gone."""
