"""The indexes that this process searches: loaded from files, then updated from the database.

"Rows" are those of :class:`~visualsearch.models.Embedding`; each change of rows has a revision (see
:class:`~visualsearch.models.Revision`).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from django.db import connections, transaction
from django.utils.module_loading import import_string
from numpy.typing import NDArray

from . import callers, encoding, index_files
from .batches import batched
from .catalogs import MAX_PARAMETERS
from .encoders.base import Encoder
from .encoders.preprocess import InputSpec
from .exceptions import BackendUnavailable, IndexFileError, IndexNotReady
from .indexes.base import FileIndex, Ids, Index, SharedIndex
from .indexes.fitting import Fit
from .models import Embedding, IndexVersion, Revision
from .wanted import wanted

logger = logging.getLogger(__name__)

State = IndexVersion.State
Vectors = NDArray[np.float32]

REPLAY_BATCH = 5000

# Catalogs up to this size are counted after each change, larger ones at most this often (seconds).
COUNTED_ALWAYS, COUNT_AGAIN = 10_000, 10.0

# Embeddings whose item and image are cached in a process: about 40 MB.
NAMES_KEPT = 200_000

# Seconds without a search after which a version is dropped from memory.
IDLE = 30.0
# Seconds that a search waits for a version to load before it uses the one in memory.
PATIENCE = 0.5
# Seconds before a failed load is tried again.
PAUSE = 10.0


@dataclass
class LiveIndex:
    """A version's index in memory or in a server, with its encoder.

    ``version``: id of the IndexVersion. ``revision``: the last change of the rows that the index
    contains. ``items``: number of searchable items. ``fit``: the transform of the vectors in the
    index, None for none; callers pass untransformed encoder output to :meth:`add` and
    :meth:`search`. ``used``: monotonic time of the last use; ``counted``: of the last count of
    ``items``. ``known``: cache of :meth:`names`.
    """

    index: Index
    version: int
    encoder: Encoder
    revision: int
    items: int = 0
    fit: Fit | None = None
    counted: float = 0.0
    used: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock, repr=False)
    known: dict[int, tuple[str, str]] = field(default_factory=dict, repr=False)

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
        rows = Embedding.objects.searchable()
        for some in batched([each for each in ids if each not in names], MAX_PARAMETERS):
            found_now = rows.filter(pk__in=some).values_list("pk", "item", "image")
            names |= {pk: (item, image) for pk, item, image in found_now}
        if len(known) > NAMES_KEPT:
            known.clear()
        known |= names
        return names


_lock = threading.Lock()  # guards the three below
_live: dict[int, LiveIndex] = {}  # in order of use
_arriving: dict[int, Future[LiveIndex]] = {}
_failed: dict[int, float] = {}

_loading = threading.Lock()


def current(version: int | None = None, *, wait: bool = True) -> LiveIndex:
    """Return the index of the active version, or of ``version``, with all committed changes.

    With a ``version`` and ``wait``, the call waits until that version is loaded. Otherwise a
    version that is not in memory yet is loaded in the background, and until then the call returns
    the index used last, which is of another version; it waits only if no index is in memory or the
    version's index is in a server. Raises ModelUnavailable if the model cannot be loaded,
    IndexNotReady if nothing was ever indexed, or if the version is deleted, unfinished or failed.
    """
    state = wanted(version)
    live = held(state.version)
    if live is None:
        row = IndexVersion.objects.filter(pk=state.version).first()
        if row is None:  # deleted since the query above
            raise IndexNotReady
        live = (None if version and wait else meanwhile(row)) or load_once(row)
    with live.lock:
        if isinstance(live.index, SharedIndex):
            live.revision, live.items = state.revision, state.items
        if live.revision < state.newest:
            follow(live, state.newest)
    return live


def held(version: int) -> LiveIndex | None:
    """Return the index of a version by its id, None if this process has not loaded it.

    Versions that were not used for :data:`IDLE` seconds are dropped from memory.
    """
    with _lock:
        live = _live.get(version)
        if live is not None:
            keep(live)
        return live


def has_failed(version: int) -> bool:
    """Return whether loading a version failed within the last :data:`PAUSE` seconds."""
    with _lock:
        return time.monotonic() < _failed.get(version, 0)


def common_input() -> InputSpec | None:
    """Return the input format of the loaded models; None if they differ or none is loaded."""
    with _lock:
        inputs = [live.encoder.input for live in _live.values()]
    return inputs[0] if inputs and all(each == inputs[0] for each in inputs) else None


def keep(live: LiveIndex) -> None:
    """Mark an index as just used, and drop idle ones from memory; the caller holds ``_lock``.

    The version that a running experiment tests stays: it has few visitors at first, and none should
    wait for it to load.
    """
    live.used = time.monotonic()
    _live.pop(live.version, None)
    _live[live.version] = live
    experiment = callers.known()
    stays = experiment.version_id if experiment else None
    for idle in [one for one in _live.values() if one.used < live.used - IDLE]:
        if idle.version != stays:
            del _live[idle.version]


def load_once(row: IndexVersion) -> LiveIndex:
    """Load and return a version; threads that need it at the same time wait for one load."""
    with _loading:
        live = held(row.pk) or load(row)
        with _lock:
            keep(live)
        return live


def meanwhile(row: IndexVersion) -> LiveIndex | None:
    """Load a version in the background; return the index used last until the new one is ready.

    Returns the new index once it is loaded. Returns None if no index is in memory, or if the new
    one is in a server and needs no loading. A failed load is logged and repeated after
    :data:`PAUSE` seconds.
    """
    with _lock:
        at_hand = next(reversed(_live.values()), None)
        if at_hand is None or is_shared(row):
            return None
        arriving = _arriving.get(row.pk)
        new = arriving is None and time.monotonic() >= _failed.get(row.pk, 0)
        if new:
            arriving = _arriving[row.pk] = in_background(row)
    if arriving is None or not (new or arriving.done()):
        return at_hand
    try:
        live = arriving.result(PATIENCE)
    except TimeoutError:
        return at_hand
    except Exception:
        logger.exception("index version %s cannot be loaded; the last one goes on", row.pk)
        live = at_hand
    with _lock:
        _arriving.pop(row.pk, None)
        if live is at_hand:
            _failed[row.pk] = time.monotonic() + PAUSE
        keep(live)
    return live


def for_encoder(encoder: str) -> LiveIndex:
    """Return the active version's index if it has this encoder, else that of a retired version.

    ``encoder``: id of the encoder. Of several retired versions with it, the latest is used. Raises
    IndexNotReady if there is none, ModelUnavailable if the model cannot be loaded.
    """
    versions = IndexVersion.objects.filter(encoder=encoder, state__in=(State.ACTIVE, State.RETIRED))
    newest = versions.order_by("state", "-activated").first()
    if newest is None:
        raise IndexNotReady
    return current(None if newest.state == State.ACTIVE else newest.pk)


def in_background(row: IndexVersion) -> Future[LiveIndex]:
    """Load a version in a new thread; return the future of the index."""
    future: Future[LiveIndex] = Future()

    def work() -> None:
        try:
            future.set_result(load(row))
        except BaseException as error:
            future.set_exception(error)
        finally:
            connections.close_all()

    threading.Thread(target=work, name="visualsearch-load", daemon=True).start()
    return future


def forget() -> None:
    """Drop the indexes of this process; the next search loads what it needs."""
    with _lock:
        _live.clear()
        _arriving.clear()
        _failed.clear()


def forget_in_child() -> None:
    """Replace locks and drop indexes in a forked child.

    FAISS hangs there if the parent has searched, and a copied lock may never be released.
    """
    global _lock, _loading
    _lock, _loading = threading.Lock(), threading.Lock()
    forget()


os.register_at_fork(after_in_child=forget_in_child)


def make(version: IndexVersion, encoder: Encoder) -> Index:
    """Return an empty index of the version's class and options, or one connected to its server."""
    kind: type[Index] = import_string(version.backend)
    if issubclass(kind, SharedIndex):
        return kind(encoder.dim, name=name_of(version), **version.options)
    return kind(encoder.dim, **version.options)


