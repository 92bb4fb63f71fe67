"""The ways in which FAISS searches: a scan of all vectors, inverted lists, or a graph.

All hold float16 vectors: half the memory of float32, without a loss that shows in a ranking. A
``place`` is the index of a vector in the order of addition, including removed vectors.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar, Self

import faiss
import numpy as np
from numpy.typing import NDArray

from .base import Float32
from .coarse_scan import CoarseScan

Places = NDArray[np.int64]
Mask = NDArray[np.bool_]
Found = tuple[Places, Float32]

METRIC = faiss.METRIC_INNER_PRODUCT
FP16 = faiss.ScalarQuantizer.QT_fp16
# Vectors from which a scan of codes comes first, and how many candidates it finds for k hits: a
# multiple of k, and more.
COARSE_FROM, CANDIDATES = 20_000, (3, 150)
# Vectors per candidate from which that is faster.
WORTH = 20
# Vectors to code at a time.
CODED = 10_000
EFFORTS = (1, 2, 3, 4, 6, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512)
# Least number of vectors that inverted lists compare, which takes some 30 microseconds. How few
# suffice for a small catalog's own pictures tells little about customers' photos.
FEWEST = 500


class Structure(ABC):
    """A FAISS index with the parameters of its searches.

    ``effort``: how much a search compares, if the structure is approximate; more finds more and is
    slower.
    """

    name: ClassVar[str]
    extra_bytes: ClassVar[int] = 0
    """Bytes per vector besides its float16 numbers."""

    def __init__(self, index: Any, effort: int = 0, places: int = 0):
        """Wrap a FAISS index; ``places``: number of vectors ever added, including removed ones."""
        self.index = index
        self.effort = effort

    @classmethod
    @abstractmethod
    def train(cls, sample: Float32, size: int) -> Self:
        """Return an empty structure for about ``size`` vectors similar to ``sample`` (N, dim)."""

    @abstractmethod
    def search(self, query: Float32, k: int, mask: Mask | None, among: Places | None) -> Found:
        """Return the places of the ``k`` best vectors, best first, and their scores.

        ``mask``: which places may be found, None for all. ``among``: the places in ``mask`` as a
        list if the search is restricted to some ids, else None.
        """

    @abstractmethod
    def vectors(self, places: Places) -> Float32:
        """Return the vectors (N, dim) at these places, as float32."""

    def add(self, vectors: Float32) -> None:
        """Append vectors (N, dim)."""
        self.index.add(vectors)

    def remove(self, places: Places) -> None:  # noqa: B027 - there may be nothing to do
        """Free the memory of the vectors at these places, if the structure can.

        Callers exclude the places from all later searches.
        """

    def efforts(self) -> Iterator[int]:
        """Set :attr:`effort` to rising values and yield each; the last one is nearly exact.

        Yields nothing if searches are exact anyway.
        """
        return iter(())

    @property
    def memory_bytes(self) -> int:
        return int(self.index.ntotal * (2 * self.index.d + self.extra_bytes))

    def describe(self) -> dict[str, Any]:
        return {"structure": self.name, "memory_bytes": self.memory_bytes}


class Flat(Structure):
    """A structure that compares all vectors.

    For a large catalog, a scan of 8-bit codes first finds candidates, whose float16 vectors are
    compared.
    """

    name = "flat"
    coarse: CoarseScan | None = None

    @classmethod
    def empty(cls, dim: int) -> Self:
        return cls(faiss.IndexScalarQuantizer(dim, FP16, METRIC))

    @classmethod
    def train(cls, sample: Float32, size: int) -> Self:
        return cls.empty(sample.shape[1])

    def add(self, vectors: Float32) -> None:
        super().add(vectors)
        if self.coarse and self.coarse.fits(vectors):
            self.coarse.add(vectors)
        else:
            self.coarse = None

    def compact(self, alive: Mask) -> None:
        """Delete the vectors at the places that are not ``alive``; later ones move up."""
        self.index.remove_ids(selected(~alive))
        self.coarse = None

    def search(self, query: Float32, k: int, mask: Mask | None, among: Places | None) -> Found:
        count = CANDIDATES[0] * k + CANDIDATES[1]
        few = self.index.ntotal < max(COARSE_FROM, WORTH * count)
        if few or among is not None:
            return scan(self.index, query, k, mask)
        if self.coarse is None:
            self.coarse = self.coded()
        return self.refined(self.coarse, query, k, count, mask) or scan(self.index, query, k, mask)

    @property
    def memory_bytes(self) -> int:
        codes = self.index.ntotal * self.index.d if self.index.ntotal >= COARSE_FROM else 0
        return super().memory_bytes + codes

    def coded(self) -> CoarseScan:
        """Return the codes of all vectors."""
        parts = np.array_split(np.arange(self.index.ntotal), self.index.ntotal // CODED + 1)
        largest = max(float(np.abs(self.vectors(part)).max(initial=0)) for part in parts)
        coarse = CoarseScan(self.index.d, largest)
        for part in parts:
            coarse.add(self.vectors(part))
        return coarse

    def refined(
        self, coarse: CoarseScan, query: Float32, k: int, count: int, mask: Mask | None
    ) -> Found | None:
        """Search among ``count`` candidates; return None if a better vector may not be one.

        A vector that is none scores less than the last candidate, up to the error of the codes. The
        candidates show how large that is; it is allowed for twice.
        """
        places, rough = coarse.candidates(query, count, parameters(mask))
        scores = self.vectors(places) @ query
        best = np.argsort(-scores, kind="stable")[:k]
        margin = 2 * float(np.abs(scores - rough).max(initial=0))
        if len(places) == count and scores[best[-1]] <= rough[-1] + margin:
            return None
        return places[best], scores[best]

    def vectors(self, places: Places) -> Float32:
        return stored(self.index, places)


class InvertedLists(Structure):
    """Lists of vectors near a common centre; a search compares the lists nearest to the query.

    ``effort``: number of vectors compared for the best ten of all. For a larger k, more are
    compared: as measured, in proportion to the root of k. With a filter that passes a share of all
    vectors, the best k of that share are about the best k / share of all. Only lists with passing
    vectors are read, however far they are from the query.
    """

    name = "ivf"
    # The id, the number of the list, and the entry in FAISS's table of where a vector is.
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
        # With FAISS, because NumPy would start a second core.
        order = self.index.quantizer.search(query[None], self.index.nlist)[1][0]
        order = order[held[order] > 0]
        need = max(k, self.effort * (max(1.0, k / 10) * share) ** 0.5)
        probes = int(np.searchsorted(np.cumsum(held[order]), need)) + 1
        return self._compare(query, k, order[:probes], None if among is None else mask)

    def _compare(self, query: Float32, k: int, lists: Places, mask: Mask | None) -> Found:
        """Return places and scores of the best ``k`` vectors in these lists."""
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
    """Vectors linked to near ones (HNSW); a search walks along the links.

    ``effort`` is FAISS's efSearch. A walk cannot filter, so a search with a filter scans all
    vectors.
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
    """Return places and scores of the best ``k`` vectors that ``mask`` allows, None for all."""
    scores, places = index.search(query[None], k, params=parameters(mask, params))
    return places[0], scores[0]


def parameters(mask: Mask | None, params: Any = None) -> Any:
    """Return ``params`` of a FAISS search, restricted to the places that ``mask`` allows."""
    if mask is not None:
        params = params or faiss.SearchParameters()
        # FAISS keeps no reference to the selector.
        params.sel = params.kept_alive = selected(mask)
    return params


def selected(mask: Mask) -> Any:
    """Return a mask over places as a FAISS selector, for search parameters."""
    bits = np.packbits(mask, bitorder="little")
    selector = faiss.IDSelectorBitmap(len(bits), faiss.swig_ptr(bits))
    selector.bits_kept_alive = bits
    return selector


def stored(index: Any, places: Places) -> Float32:
    """Return the vectors (N, dim) at these places of a flat FAISS index of float16."""
    codes = faiss.rev_swig_ptr(index.codes.data(), int(index.codes.size()))
    return codes.view(np.float16).reshape(-1, index.d)[places].astype(np.float32)
