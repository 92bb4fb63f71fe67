"""What a search worker does beside its tasks: it loads before the first, and shows that it lives.

Connected to Celery's signals by importing :mod:`visualsearch.tasks`.
"""

from __future__ import annotations

import gc
import logging
from typing import Any

from celery import Celery, current_app
from celery.signals import worker_init, worker_process_init, worker_ready, worker_shutting_down
from django.db import DatabaseError, connections

from . import live, relay, searching
from .exceptions import VisualSearchError

logger = logging.getLogger(__name__)

_signs: list[relay.SignsOfLife] = []


def searches(app: Celery) -> bool:
    """Whether the worker of this process takes searches."""
    return relay.QUEUE in app.amqp.queues.consume_from


def forks(pool: Any) -> bool:
    """Whether tasks are done in processes that this one forks: neither session nor index may be
    used before."""
    return "prefork" in (pool if isinstance(pool, str) else pool.__module__)


@worker_init.connect
def load_before_threads(sender: Any, **kwargs: object) -> None:
    """Before the worker connects to its queue, where its threads do the tasks."""
    if searches(sender.app) and not forks(sender.pool_cls):
        load()


@worker_process_init.connect
def load_in_child(**kwargs: object) -> None:
    """In each process that a worker has forked, before its first task."""
    if searches(current_app):
        load()


def load() -> None:
    """Model, index and all that a first search touches; a worker that cannot goes on trying.

    What is there then stays, so the garbage collector need not look at it again and again.
    """
    try:
        searching.warm_up()
    except (VisualSearchError, DatabaseError) as error:
        logger.warning("Nothing can be searched yet: %s", error)
    connections.close_all()
    gc.collect()
    gc.freeze()


@worker_ready.connect
def show_life(sender: Any, **kwargs: object) -> None:
    """From when the worker takes tasks."""
    if searches(sender.app):
        signs = relay.SignsOfLife(sender.hostname, live.latest_input)
        _signs.append(signs)
        signs.start()


@worker_shutting_down.connect
def end(**kwargs: object) -> None:
    """From when it takes none."""
    while _signs:
        _signs.pop().stop()
