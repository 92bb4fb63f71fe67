"""A version's index in memory or in a server, with its encoder and fitted transform."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.utils.module_loading import import_string
from numpy.typing import NDArray

from ..batched import MAX_PARAMETERS, batched
from ..catalogs import current_catalog_name
from ..encoders.base import Encoder
from ..indexes.base import FileIndex, Ids, Index, SharedIndex
from ..indexes.catalog_fit import Fit
from ..models import Embedding, IndexVersion

Vectors = NDArray[np.float32]
# Embeddings whose item and image are cached in a process: about 40 MB.
NAMES_KEPT = 200_000


@dataclass
class Known:
    """A cache of rows of an index, as they are at one revision.

    ``vectors``: stored vectors (dim,) of some items, by key; ``counts``: numbers of items or
    groups, by what was counted.
    """

    revision: int = -1
    vectors: dict[str, list[Vectors]] = field(default_factory=dict, repr=False)
    counts: dict[str, int] = field(default_factory=dict)


@dataclass
class LiveIndex:
    """A version's index in memory or in a server, with its encoder.

    ``version``: id of the IndexVersion. ``revision``: the last change of the rows that the index
    contains. ``items``: number of searchable items. ``fit``: the transform of the vectors in the
    index, None for none; callers pass untransformed encoder output to :meth:`add` and
    :meth:`search`. ``catalog``: name of the catalog. ``used``: monotonic time of the last
    use. ``known``: cache of :meth:`names`; ``at_revision``: of :meth:`known_now`.
    """

    index: Index
    version: int
    encoder: Encoder
    revision: int
    items: int = 0
    fit: Fit | None = None
    catalog: str = field(default_factory=current_catalog_name)
    used: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    known: dict[int, tuple[str, str]] = field(default_factory=dict, repr=False)
    at_revision: Known = field(default_factory=Known, repr=False)

    def set_items(self, items: int) -> None:
        """Set the number of searchable items."""
        self.items = items

    def known_now(self) -> Known:
        """Return what has been read since the index last changed."""
        if self.at_revision.revision != self.revision:
            self.at_revision = Known(self.revision)
        return self.at_revision

    def fitted(self, vectors: Vectors) -> Vectors:
        """Apply the index's fitted transform to encoder output (N, dim) or (dim,).

        Returns the vectors unchanged if the index has no fit.
        """
        return vectors if self.fit is None else self.fit.apply(vectors)

    def add(self, ids: Ids, vectors: Vectors) -> None:
        """Transform encoder output (N, dim) and add it to the index under ids (N,)."""
        self.index.add(ids, self.fitted(vectors))

    def search(
        self, vector: Vectors, k: int, *, among: Any | None = None
    ) -> tuple[Ids, NDArray[np.float32]]:
        """Search for encoder output (dim,); see :meth:`Index.search` for the rest."""
        return self.index.search(self.fitted(vector), k, among=among)

    def names(self, ids: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Return (item key, image name) by embedding id, without ids that are not searchable.

        The names are cached for an index in memory: they never change for an id, and it holds only
        searchable rows. An index in a server may lag behind the rows, so its ids are always
        checked.
        """
        known = self.known if isinstance(self.index, FileIndex) else {}
        names = {each: found for each in ids if (found := known.get(each))}
        if len(names) == len(ids):
            return names
        # Of all catalogs: SQLite would read the catalog's rows one by one in place of these.
        rows = Embedding.everywhere.filter(removed=False, error="", left_out=False)
        for some in batched([each for each in ids if each not in names], MAX_PARAMETERS):
            found_now = rows.filter(pk__in=some).values_list("pk", "item", "image")
            names |= {pk: (item, image) for pk, item, image in found_now}
        if len(known) > NAMES_KEPT:
            known.clear()
        known |= names
        return names


def empty_index(version: IndexVersion, encoder: Encoder) -> Index:
    """Return an empty index of the version's class and options, or one connected to its server."""
    kind: type[Index] = import_string(version.backend)
    if issubclass(kind, SharedIndex):
        return kind(encoder.dim, name=server_name(version), **version.options)
    return kind(encoder.dim, **version.options)


def fit_of(version: IndexVersion) -> Fit | None:
    """Return the transform that is applied to a version's vectors, None if it has none."""
    return Fit.from_json(version.fit) if version.fit else None


def is_shared(version: IndexVersion) -> bool:
    """Return whether a version's vectors are in a server, not in a file."""
    return issubclass(import_string(version.backend), SharedIndex)


def server_name(version: IndexVersion) -> str:
    """Return the name of a version's index in its server."""
    return f"visualsearch_{version.pk}"


def drop_from_server(version: IndexVersion) -> None:
    """Delete a version's data from its server, if it is in one.

    Raises BackendUnavailable if the server does not answer.
    """
    if is_shared(version):
        kind = import_string(version.backend)
        kind(1, name=server_name(version), **version.options).drop()
