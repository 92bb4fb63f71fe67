"""Store queries after their answers, in batches, so that no customer waits for a write.

A query waits in the memory of the process that searched, for ``WRITE_DELAY`` seconds; with Celery a
copy is in Redis meanwhile. Whoever looks for a query that waits finds it, in any process.
"""

from __future__ import annotations

import atexit
import logging
import os
import threading
import time
from contextlib import suppress
from uuid import UUID

import msgspec
import redis
from django.db import DataError, Error, IntegrityError, close_old_connections, connections
from django.db.models import QuerySet
from django.utils.connection import ConnectionDoesNotExist

from .. import conf
from ..exceptions import BackendUnavailable
from ..models import Query
from ..models.primary import atomic, database
from ..redis_client import client, key_of

logger = logging.getLogger(__name__)

# Most queries that may wait, while the database cannot write. More are stored before the answer, or
# the search fails.
MOST_WAITING = 1000
# Seconds until a failed write is repeated, and until a thread without work ends.
RETRY_AFTER, IDLE = 1.0, 10.0
# Seconds between two clean-ups of expired queries, and most rows of figures to delete in one.
CLEANUP_EVERY, CLEANUP_ROWS = 60.0, 1000
# Seconds between two looks for a query that another process may be about to store.
LOOK_AGAIN = 0.02


class QueryLog:
    """The queries of this process that wait to be stored, and the thread that stores them."""

    def __init__(self) -> None:
        self.waiting: dict[UUID, Query] = {}
        self.changed = threading.Condition()
        self.writing = threading.Lock()
        self.thread: threading.Thread | None = None
        self.ending = False
        self.cleaned = -CLEANUP_EVERY

    def put(self, query: Query) -> bool:
        """Let a query wait; return False if too many wait."""
        with self.changed:
            if len(self.waiting) >= MOST_WAITING:
                return False
            self.waiting[query.pk] = query
            if self.thread is None:
                self.thread = threading.Thread(
                    target=self.run, name="visualsearch-query-log", daemon=True
                )
                self.thread.start()
            self.changed.notify()
        return True

    def run(self) -> None:
        """Store what waits, after ``WRITE_DELAY`` seconds each time, until nothing comes."""
        while self.has_work():
            self.pause(conf.get("WRITE_DELAY"))
            if self.ending:
                break
            try:
                close_old_connections()
                self.flush()
                self.clean_up()
            except Exception:
                logger.exception("Queries could not be stored; they are stored later.")
                connections.close_all()
                self.pause(RETRY_AFTER)
        connections.close_all()

    def pause(self, seconds: float) -> None:
        """Let the thread wait for some seconds, or until it has to end."""
        with self.changed:
            self.changed.wait_for(lambda: self.ending, seconds)

    def end(self) -> None:
        """End the thread; what waits is not stored."""
        with self.changed:
            self.ending = True
            self.changed.notify_all()
            thread = self.thread
        if thread is not None:
            thread.join()

    def has_work(self) -> bool:
        """Wait for a query; return False, and forget the thread, if none comes for a while."""
        with self.changed:
            self.changed.wait_for(lambda: self.waiting or self.ending, IDLE)
            if self.waiting and not self.ending:
                return True
            self.thread = None
            return False

    def flush(self) -> None:
        """Store all queries that wait; raise a database error if it cannot write."""
        with self.writing:
            with self.changed:
                rows = list(self.waiting.values())
            if rows:
                insert(rows)
                with self.changed:
                    for row in rows:
                        self.waiting.pop(row.pk, None)
        forget_copies(rows)

    def clean_up(self) -> None:
        """Erase embeddings of expired queries and delete old ones, once a minute at most."""
        now = time.monotonic()
        if now - self.cleaned > CLEANUP_EVERY:
            self.cleaned = now
            Query.forget_expired(CLEANUP_ROWS)


_log = QueryLog()


def start_anew() -> None:
    """Forget the parent's log in a forked child: the parent stores what waits there."""
    global _log
    _log = QueryLog()


def flush() -> None:
    """Store the queries that wait in this process; an error is logged."""
    try:
        _log.flush()
    except (Error, ConnectionDoesNotExist):
        logger.exception("%s queries were not stored.", len(_log.waiting))


def close() -> None:
    """Store what waits when the process ends."""
    _log.end()
    flush()


os.register_at_fork(after_in_child=start_anew)
atexit.register(close)


def store(query: Query) -> None:
    """Store a query soon; in a transaction, or without ``WRITE_DELAY``, now.

    Raises an error of the database if it must be stored now and cannot be.
    """
    connection = connections[database()]
    later = conf.get("WRITE_DELAY") and not connection.in_atomic_block
    if not (later and _log.put(query)):
        query.save(force_insert=True)
        _log.clean_up()


def insert(rows: list[Query]) -> None:
    """Insert rows that may be there already; leave out, after logging it, those that cannot be."""
    try:
        with atomic():
            Query.everywhere.bulk_create(rows, ignore_conflicts=True)
    except (IntegrityError, DataError):
        # Of a storefront or an experiment that was deleted meanwhile.
        if len(rows) == 1:
            logger.exception("The query %s cannot be stored.", rows[0].pk)
            return
        for row in rows:
            insert([row])


def find(query_id: str, rows: QuerySet[Query]) -> Query:
    """Return the query with this id among ``rows``, also if it waits to be stored.

    Raises Query.DoesNotExist, ValueError for a text that is no id, or BackendUnavailable if Redis,
    where the query may wait, does not answer.
    """
    pk = UUID(query_id)
    with suppress(Query.DoesNotExist):
        return rows.get(pk=pk)
    store_awaited(pk)
    # Also if nothing awaited it: it may have been stored between the two looks.
    found: Query = rows.get(pk=pk)
    return found


def store_awaited(pk: UUID) -> None:
    """Store a query that waits in this process or, with Celery, as a copy in Redis.

    Without Celery, wait for another process that may be about to store it. Raises
    BackendUnavailable if Redis does not answer.
    """
    if pk in _log.waiting:
        _log.flush()
    elif conf.get("USE_CELERY"):
        adopt(pk)
    else:
        end = time.monotonic() + 3 * conf.get("WRITE_DELAY")
        while time.monotonic() < end and not Query.objects.filter(pk=pk).exists():
            time.sleep(LOOK_AGAIN)


# --- copies in Redis ---


def copy_of(query_id: str | None) -> tuple[str, bytes] | None:
    """Return key and value of a copy of a query of this process, None if it does not wait."""
    query = _log.waiting.get(UUID(query_id)) if query_id else None
    if query is None:
        return None
    values = {field.attname: getattr(query, field.attname) for field in Query._meta.fields}
    return key_of("query", str(query.pk)), msgspec.msgpack.encode(values)


def adopt(pk: UUID) -> None:
    """Store the query of which there is a copy in Redis, if there is one.

    Raises BackendUnavailable if Redis does not answer: the query may wait there.
    """
    try:
        found = client().get(key_of("query", str(pk)))
    except redis.RedisError as error:
        raise BackendUnavailable from error
    if found is not None:
        row = Query(**msgspec.msgpack.decode(found))  # type: ignore[arg-type]
        insert([row])
        forget_copies([row])


def forget_copies(rows: list[Query]) -> None:
    """Delete the copies of stored queries from Redis; without Redis they expire."""
    if rows and conf.get("USE_CELERY"):
        with suppress(redis.RedisError):
            client().unlink(*(key_of("query", str(row.pk)) for row in rows))
