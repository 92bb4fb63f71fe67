"""Load or rebuild an index, and replay changes of the stored embeddings on it."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..encoders.base import Encoder
from ..exceptions import IndexFileError
from ..indexes.base import FileIndex, SharedIndex
from ..models import Embedding, IndexVersion, Revision
from ..models.primary import atomic
from . import index_files, item_counts, version_encoders
from .live_index import LiveIndex, empty_index, fit_of

logger = logging.getLogger(__name__)
REPLAY_BATCH = 5000
# The fields that are read: key, vector, and the reasons not to have it in an index.
REPLAYED = ("pk", "vector", "removed", "error", "left_out")


def load_index(version: IndexVersion) -> LiveIndex:
    """Load a version from its file or server; if lost or damaged, rebuild it from the database.

    Raises ModelUnavailable if its encoder cannot be loaded, BackendUnavailable if its server does
    not answer.
    """
    encoder = version_encoders.encoder_of(version)
    index = empty_index(version, encoder)
    if isinstance(index, FileIndex):
        if not version.file:
            return build_from_rows(version)
        try:
            index = index_files.read(version, type(index), encoder.dim, version.options)
        except IndexFileError as error:
            with index_files.rebuilding():
                return load_copy(version, encoder, index) or rebuild_copy(version, error)
    elif isinstance(index, SharedIndex) and not index.exists():
        logger.warning(
            "Index version %s is missing from its server; it is rebuilt from the stored"
            " embeddings.",
            version.pk,
        )
        return rebuild_in_server(version)
    return LiveIndex(
        index, version.pk, encoder, version.revision, version.items, fit=fit_of(version)
    )


def load_copy(version: IndexVersion, encoder: Encoder, empty: FileIndex) -> LiveIndex | None:
    """Load a version from the file that this machine has rebuilt; return None without one.

    ``empty``: an empty index of the version.
    """
    found = index_files.read_copy(version, type(empty), encoder.dim, version.options)
    if found is None:
        return None
    items = item_counts.searchable_items(encoder.id, version.items)
    return LiveIndex(found[0], version.pk, encoder, found[1], items, fit=fit_of(version))


def rebuild_copy(version: IndexVersion, reason: IndexFileError) -> LiveIndex:
    """Rebuild a version from the stored embeddings, and save it for this machine's processes.

    The machine that built the version may be another one, or its file is lost or damaged.
    """
    logger.warning("Index version %s is rebuilt from the stored embeddings: %s", version.pk, reason)
    live = build_from_rows(version)
    live.index.optimise()
    if isinstance(live.index, FileIndex):
        try:
            index_files.write_copy(live.index, version, live.revision)
        except OSError as error:
            logger.warning("The rebuilt index version %s is not saved: %s", version.pk, error)
    return live


def build_from_rows(version: IndexVersion) -> LiveIndex:
    """Build and return a version's index from the stored embeddings, ignoring its file.

    The file is neither read nor written. An index in a server is dropped and created anew.
    """
    encoder = version_encoders.encoder_of(version)
    index = empty_index(version, encoder)
    if isinstance(index, SharedIndex):
        index.create()
    live = LiveIndex(index, version.pk, encoder, revision=0, fit=fit_of(version))
    # Read the revision first: rows written meanwhile are replayed later.
    replay(live, Revision.current())
    return live


def rebuild_in_server(version: IndexVersion) -> LiveIndex:
    """Rebuild a version's index in its server, unless another process has just done so.

    The version's row is locked meanwhile. Returns the index.
    """
    with atomic():
        row = IndexVersion.objects.select_for_update().get(pk=version.pk)
        encoder = version_encoders.encoder_of(row)
        index = empty_index(row, encoder)
        if isinstance(index, SharedIndex) and index.exists():
            return LiveIndex(index, row.pk, encoder, row.revision, row.items, fit=fit_of(row))
        live = build_from_rows(row)
        row.revision, row.items = live.revision, live.items
        row.save(update_fields=["revision", "items"])
        return live


def catch_up(live: LiveIndex, newest: int) -> None:
    """Bring the index up to revision ``newest`` by applying the embedding changes that it lacks.

    If the index is on a server, lock the version's row, so that one process at a time updates it.
    """
    if isinstance(live.index, SharedIndex):
        with atomic():
            row = IndexVersion.objects.select_for_update().get(pk=live.version)
            live.revision = row.revision
            if live.revision < newest:
                replay(live, newest)
                row.revision, row.items = live.revision, live.items
                row.save(update_fields=["revision", "items"])
    else:
        replay(live, newest)


def replay(live: LiveIndex, revision: int) -> None:
    """Apply the changes of embeddings up to ``revision`` to an index, and set its revision.

    Only changes after ``live.revision`` are read. Changes after ``revision`` may be applied too,
    and again by a later call, which does no harm.
    """
    encoder = live.encoder
    for ids, vectors, gone in changed_embeddings(encoder.id, encoder.dim, live.revision):
        if len(gone):
            live.index.remove(gone)
        if len(ids):
            live.add(ids, vectors)
    live.revision = revision
    item_counts.searchable_items(encoder.id, live.items, live.set_items)


def changed_embeddings(
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
    while batch := list(rows.filter(pk__gt=last).values_list(*REPLAYED)[:REPLAY_BATCH]):
        last = batch[-1][0]
        present: list[Any] = [(pk, vector) for pk, vector, *reasons in batch if not any(reasons)]
        ids = np.array([pk for pk, _ in present], np.int64)
        stored = b"".join(bytes(vector) for _, vector in present)
        vectors = np.frombuffer(stored, "<f2").astype(np.float32).reshape(-1, dim)
        gone = np.array([pk for pk, _, *reasons in batch if any(reasons)], np.int64)
        yield ids, vectors, gone
