"""The versions that this process has loaded; load, cache and drop them.

"Rows" are those of :class:`~visualsearch.models.Embedding`; each change of rows has a revision (see
:class:`~visualsearch.models.Revision`).
"""

from __future__ import annotations

import logging
import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future
from contextvars import copy_context
from typing import Any

from django.db import connections
from django.utils.module_loading import import_string

from ..encoders.base import Encoder
from ..encoders.preprocess import InputSpec
from ..exceptions import BackendUnavailable, IndexNotReady
from ..indexes.base import SharedIndex
from ..models import IndexVersion, Revision, running_experiment
from ..models.primary import database
from .current_state import read_current_state
from .live_index import LiveIndex, is_shared
from .replay import catch_up, load_index

logger = logging.getLogger(__name__)
State = IndexVersion.State
# Seconds without a search after which a version is dropped from memory.
IDLE_SECONDS = 30.0
# Seconds that a search waits for a version to load before it uses the one in memory.
LOAD_WAIT = 0.5
# Seconds before a failed load is tried again.
RETRY_AFTER = 10.0
_lock = threading.Lock()  # guards the three below
_live: dict[int, LiveIndex] = {}  # in order of use
_arriving: dict[int, Future[LiveIndex]] = {}
_failed: dict[int, float] = {}
_loading = threading.Lock()
# Functions that unload what other rooms keep of the database.
also_unload: list[Callable[[], object]] = []
# The transaction of the test that the loaded indexes belong to, None outside tests.
_test: Any = None


def current(version: int | None = None, *, wait: bool = True) -> LiveIndex:
    """Return the index of the active version, or of ``version``, with all committed changes.

    With a ``version`` and ``wait``, the call waits until that version is loaded. Otherwise a
    version that is not in memory yet is loaded in the background, and until then the call returns
    the index used last, which is of another version; it waits only if no index is in memory or the
    version's index is in a server. Raises ModelUnavailable if the model cannot be loaded,
    IndexNotReady if nothing was ever indexed, or if the version is deleted, unfinished or failed.
    """
    unload_what_was_rolled_back()
    state = read_current_state(version)
    live = in_memory(state.version)
    if live is None:
        row = IndexVersion.objects.filter(pk=state.version).first()
        if row is None:  # deleted since the query above
            raise IndexNotReady
        live = (None if version and wait else last_used_while_loading(row)) or load_once(row)
    with live.lock:
        if isinstance(live.index, SharedIndex):
            live.revision, live.items = state.revision, state.items
        if live.revision < state.newest:
            catch_up(live, state.newest)
    return live


def unload_what_was_rolled_back() -> None:
    """Unload all indexes when another test of a ``django.test.TestCase`` begins.

    Django rolls back what each test wrote, so rows and revisions of the next one may have the same
    numbers and other content. Outside tests this does nothing.
    """
    global _test
    blocks = connections[database()].atomic_blocks
    test = next((each for each in reversed(blocks) if getattr(each, "_from_testcase", 0)), None)
    if test is not _test:
        unload_all()
        _test = test


def in_memory(version: int) -> LiveIndex | None:
    """Return the index of a version by its id, None if this process has not loaded it.

    Versions that were not used for :data:`IDLE_SECONDS` seconds are dropped from memory.
    """
    with _lock:
        live = _live.get(version)
        if live is not None:
            mark_used(live)
        return live


def has_failed(version: int) -> bool:
    """Return whether loading a version failed within the last :data:`RETRY_AFTER` seconds."""
    with _lock:
        return time.monotonic() < _failed.get(version, 0)


def common_input_spec() -> InputSpec | None:
    """Return the input format of the loaded models; None if they differ or none is loaded."""
    with _lock:
        inputs = [live.encoder.input for live in _live.values()]
    return inputs[0] if inputs and all(each == inputs[0] for each in inputs) else None


def mark_used(live: LiveIndex) -> None:
    """Mark an index as just used, and drop idle ones from memory; the caller holds ``_lock``.

    The version that a running experiment tests stays: it has few visitors at first, and none should
    wait for it to load.
    """
    live.used = time.monotonic()
    _live.pop(live.version, None)
    _live[live.version] = live
    tested = {each.version_id for each in running_experiment.cached_experiments()}
    for idle in [one for one in _live.values() if one.used < live.used - IDLE_SECONDS]:
        if idle.version not in tested:
            del _live[idle.version]


def load_once(row: IndexVersion) -> LiveIndex:
    """Load and return a version; threads that need it at the same time wait for one load."""
    with _loading:
        live = in_memory(row.pk) or load_index(row)
        with _lock:
            mark_used(live)
        return live


def last_used_while_loading(row: IndexVersion) -> LiveIndex | None:
    """Load a version in the background; return the index used last until the new one is ready.

    Returns the new index once it is loaded. Returns None if no index of its catalog is in memory,
    or if the new one is in a server and needs no loading. A failed load is logged and repeated
    after :data:`RETRY_AFTER` seconds.
    """
    with _lock:
        at_hand = next(
            (one for one in reversed(_live.values()) if one.catalog == row.catalog), None
        )
        if at_hand is None or is_shared(row):
            return None
        arriving = _arriving.get(row.pk)
        new = arriving is None and time.monotonic() >= _failed.get(row.pk, 0)
        if new:
            arriving = _arriving[row.pk] = load_in_background(row)
    if arriving is None or not (new or arriving.done()):
        return at_hand
    try:
        live = arriving.result(LOAD_WAIT)
    except TimeoutError:
        return at_hand
    except Exception:
        logger.exception(
            "Index version %s cannot be loaded. Searches use version %s until it can.",
            row.pk,
            at_hand.version,
        )
        live = at_hand
    with _lock:
        _arriving.pop(row.pk, None)
        if live is at_hand:
            _failed[row.pk] = time.monotonic() + RETRY_AFTER
        mark_used(live)
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


def load_in_background(row: IndexVersion) -> Future[LiveIndex]:
    """Load a version in a new thread; return the future of the index."""
    future: Future[LiveIndex] = Future()
    context = copy_context()  # a new thread would not know the catalog

    def work() -> None:
        try:
            future.set_result(context.run(load_index, row))
        except BaseException as error:
            future.set_exception(error)
        finally:
            connections.close_all()

    threading.Thread(target=work, name="visualsearch-load", daemon=True).start()
    return future


def unload_all() -> None:
    """Drop the indexes of this process; the next search loads what it needs."""
    with _lock:
        _live.clear()
        _arriving.clear()
        _failed.clear()
    for unload in also_unload:
        unload()


def unload_in_child() -> None:
    """Replace locks and drop indexes in a forked child.

    FAISS hangs there if the parent has searched, and a copied lock may never be released.
    """
    global _lock, _loading
    _lock, _loading = threading.Lock(), threading.Lock()
    unload_all()


os.register_at_fork(after_in_child=unload_in_child)


def push_changes(encoder: Encoder, *, transactional: bool) -> None:
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
                catch_up(in_memory(version.pk) or load_once(version), Revision.current())
            except BackendUnavailable:
                if transactional:
                    raise
                logger.exception(
                    "Index version %s was not updated in its server; the next search updates it.",
                    version.pk,
                )
