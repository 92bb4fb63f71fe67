"""The interface of vector indexes: add, replace, remove, and search among some ids.

A FileIndex is in the memory of each search process and is saved to a file. A SharedIndex is in a
server that all processes share.
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
    """Vectors of one length, each under an integer id; the similarity is the inner product.

    Threads may search the index while another thread changes it. An id is present at most once.
    """

    def __init__(self, dim: int, **options: Any):
        self.dim = dim

    @abstractmethod
    def __len__(self) -> int:
        """Return the number of vectors present."""

    @abstractmethod
    def add(self, ids: Ids, vectors: Float32) -> None:
        """Add vectors (N, dim) under ids (N,); replace the vectors of ids that are present.

        If an id is repeated, its last vector counts. Raises ValueError on a wrong shape or a value
        that is not finite.
        """

    @abstractmethod
    def remove(self, ids: Ids) -> None:
        """Remove the vectors with these ids; ids that are not present are ignored."""

    @abstractmethod
    def search(self, query: Float32, k: int, *, among: Ids | None = None) -> tuple[Ids, Float32]:
        """Return the ids nearest to ``query`` (dim,) and their scores, best first, at most ``k``.

        ``among``: search only these ids; if ``k`` of them are present, ``k`` are found. Raises
        ValueError on a wrong shape or a value that is not finite.
        """

    def optimise(self) -> None:  # noqa: B027 - a plain scan has nothing to prepare
        """Build the fastest structure for the vectors; called once, after all were added."""

    def describe(self) -> dict[str, Any]:
        """Return how the index is built and what was measured about it, as JSON values.

        ``structure``: how it searches; ``memory_bytes``: memory of its vectors and links;
        ``recall@10``: measured against an exact search, missing if the search is exact.
        """
        return {}

    def checked(self, ids: Ids, vectors: Float32) -> tuple[Ids, Float32]:
        """Return the ids and vectors as arrays, only the last vector of each repeated id.

        Raises ValueError on a wrong shape or a value that is not finite.
        """
        ids = np.asarray(ids, np.int64)
        vectors = np.ascontiguousarray(vectors, np.float32)
        if vectors.shape != (len(ids), self.dim):
            raise ValueError(f"expected vectors ({len(ids)}, {self.dim}), got {vectors.shape}")
        if not np.isfinite(vectors).all():
            raise ValueError("a vector contains a value that is not finite")
        _, last = np.unique(ids[::-1], return_index=True)
        keep = np.sort(len(ids) - 1 - last)
        return ids[keep], vectors[keep]

    def checked_query(self, query: Float32) -> Float32:
        """Return the query as float32; raise ValueError if it is not finite or not (dim,)."""
        query = np.ascontiguousarray(query, np.float32)
        if query.shape != (self.dim,) or not np.isfinite(query).all():
            raise ValueError(f"expected a finite query ({self.dim},), got {query.shape}")
        return query


class FileIndex(Index):
    """An index in the memory of this process, which is saved to a file and loaded from it."""

    @abstractmethod
    def save(self, path: Path) -> None:
        """Write the whole index to one file."""

    @classmethod
    @abstractmethod
    def load(cls, path: Path, dim: int, **options: Any) -> Self:
        """Return the index that :meth:`save` wrote; raise IndexFileError if it is unreadable."""


class SharedIndex(Index):
    """An index in a server; all processes find what one of them writes.

    ``name`` is unique among all index versions and consists of letters, digits and ``_``. Methods
    raise BackendUnavailable when the server does not answer.
    """

    transactional: ClassVar[bool] = False
    """Whether vectors are in the shop's database, written in the transaction of their rows."""

    joins: ClassVar[bool] = False
    """Whether ``among`` may also be a queryset of the rows' primary keys, joined by the server."""

    def __init__(self, dim: int, *, name: str, **options: Any):
        super().__init__(dim, **options)
        self.name = name

    @abstractmethod
    def exists(self) -> bool:
        """Return whether the server has the index."""

    @abstractmethod
    def create(self) -> None:
        """Create an empty index; an existing one of the same name is dropped."""

    @abstractmethod
    def drop(self) -> None:
        """Remove the index from the server; do nothing if it is missing."""
