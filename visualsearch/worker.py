"""How a Celery worker with the queue ``visualsearch.search`` searches.

It loads model and index, and from then on has a thread for each task that it may do at a time
(``--concurrency``) take jobs from :mod:`visualsearch.relay`. With the pool ``prefork`` each of its
processes has one such thread. Connected to Celery's signals by importing
:mod:`visualsearch.tasks`.
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
from celery.signals import worker_init, worker_process_init, worker_ready, worker_shutdown
from celery.signals import worker_shutting_down as worker_is_told_to_stop
from django.db import DatabaseError, connections

from . import jobs, live, processors, relay, searching
from .exceptions import VisualSearchError
from .signals import job_done, job_dropped, job_taken
from .small import unpack

logger = logging.getLogger(__name__)

QUEUE = "visualsearch.search"
# Seconds after which a worker that found no Redis looks again.
AGAIN = 0.5


class Searcher:
    """Threads that do jobs, and one that says so, until :meth:`stop`."""

    def __init__(self, name: str, threads: int):
        self.name = name
        self.stopped = threading.Event()
        self.signs = relay.SignsOfLife(name, live.common_input)
        self.threads = [
            threading.Thread(target=self.work, name=f"visualsearch-search-{n}", daemon=True)
            for n in range(threads)
        ]

    def start(self) -> None:
        """Take jobs from now on."""
        for thread in (self.signs, *self.threads):
            thread.start()

    def stop(self) -> None:
        """Take none any more; :meth:`join` waits for those that are being done."""
        self.signs.stop()
        self.stopped.set()

    def join(self, seconds: float) -> None:
        """Wait for what is being done."""
        for thread in self.threads:
            thread.join(seconds)

    def work(self) -> None:
        """What each thread does."""
        try:
            while not self.stopped.is_set():
                try:
                    name = relay.next_job()
                    if name is not None:
                        # What is said about a job is forgotten with it.
                        copy_context().run(do, name, self.name)
                except redis.RedisError:
                    self.stopped.wait(AGAIN)  # the signs of life have said so
                except Exception:
                    logger.exception("what lay in the queue was no job")
        finally:
            connections.close_all()


def do(name: str, worker: str) -> None:
    """Do a job, unless its deadline is over; raises RedisError."""
    job = relay.take(name, worker)
    if job is None:
        logger.warning("job %s came too late and was dropped", name)
        job_dropped.send_robust(sender=None)
        return
    what, context = job["what"], job.get("context", {})
    job_taken.send_robust(sender=None, what=what, context=context)
    try:
        arguments = job["arguments"]
        if "photo" in arguments:
            arguments["photo"] = unpack(arguments["photo"])
            arguments["stages"]["queue"] = job["waited"]
        answer = jobs.JOBS[what](**arguments)
    except Exception:
        logger.exception("job %s failed", name)
        answer = {"refused": VisualSearchError.code, "params": {}}
    try:
        relay.answer(name, answer)
    except (TypeError, ValueError, OverflowError):
        logger.exception("job %s: what a card holds must be plain values", name)
        answer = {"refused": VisualSearchError.code, "params": {}}
        relay.answer(name, answer)
    jobs.report(what, answer)
    job_done.send_robust(sender=None, refused=answer.get("refused", ""))


_searchers: list[Searcher] = []


def searches(app: Celery) -> bool:
    """Whether the worker of this process takes searches."""
    return QUEUE in app.amqp.queues.consume_from


def forks(pool: Any) -> bool:
    """Whether tasks are done in processes that this one forks."""
    return "prefork" in (pool if isinstance(pool, str) else pool.__module__)


@worker_init.connect
def load_before_threads(sender: Any, **kwargs: object) -> None:
    """Before a worker connects to its queues."""
    if searches(sender.app) and not forks(sender.pool_cls):
        load()


@worker_ready.connect
def search_in_threads(sender: Any, **kwargs: object) -> None:
    """From when a worker takes tasks."""
    worker = sender.controller
    if searches(sender.app) and not forks(worker.pool_cls):
        search(worker.hostname, worker.concurrency)


@worker_process_init.connect
def search_in_child(**kwargs: object) -> None:
    """In each process that a worker has forked: neither session nor index survives a fork."""
    if searches(current_app):
        load()
        search(f"{os.getpid()}@{gethostname()}", 1)


def load() -> None:
    """Load model, index and all that a first search touches; compare known answers.

    A worker that cannot load goes on trying. What is there then stays, so the garbage collector
    need not look at it again and again.
    """
    try:
        searching.warm_up()
        processors.compare(live.current().encoder)
    except (VisualSearchError, DatabaseError) as error:
        logger.warning("Nothing can be searched yet: %s", error)
    connections.close_all()
    gc.collect()
    gc.freeze()


def search(worker: str, threads: int) -> None:
    """Take jobs in this process."""
    searcher = Searcher(worker, threads)
    _searchers.append(searcher)
    searcher.start()


@worker_is_told_to_stop.connect
def stop(**kwargs: object) -> None:
    """From when a worker takes no more tasks."""
    for searcher in _searchers:
        searcher.stop()


@worker_shutdown.connect
def join(**kwargs: object) -> None:
    """Before a worker ends: who waits gets an answer."""
    while _searchers:
        _searchers.pop().join(relay.PATIENCE)
