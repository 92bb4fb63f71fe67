"""Map ids to slots: FAISS identifies a vector by its slot in the order of addition, not by id."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .base import Ids

# Keys from a sequence in a database are close together: a table finds 100,000 of them in 0.2 ms, a
# search among sorted ids in 9 ms. The table may have at most this many entries per key.
SPARSEST = 8


class Places:
    """The id of each index slot.

    New ids are appended; the slot of a removed id is not reused. ``alive`` marks the slots whose id
    is still present.
    """

    def __init__(self, ids: Ids | None = None, alive: NDArray[np.bool_] | None = None):
        self.ids = np.empty(0, np.int64) if ids is None else ids
        self.alive = np.ones(len(self.ids), bool) if alive is None else alive
        self.present = int(self.alive.sum())
        self._known = False
        self._table: NDArray[np.int32] | None = None
        self._sorted = self._at = np.empty(0, np.int64)

    @property
    def dead(self) -> int:
        """Number of slots whose id was removed."""
        return len(self.ids) - self.present

    def find(self, ids: Ids) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return the slots of those ``ids`` that are present, and a mask of them over all slots."""
        mask = np.zeros(len(self.ids), bool)
        if not self.present or not len(ids):
            return np.empty(0, np.int64), mask
        self._learn()
        first, last = self._sorted[0], self._sorted[-1]
        if ids.min() < first or ids.max() > last:
            ids = ids[(ids >= first) & (ids <= last)]
        if self._table is not None:
            places = self._table[ids - first]
            places = places[places >= 0].astype(np.int64)
        else:
            at = np.searchsorted(self._sorted, ids)
            places = self._at[at[self._sorted[at] == ids]]
        mask[places] = True
        # Faster than sorting, because callers seldom repeat an id.
        return (places if np.count_nonzero(mask) == len(places) else np.flatnonzero(mask)), mask

    def append(self, ids: Ids) -> None:
        """Assign the next slots to new ids, none of which may be present."""
        self.ids = np.concatenate([self.ids, ids])
        self.alive = np.concatenate([self.alive, np.ones(len(ids), bool)])
        self.present += len(ids)
        self._known = False

    def kill(self, places: NDArray[np.int64]) -> None:
        """Mark the ids in these slots as removed."""
        self.alive[places] = False
        self.present -= len(places)
        self._known = False

    def _learn(self) -> None:
        """Rebuild the lookup table if slots have changed."""
        if self._known:
            return
        self._at = np.flatnonzero(self.alive)
        ids = self.ids[self._at]
        order = np.argsort(ids, kind="stable")
        self._sorted, self._at = ids[order], self._at[order]
        first, last = int(self._sorted[0]), int(self._sorted[-1])
        self._table = None
        if last - first < SPARSEST * len(ids) + 1000:
            self._table = np.full(last - first + 1, -1, np.int32)
            self._table[self._sorted - first] = self._at
        self._known = True
