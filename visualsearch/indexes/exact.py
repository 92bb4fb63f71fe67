"""An exact index: a scan of all vectors in NumPy, to compare other indexes with."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Self

import numpy as np

from ..exceptions import IndexFileError
from .base import FileIndex, Float32, Ids


class ExactIndex(FileIndex):
    """An index that compares all vectors.

    Its two arrays are replaced, never changed, so that readers need no lock.
    """

    def __init__(self, dim: int, **options: Any):
        super().__init__(dim, **options)
        self._data = (np.empty(0, np.int64), np.empty((0, dim), np.float32))
        self._writing = threading.Lock()

    def __len__(self) -> int:
        return len(self._data[0])

    def add(self, ids: Ids, vectors: Float32) -> None:
        ids, vectors = self.checked(ids, vectors)
        with self._writing:
            old_ids, old_vectors = self._data
            keep = ~np.isin(old_ids, ids)
            self._data = (
                np.concatenate([old_ids[keep], ids]),
                np.concatenate([old_vectors[keep], vectors]),
            )

    def remove(self, ids: Ids) -> None:
        with self._writing:
            old_ids, old_vectors = self._data
            keep = ~np.isin(old_ids, ids)
            self._data = (old_ids[keep], old_vectors[keep])

    def search(self, query: Float32, k: int, *, among: Ids | None = None) -> tuple[Ids, Float32]:
        query = self.checked_query(query)
        ids, vectors = self._data
        if among is not None:
            keep = np.isin(ids, among)
            ids, vectors = ids[keep], vectors[keep]
        scores = vectors @ query
        best = np.argsort(-scores, kind="stable")[: max(0, k)]
        return ids[best], scores[best]

    def save(self, path: Path) -> None:
        ids, vectors = self._data
        with path.open("wb") as file:
            np.savez(file, ids=ids, vectors=vectors)

    @classmethod
    def load(cls, path: Path, dim: int, **options: Any) -> Self:
        index = cls(dim, **options)
        try:
            with np.load(path) as archive:
                index.add(archive["ids"], archive["vectors"])
        except Exception as error:
            raise IndexFileError(f"{path} is not an index of dimension {dim}") from error
        return index
