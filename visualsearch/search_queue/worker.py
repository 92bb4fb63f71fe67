"""Run the fast lane's jobs in a Celery worker with the queue ``visualsearch.search``.

The worker loads model and index, then runs one search thread per concurrent task
(``--concurrency``), which takes jobs from :mod:`visualsearch.search_queue.redis_queue`. With the
pool ``prefork``, each child process has one such thread. Importing :mod:`visualsearch.tasks`
connects this module to Celery's signals.
"""

from __future__ import annotations

import gc
import logging
import os
import threading
from contextvars import copy_context
from socket import gethostname
from typing import Any

import redis
from celery import Celery, current_app
from celery.signals import (
    worker_init,
    worker_process_init,
    worker_ready,
    worker_shutdown,
    worker_shutting_down,
)
from django.db import DatabaseError, connections

from .. import redis_client
from ..catalogs import catalog_names, using_catalog
from ..exceptions import VisualSearchError
from ..search import by_photo, query_log
from ..serving import loaded_versions, processor_check
from . import jobs, redis_queue
from .heartbeat import Heartbeat
from .tasks import QUEUE

logger = logging.getLogger(__name__)

# Seconds before a worker tries Redis again.
RETRY_DELAY = 0.5


class Searcher:
    """Search threads that run jobs, and a thread that sends heartbeats, until :meth:`stop`.

    ``name`` identifies the worker in its heartbeats; ``threads``: number of search threads.
    """

    def __init__(self, name: str, threads: int):
        self.name = name
        self.stopped = threading.Event()
        self.heartbeat = Heartbeat(name, loaded_versions.common_input_spec)
        self.threads = [
            threading.Thread(target=self.work, name=f"visualsearch-search-{n}", daemon=True)
            for n in range(threads)
        ]

    def start(self) -> None:
        """Start the search threads and the heartbeat thread."""
        for thread in (self.heartbeat, *self.threads):
            thread.start()

    def stop(self) -> None:
        """Stop taking jobs and sending heartbeats; running jobs go on, see :meth:`join`."""
        self.heartbeat.stop()
        self.stopped.set()

    def join(self, seconds: float) -> None:
        """Wait for running jobs, at most ``seconds`` for each thread."""
        for thread in self.threads:
            thread.join(seconds)

    def work(self) -> None:
        """Take and run jobs until :meth:`stop`; the target of each search thread."""
        try:
            while not self.stopped.is_set():
                try:
                    name = redis_queue.next_job()
                    if name is not None:
                        # A context of its own, so that context variables end with the job.
                        copy_context().run(jobs.run, name, self.name)
                except redis.RedisError:
                    self.stopped.wait(RETRY_DELAY)  # the heartbeat thread logs it
                except Exception:
                    logger.exception("Dropped an entry of the search queue that is not a job.")
        finally:
            connections.close_all()


_searchers: list[Searcher] = []


def consumes_searches(app: Celery) -> bool:
    """Return whether this process's Celery worker consumes the search queue."""
    return QUEUE in app.amqp.queues.consume_from


def forks_children(pool: Any) -> bool:
    """Return whether a Celery pool (its name or class) forks child processes."""
    return "prefork" in (pool if isinstance(pool, str) else pool.__module__)


@worker_init.connect
def load_before_threads(sender: Any, **kwargs: object) -> None:
    """Load model and index before the worker connects to its queues, unless its pool forks."""
    if consumes_searches(sender.app) and not forks_children(sender.pool_cls):
        load_model_and_index()


@worker_ready.connect
def search_in_threads(sender: Any, **kwargs: object) -> None:
    """Start the search threads when the worker is ready, unless its pool forks."""
    worker = sender.controller
    if consumes_searches(sender.app) and not forks_children(worker.pool_cls):
        start_searcher(worker.hostname, worker.concurrency)


@worker_process_init.connect
def search_in_child(**kwargs: object) -> None:
    """Load model and index and start a search thread in each forked child.

    Neither an ONNX session nor an index survives a fork.
    """
    if consumes_searches(current_app):
        load_model_and_index()
        start_searcher(f"{os.getpid()}@{gethostname()}", 1)


def load_model_and_index() -> None:
    """Load model and indexes, run first searches, and check the encoder's reference embeddings.

    See :func:`visualsearch.serving.processor_check.check_this_processor`. A failure is logged, and
    the first jobs try to load again. All loaded objects are frozen, so that the garbage collector
    skips them.
    """
    for name in catalog_names():
        try:
            with using_catalog(name):
                by_photo.warm_up()
                processor_check.check_this_processor(loaded_versions.current().encoder)
        except (VisualSearchError, DatabaseError) as error:
            logger.warning(
                "This worker cannot search yet and tries again at the next job: %s", error
            )
    connections.close_all()
    gc.collect()
    gc.freeze()


def start_searcher(worker: str, threads: int) -> None:
    """Start ``threads`` search threads in this process, for the worker of this name."""
    searcher = Searcher(worker, threads)
    _searchers.append(searcher)
    searcher.start()


@worker_shutting_down.connect
def stop_searchers(**kwargs: object) -> None:
    """Stop taking jobs when Celery's worker begins to shut down."""
    for searcher in _searchers:
        searcher.stop()


@worker_shutdown.connect
def join_searchers(**kwargs: object) -> None:
    """Wait for running jobs before the worker process ends, so that clients get an answer."""
    while _searchers:
        _searchers.pop().join(redis_client.TIMEOUT)
    query_log.flush()
