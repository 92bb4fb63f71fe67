"""FAISS in the search process's own memory: the index for one machine."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any, Self

import faiss
import numpy as np

from ..exceptions import IndexFileError
from .base import FileIndex, Float32, Ids


class FaissIndex(FileIndex):
    """An exact scan over float16 vectors: half the memory of float32, no loss that a ranking shows.

    FAISS must not be searched while another thread changes it, so both hold one lock. Nothing of
    FAISS is touched at import: it hangs in a forked child if the parent has searched.
    """

    def __init__(self, dim: int, **options: Any):
        super().__init__(dim, **options)
        self._index: Any = None
        self._lock = threading.Lock()

    @property
    def index(self) -> Any:
        """The FAISS object, made on first use; the caller holds the lock."""
        if self._index is None:
            faiss.omp_set_num_threads(1)
            flat = faiss.IndexScalarQuantizer(
                self.dim, faiss.ScalarQuantizer.QT_fp16, faiss.METRIC_INNER_PRODUCT
            )
            self._index = faiss.IndexIDMap2(flat)
        return self._index

    def __len__(self) -> int:
        with self._lock:
            return int(self.index.ntotal)

    def add(self, ids: Ids, vectors: Float32) -> None:
        ids, vectors = self.checked(ids, vectors)
        with self._lock:
            if self.index.ntotal:
                self.index.remove_ids(faiss.IDSelectorBatch(ids))
            self.index.add_with_ids(vectors, ids)

    def remove(self, ids: Ids) -> None:
        ids = np.ascontiguousarray(ids, np.int64)
        with self._lock:
            if len(ids) and self.index.ntotal:
                self.index.remove_ids(faiss.IDSelectorBatch(ids))

    def search(self, query: Float32, k: int, *, among: Ids | None = None) -> tuple[Ids, Float32]:
        query = self.checked_query(query)
        selected = None if among is None else np.ascontiguousarray(among, np.int64)
        with self._lock:
            count = self.index.ntotal if selected is None else min(len(selected), self.index.ntotal)
            k = min(k, count)
            if k <= 0:
                return np.empty(0, np.int64), np.empty(0, np.float32)
            params = None
            if selected is not None:
                params = faiss.SearchParameters()
                # FAISS keeps no reference of its own: `selector` must live as long as the search.
                selector = faiss.IDSelectorBatch(selected)
                params.sel = selector
            scores, ids = self.index.search(query[None], k, params=params)
        found = ids[0] >= 0
        return ids[0][found], scores[0][found]

    def save(self, path: Path) -> None:
        with self._lock:
            faiss.write_index(self.index, str(path))

    @classmethod
    def load(cls, path: Path, dim: int, **options: Any) -> Self:
        loaded = cls(dim, **options)
        try:
            faiss.omp_set_num_threads(1)
            loaded._index = faiss.read_index(str(path))
        except Exception as error:
            raise IndexFileError(f"{path} cannot be read by FAISS") from error
        if loaded._index.d != dim:
            raise IndexFileError(f"{path} is not an index of dimension {dim}")
        return loaded
