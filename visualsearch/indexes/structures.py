"""How FAISS searches: a scan of all vectors, inverted lists, or a graph.

All hold float16 vectors, half the memory of float32 without a loss that a ranking shows, numbered
by place in the order in which they were added.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from .base import Float32

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]
Found = tuple[Places, Float32]

METRIC = faiss.METRIC_INNER_PRODUCT
FP16 = faiss.ScalarQuantizer.QT_fp16
EFFORTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
# Vectors that inverted lists compare at least: they take some 30 microseconds, and what a small
# catalog's own pictures need tells little of customers' photos.
FEWEST = 500


class Structure(ABC):
    """A FAISS index and the parameters of a search in it."""

    name: ClassVar[str]
    extra_bytes: ClassVar[int] = 0
    """What a vector takes beside its own float16 numbers."""

    def __init__(self, index: Any, effort: int = 0, places: int = 0):
        """``places``: how many were ever taken in ``index``, dead ones too."""
        self.index = index
        self.effort = effort

    @classmethod
    @abstractmethod
    def train(cls, sample: Float32, size: int) -> Self:
        """An empty one for about ``size`` vectors like those of ``sample`` (N, dim)."""

    @abstractmethod
    def search(self, query: Float32, k: int, mask: Mask | None, among: Places | None) -> Found:
        """The ``k`` best places and their scores.

        ``mask`` tells what may be found (None: all); ``among`` is the same as places, where only
        some were asked for.
        """

    @abstractmethod
    def vectors(self, places: Places) -> Float32:
        """What lies at these places, (N, dim)."""

    def add(self, vectors: Float32) -> None:
        """Append vectors (N, dim)."""
        self.index.add(vectors)

    def remove(self, places: Places) -> None:  # noqa: B027 - there may be nothing to do
        """Free what these places take, where that is possible; no search asks for them again."""

    def efforts(self) -> Iterator[int]:
        """Rising efforts of a search, the last of them nearly exact."""
        return iter(())

    @property
    def memory_bytes(self) -> int:
        return int(self.index.ntotal * (2 * self.index.d + self.extra_bytes))

    def describe(self) -> dict[str, Any]:
        return {"structure": self.name, "memory_bytes": self.memory_bytes}


class Flat(Structure):
    """All vectors are compared."""

    name = "flat"

    @classmethod
    def empty(cls, dim: int) -> Self:
        return cls(faiss.IndexScalarQuantizer(dim, FP16, METRIC))

    @classmethod
    def train(cls, sample: Float32, size: int) -> Self:
        return cls.empty(sample.shape[1])

    def search(self, query: Float32, k: int, mask: Mask | None, among: Places | None) -> Found:
        return scan(self.index, query, k, mask)

    def vectors(self, places: Places) -> Float32:
        return stored(self.index, places)


class InvertedLists(Structure):
    """Vectors near the same centre are in one list; the lists nearest to the query are compared.

    ``effort`` is how many vectors are compared for the best ten of all. More are for a larger k:
    its root tells how many, as measured. With a filter, the best k of those it lets through are
    about the best k / share of all; only lists that hold some of them are read, wherever they are.
    """

    name = "ivf"
    # Its id, its list, and its entry in FAISS's table of where it lies.
    extra_bytes = 8 + 4 + 48

    def __init__(self, index: Any, effort: int = 0, places: int = 0):
        super().__init__(index, effort, places)
        self.lists = np.zeros(places, np.int32)
        self.sizes = np.zeros(index.nlist, np.int64)
        for at in range(index.nlist):
            if size := index.invlists.list_size(at):
                self.lists[faiss.rev_swig_ptr(index.invlists.get_ids(at), size)] = at
                self.sizes[at] = size

    @classmethod
    def train(cls, sample: Float32, size: int) -> Self:
        dim, count = sample.shape[1], max(1, min(len(sample), int(2 * size**0.5)))
        index = faiss.IndexIVFScalarQuantizer(
            faiss.IndexFlatIP(dim), dim, count, FP16, METRIC, False
        )
        index.cp.niter = 8
        index.cp.spherical = True
        index.cp.min_points_per_centroid = 1
        index.cp.max_points_per_centroid = 64
        index.train(sample)
        index.set_direct_map_type(faiss.DirectMap.Hashtable)
        return cls(index)

    def add(self, vectors: Float32) -> None:
        _, nearest = self.index.quantizer.search(vectors, 1)
        places = np.arange(len(self.lists), len(self.lists) + len(vectors))
        pointers = [faiss.swig_ptr(each) for each in (vectors, places, nearest)]
        self.index.add_core(len(vectors), *pointers, None)
        self.lists = np.concatenate([self.lists, nearest[:, 0].astype(np.int32)])
        self.sizes += np.bincount(nearest[:, 0], minlength=self.index.nlist)

    def remove(self, places: Places) -> None:
        self.index.remove_ids(faiss.IDSelectorArray(places))
        self.sizes -= np.bincount(self.lists[places], minlength=self.index.nlist)

    def search(self, query: Float32, k: int, mask: Mask | None, among: Places | None) -> Found:
        held, share = self.sizes, 1.0
        if among is not None:
            held = np.bincount(self.lists[among], minlength=len(held))
            share = len(among) / self.index.ntotal
        # By FAISS: NumPy would wake a second core for it.
        order = self.index.quantizer.search(query[None], self.index.nlist)[1][0]
        order = order[held[order] > 0]
        need = max(k, self.effort * (max(1.0, k / 10) * share) ** 0.5)
        probes = int(np.searchsorted(np.cumsum(held[order]), need)) + 1
        return self._compare(query, k, order[:probes], None if among is None else mask)

    def _compare(self, query: Float32, k: int, lists: Places, mask: Mask | None) -> Found:
        """Compare what these lists hold."""
        scores, places = np.empty(k, np.float32), np.empty(k, np.int64)
        unused = np.zeros(len(lists), np.float32)
        params = faiss.SearchParametersIVF(nprobe=len(lists))
        if mask is not None:
            params.sel = selector = selected(mask)  # noqa: F841 - FAISS keeps no reference to it
        pointers = [faiss.swig_ptr(each) for each in (lists, unused, scores, places)]
        self.index.search_preassigned_c(1, faiss.swig_ptr(query), k, *pointers, False, params)
        return places, scores

    def vectors(self, places: Places) -> Float32:
        return self.index.reconstruct_batch(places)

    def efforts(self) -> Iterator[int]:
        each = max(1, self.index.ntotal // self.index.nlist)
        for lists in EFFORTS:
            if lists < self.index.nlist and lists * each >= FEWEST:
                self.effort = lists * each
                yield self.effort
        self.effort = self.index.ntotal
        yield self.effort

    def describe(self) -> dict[str, Any]:
        return super().describe() | {"lists": self.index.nlist, "compared": self.effort}


class Graph(Structure):
    """Vectors are linked with near ones; a search walks along the links (HNSW).

    ``effort`` is efSearch. A walk does not know of filters, so with one all vectors are scanned.
    """

    name = "hnsw"
    links = 32
    extra_bytes = 2 * 4 * links + 16

    @classmethod
    def train(cls, sample: Float32, size: int) -> Self:
        index = faiss.IndexHNSWSQ(sample.shape[1], FP16, cls.links, METRIC)
        index.train(sample[:1])
        return cls(index)

    @property
    def storage(self) -> Any:
        return faiss.downcast_index(self.index.storage)

    def search(self, query: Float32, k: int, mask: Mask | None, among: Places | None) -> Found:
        if among is None and k <= self.index.ntotal // 10:
            effort = max(2 * k, int(self.effort * max(1, k / 10) ** 0.5))
            params = faiss.SearchParametersHNSW(efSearch=effort)
            places, scores = scan(self.index, query, k, mask, params)
            if (places >= 0).all():
                return places, scores
        return scan(self.storage, query, k, mask)

    def vectors(self, places: Places) -> Float32:
        return stored(self.storage, places)

    def efforts(self) -> Iterator[int]:
        for effort in EFFORTS[6:]:
            self.effort = effort
            yield effort

    def describe(self) -> dict[str, Any]:
        return super().describe() | {"links": self.links, "ef_search": self.effort}


def scan(index: Any, query: Float32, k: int, mask: Mask | None, params: Any = None) -> Found:
    """Search a FAISS index for what ``mask`` lets through."""
    if mask is not None:
        params = params or faiss.SearchParameters()
        params.sel = selector = selected(mask)  # noqa: F841 - FAISS keeps no reference to it
    scores, places = index.search(query[None], k, params=params)
    return places[0], scores[0]


def selected(mask: Mask) -> Any:
    """FAISS's form of a mask over places."""
    bits = np.packbits(mask, bitorder="little")
    selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
    selector.bits_kept_alive = bits
    return selector


def stored(index: Any, places: Places) -> Float32:
    """What a flat FAISS index holds at these places, (N, dim)."""
    codes = faiss.rev_swig_ptr(index.codes.data(), int(index.codes.size()))
    return codes.view(np.float16).reshape(-1, index.d)[places].astype(np.float32)
