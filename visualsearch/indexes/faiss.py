"""A FAISS index in the memory of each search process."""

from __future__ import annotations

import json
import threading
from pathlib import Path
from typing import Any, Literal, Self

import faiss
import numpy as np
from numpy.lib.format import read_array, write_array
from numpy.typing import NDArray

from ..exceptions import IndexFileError
from .base import FileIndex, Float32, Ids
from .faiss_structures import Flat, Graph, InvertedLists, Structure
from .id_slots import Places

STRUCTURES: dict[str, type[Structure]] = {each.name: each for each in (Flat, InvertedLists, Graph)}
BATCH = 20_000
# Most vectors that a structure is trained on, and most queries that measure its recall.
SAMPLE, QUERIES = 100_000, 200
# FAISS compares vectors of a multiple of so many numbers ten times as fast as others.
LANES = 16
# Up to this many vectors are compared one by one, in about a millisecond wherever they are.
FEW = 2000
FORMAT = 1


class FaissIndex(FileIndex):
    """A FAISS index: a scan of all vectors up to a size, inverted lists above it, or a graph.

    A lock serialises searches and changes, because FAISS does not support both at once. Nothing of
    FAISS is called at import: it hangs in a forked child if the parent has searched.
    """

    def __init__(
        self,
        dim: int,
        *,
        structure: Literal["auto", "flat", "ivf", "hnsw"] = "auto",
        flat_up_to: int = 100_000,
        target_recall: float = 0.99,
        threads: int = 1,
    ):
        """Set the ``structure`` that :meth:`optimise` builds.

        "auto" builds inverted lists above ``flat_up_to`` vectors and keeps a scan below.
        ``target_recall``: least recall@10 of the inverted lists or the graph. ``threads``: for
        building; a search uses one. Raises ValueError for an unknown structure.
        """
        super().__init__(dim)
        if structure not in ("auto", *STRUCTURES):
            raise ValueError(f"structure must be auto, flat, ivf or hnsw, not {structure!r}")
        self.structure, self.flat_up_to = structure, flat_up_to
        self.target_recall, self.threads = target_recall, threads
        # Length of the vectors in FAISS: ``dim``, and zeros up to a multiple of LANES.
        self._width = -(-dim // LANES) * LANES
        self._places = Places()
        self._made: Structure | None = None
        self._recall: float | None = None
        self._lock = threading.Lock()

    @property
    def _held(self) -> Structure:
        """The structure that holds the vectors, made on first use; the caller holds the lock."""
        # OpenMP stores this number per thread, and several threads call this.
        faiss.omp_set_num_threads(1)
        if self._made is None:
            self._made = Flat.empty(self._width)
        return self._made

    def _padded(self, vectors: Float32) -> Float32:
        """Return vectors (…, dim) with zeros at their end, as FAISS holds them."""
        wide = np.zeros((*vectors.shape[:-1], self._width), np.float32)
        wide[..., : self.dim] = vectors
        return wide

    def __len__(self) -> int:
        return self._places.present

    def add(self, ids: Ids, vectors: Float32) -> None:
        ids, vectors = self.checked(ids, vectors)
        if not len(ids):
            return
        with self._lock:
            self._forget(ids)
            self._held.add(self._padded(vectors))
            self._places.append(ids)

    def remove(self, ids: Ids) -> None:
        with self._lock:
            self._forget(np.asarray(ids, np.int64))

    def _forget(self, ids: Ids) -> None:
        places, _ = self._places.find(ids)
        if not len(places):
            return
        self._held.remove(places)
        self._places.kill(places)
        if type(self._held) is Flat and self._places.dead > 1000 + len(self) // 4:
            alive = self._places.alive
            self._held.compact(alive)
            self._places = Places(self._places.ids[alive])

    def search(self, query: Float32, k: int, *, among: Ids | None = None) -> tuple[Ids, Float32]:
        query = self._padded(self.checked_query(query))
        with self._lock:
            places, mask = None, self._places.alive if self._places.dead else None
            if among is not None:
                places, mask = self._places.find(np.asarray(among, np.int64))
            k = min(k, len(self) if places is None else len(places))
            if k <= 0:
                return np.empty(0, np.int64), np.empty(0, np.float32)
            if places is not None and len(places) <= FEW:
                scores = self._held.vectors(places) @ query
                best = np.argsort(-scores, kind="stable")[:k]
                return self._places.ids[places[best]], scores[best]
            found, scores = self._held.search(query, k, mask, places)
            return self._places.ids[found], scores

    def optimise(self) -> None:
        """Rebuild the structure, and raise its effort until recall@10 reaches the target."""
        with self._lock:
            kind, size = self._fitting(), len(self)
            if size == 0 or (kind is Flat and type(self._held) is Flat):
                return
            flat, alive = self._held, np.flatnonzero(self._places.alive)
            if type(flat) is not Flat:
                flat = copied(self._held, alive, Flat.empty(self._width))
            elif self._places.dead:
                flat.compact(self._places.alive)
            order = np.random.default_rng(0).permutation(size)
            held_out, rest = np.split(order, [min(QUERIES, size // 5)])
            rest.sort()
            faiss.omp_set_num_threads(self.threads)
            made = kind.train(flat.vectors(order[len(held_out) :][:SAMPLE]), size)
            copied(flat, rest, made)
            faiss.omp_set_num_threads(1)
            self._recall = tune(made, flat, held_out, self.target_recall)
            self._made = copied(flat, held_out, made)
            self._places = Places(self._places.ids[alive][np.concatenate([rest, held_out])])

    def _fitting(self) -> type[Structure]:
        """Return the configured structure, for "auto" the one for the present number of vectors."""
        if self.structure != "auto":
            return STRUCTURES[self.structure]
        return Flat if len(self) <= self.flat_up_to else InvertedLists

    def describe(self) -> dict[str, Any]:
        with self._lock:
            recall = {} if self._recall is None else {"recall@10": round(self._recall, 4)}
            return self._held.describe() | recall

    def save(self, path: Path) -> None:
        """Write header, ids and removed slots, then FAISS's own data, to one file."""
        with self._lock, path.open("wb") as file:
            held = self._held
            header = {
                "format": FORMAT,
                "dim": self.dim,
                "structure": held.name,
                "effort": held.effort,
                "recall": self._recall,
            }
            write_array(file, np.frombuffer(json.dumps(header).encode(), np.uint8))
            write_array(file, self._places.ids)
            write_array(file, self._places.alive)
            faiss.write_index(held.index, faiss.PyCallbackIOWriter(file.write))

    @classmethod
    def load(cls, path: Path, dim: int, **options: Any) -> Self:
        loaded = cls(dim, **options)
        try:
            with path.open("rb") as file:
                header = json.loads(read_array(file).tobytes())
                if header["format"] != FORMAT:
                    raise ValueError(f"format {header['format']}")
                loaded._places = Places(read_array(file), read_array(file))
                # Through the open file, FAISS reads the vectors right into their final memory.
                index = faiss.read_index(faiss.PyCallbackIOReader(file.read))
        except Exception as error:
            raise IndexFileError(f"{path} cannot be read as a FAISS index") from error
        if header["dim"] != dim:
            raise IndexFileError(f"{path} is not an index of dimension {dim}")
        made = STRUCTURES[header["structure"]]
        loaded._made = made(index, header["effort"], len(loaded._places.ids))
        if index.d == dim and made is Flat:  # written before vectors were padded
            vectors = loaded._made.vectors(np.arange(index.ntotal))
            loaded._made = Flat.empty(loaded._width)
            loaded._made.add(loaded._padded(vectors))
        else:
            loaded._width = index.d
        loaded._recall = header["recall"]
        return loaded


def copied(source: Structure, places: NDArray[np.int64], target: Structure) -> Structure:
    """Add the vectors at ``places`` of ``source`` to ``target``, and return ``target``."""
    for start in range(0, len(places), BATCH):
        target.add(source.vectors(places[start : start + BATCH]))
    return target


def tune(
    approximate: Structure, exact: Structure, held_out: NDArray[np.int64], target: float
) -> float:
    """Raise the effort of ``approximate`` until recall@10 reaches ``target``; return the recall.

    The queries are the vectors at ``held_out`` in ``exact``, which ``approximate`` does not
    contain, because neighbours of its own vectors are easier to find than those of a customer's
    photo. A hit as near as the tenth counts as found, because catalogs contain the same picture
    twice.
    """
    mask = np.ones(exact.index.ntotal, bool)
    mask[held_out] = False
    k = min(10, int(mask.sum()))
    queries = exact.vectors(held_out)
    tenth = np.array([exact.search(query, k, mask, None)[1][-1] for query in queries])
    recall = 1.0
    for _ in approximate.efforts():
        if len(queries):
            found = np.stack([approximate.search(query, k, None, None)[1] for query in queries])
            recall = float((found >= tenth[:, None] - 1e-6).mean())
            if recall >= target:
                break
    return recall
