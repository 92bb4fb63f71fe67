"""The index that this process searches: a snapshot, kept up with the rows."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from django.db.models import Subquery
from django.utils.module_loading import import_string
from numpy.typing import NDArray

from . import conf, index_files
from .encoders.base import Encoder
from .exceptions import IndexFileError, IndexNotReady
from .indexes.base import FileIndex
from .models import Embedding, IndexVersion, Revision

logger = logging.getLogger(__name__)

REPLAY_BATCH = 5000


@dataclass
class LiveIndex:
    """An index in memory and how far it has followed the rows."""

    index: FileIndex
    version: int
    encoder: str
    revision: int
    items: int = 0


_lock = threading.Lock()
_live: LiveIndex | None = None


def current(encoder: Encoder) -> LiveIndex:
    """The active version for this encoder, with every change committed until now.

    Raises IndexNotReady when nothing was ever indexed with this encoder.
    """
    global _live
    active = active_version(encoder.id)
    if active is None:
        raise IndexNotReady
    version, revision = active
    with _lock:
        if not answers_for(version):
            # Ask again: while this thread waited, another may have followed a later activation.
            version, revision = active_version(encoder.id) or active
        if _live is None or not answers_for(version):
            _live = load(version, encoder)
        if _live.revision < revision:
            replay(_live, revision)
        return _live


def answers_for(version: IndexVersion) -> bool:
    """Whether this process has that version in memory; the caller holds the lock."""
    return _live is not None and _live.version == version.pk


def forget() -> None:
    """Drop the index of this process; the next search loads it again."""
    global _live
    with _lock:
        _live = None


def active_version(encoder_id: str) -> tuple[IndexVersion, int] | None:
    """The active version and the newest revision, in one query."""
    newest = Revision.objects.filter(pk=1).values("value")
    version = (
        IndexVersion.objects.filter(encoder=encoder_id, state=IndexVersion.State.ACTIVE)
        .annotate(newest=Subquery(newest))
        .first()
    )
    return None if version is None else (version, version.newest or 0)


def load(version: IndexVersion, encoder: Encoder) -> LiveIndex:
    """Read a version's file, or start empty when it is lost or damaged: the rows have it all."""
    kind: type[FileIndex] = import_string(version.backend)
    options = conf.get("INDEX_OPTIONS")
    live = LiveIndex(
        index=kind(encoder.dim, **options), version=version.pk, encoder=encoder.id, revision=0
    )
    if version.file:
        try:
            live.index = index_files.read(version, kind, encoder.dim, options)
            live.revision, live.items = version.revision, version.items
        except IndexFileError as error:
            logger.warning("index version %s is rebuilt from rows: %s", version.pk, error)
    return live


def replay(live: LiveIndex, revision: int) -> None:
    """Apply the changes after ``live.revision``; those after ``revision`` may be applied twice."""
    for ids, vectors, gone in changes(live.encoder, live.index.dim, live.revision):
        if len(gone):
            live.index.remove(gone)
        if len(ids):
            live.index.add(ids, vectors)
    live.revision = revision
    live.items = count_items(live.encoder)


def count_items(encoder: str) -> int:
    """Items that a search can find."""
    searchable = Embedding.objects.filter(encoder=encoder).searchable()
    return searchable.values("item").distinct().count()


def changes(
    encoder: str, dim: int, since: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int64]]]:
    """Ids and vectors to add, and ids to remove, in batches."""
    rows = Embedding.objects.filter(encoder=encoder, revision__gt=since).order_by("pk")
    if since == 0:
        rows = rows.searchable()
    last = 0
    while batch := list(
        rows.filter(pk__gt=last).values_list("pk", "vector", "removed", "error")[:REPLAY_BATCH]
    ):
        last = batch[-1][0]
        present = [
            (pk, vector) for pk, vector, removed, error in batch if not removed and not error
        ]
        ids = np.array([pk for pk, _ in present], np.int64)
        stored = b"".join(bytes(vector) for _, vector in present)
        vectors = np.frombuffer(stored, "<f2").astype(np.float32).reshape(-1, dim)
        gone = np.array([pk for pk, _, removed, error in batch if removed or error], np.int64)
        yield ids, vectors, gone