def fit_of(version: IndexVersion) -> Fit | None:
    """Return the transform that is applied to a version's vectors, None if it has none."""
    return Fit.from_json(version.fit) if version.fit else None


def is_shared(version: IndexVersion) -> bool:
    """Return whether a version's vectors are in a server, not in a file."""
    return issubclass(import_string(version.backend), SharedIndex)


def name_of(version: IndexVersion) -> str:
    """Return the name of a version's index in its server."""
    return f"visualsearch_{version.pk}"


def load(version: IndexVersion) -> LiveIndex:
    """Load a version from its file or server; if lost or damaged, rebuild it from the database.

    Raises ModelUnavailable if its encoder cannot be loaded, BackendUnavailable if its server does
    not answer.
    """
    encoder = encoding.of(version)
    index = make(version, encoder)
    if isinstance(index, FileIndex):
        if not version.file:
            return from_rows(version)
        try:
            index = index_files.read(version, type(index), encoder.dim, version.options)
        except IndexFileError as error:
            logger.warning("index version %s is rebuilt from rows: %s", version.pk, error)
            return from_rows(version)
    elif isinstance(index, SharedIndex) and not index.exists():
        logger.warning("index version %s is gone from its server; rebuilt from rows", version.pk)
        return restore(version)
    return LiveIndex(
        index, version.pk, encoder, version.revision, version.items, fit=fit_of(version)
    )


def from_rows(version: IndexVersion) -> LiveIndex:
    """Build and return a version's index from the stored embeddings, ignoring its file.

    The file is neither read nor written. An index in a server is dropped and created anew.
    """
    encoder = encoding.of(version)
    index = make(version, encoder)
    if isinstance(index, SharedIndex):
        index.create()
    live = LiveIndex(index, version.pk, encoder, revision=0, fit=fit_of(version))
    # Read the revision first: rows written meanwhile are replayed later.
    replay(live, Revision.current())
    return live


def restore(version: IndexVersion) -> LiveIndex:
    """Rebuild a version's index in its server, unless another process has just done so.

    The version's row is locked meanwhile. Returns the index.
    """
    with transaction.atomic():
        row = IndexVersion.objects.select_for_update().get(pk=version.pk)
        encoder = encoding.of(row)
        index = make(row, encoder)
        if isinstance(index, SharedIndex) and index.exists():
            return LiveIndex(index, row.pk, encoder, row.revision, row.items, fit=fit_of(row))
        live = from_rows(row)
        row.revision, row.items = live.revision, live.items
        row.save(update_fields=["revision", "items"])
        return live


def follow(live: LiveIndex, newest: int) -> None:
    """Bring the index up to revision ``newest`` by applying the embedding changes that it lacks.

    If the index is on a server, lock the version's row, so that one process at a time updates it.
    """
    if isinstance(live.index, SharedIndex):
        with transaction.atomic():
            row = IndexVersion.objects.select_for_update().get(pk=live.version)
            live.revision = row.revision
            if live.revision < newest:
                replay(live, newest)
                row.revision, row.items = live.revision, live.items
                row.save(update_fields=["revision", "items"])
    else:
        replay(live, newest)


def push(encoder: Encoder, *, transactional: bool) -> None:
    """Apply changes of embeddings to the encoder's indexes in servers, so that no search has to.

    ``transactional``: True selects the indexes that are written in the same transaction as the
    rows, False all others. If a server does not answer, raises BackendUnavailable for a
    transactional index, and logs the error for others.
    """
    for version in IndexVersion.objects.filter(
        encoder=encoder.id, state__in=(State.ACTIVE, State.READY, State.RETIRED)
    ):
        if is_shared(version) and import_string(version.backend).transactional == transactional:
            try:
                follow(held(version.pk) or load_once(version), Revision.current())
            except BackendUnavailable:
                if transactional:
                    raise
                logger.exception("index version %s is brought up to date later", version.pk)


def discard(version: IndexVersion) -> None:
    """Delete a version's data from its server, if it is in one.

    Raises BackendUnavailable if the server does not answer.
    """
    if is_shared(version):
        kind = import_string(version.backend)
        kind(1, name=name_of(version), **version.options).drop()


def replay(live: LiveIndex, revision: int) -> None:
    """Apply the changes of embeddings up to ``revision`` to an index, and set its revision.

    Only changes after ``live.revision`` are read. Changes after ``revision`` may be applied too,
    and again by a later call, which does no harm.
    """
    encoder = live.encoder
    for ids, vectors, gone in changes(encoder.id, encoder.dim, live.revision):
        if len(gone):
            live.index.remove(gone)
        if len(ids):
            live.add(ids, vectors)
    live.revision = revision
    # In a large catalog, counting takes longer than applying a change.
    if live.items < COUNTED_ALWAYS or live.counted < time.monotonic() - COUNT_AGAIN:
        live.items, live.counted = count_items(encoder.id), time.monotonic()


def count_items(encoder: str) -> int:
    """Return the number of items with a searchable embedding of this encoder."""
    searchable = Embedding.objects.filter(encoder=encoder).searchable()
    return searchable.values("item").distinct().count()


def changes(
    encoder: str, dim: int, since: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]]:
    """Yield changes of embeddings since a revision in batches: ``(ids, vectors, gone)``.

    ``ids`` (N,) and ``vectors`` (N, dim) are to be added, the ids ``gone`` (M,) to be removed.
    ``encoder``: id of the encoder; ``dim``: its number of dimensions. ``since`` 0 yields all
    searchable embeddings.
    """
    rows = Embedding.objects.filter(encoder=encoder, revision__gt=since).order_by("pk")
    if since == 0:
        rows = rows.searchable()
    last = 0
    while batch := list(
        rows.filter(pk__gt=last).values_list("pk", "vector", "removed", "error")[:REPLAY_BATCH]
    ):
        last = batch[-1][0]
        present: list[Any] = [
            (pk, vector) for pk, vector, gone, error in batch if not (gone or error)
        ]
        ids = np.array([pk for pk, _ in present], np.int64)
        stored = b"".join(bytes(vector) for _, vector in present)
        vectors = np.frombuffer(stored, "<f2").astype(np.float32).reshape(-1, dim)
        gone = np.array([pk for pk, _, removed, error in batch if removed or error], np.int64)
        yield ids, vectors, gone
