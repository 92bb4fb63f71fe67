"""Send Celery tasks, and tell callers when the broker is down."""

from __future__ import annotations

import contextvars
import logging
import time
from collections.abc import Callable
from typing import Any

import kombu.exceptions
from celery import Task
from redis.exceptions import RedisError

from . import conf
from .exceptions import BackendUnavailable

logger = logging.getLogger(__name__)

# Raised by a broker that is down, with retries off.
BROKER_ERRORS = (kombu.exceptions.OperationalError, RedisError, OSError, RuntimeError)
# Seconds. A failure this quick is a closed connection, which is worth one retry.
AT_ONCE = 0.5


def enqueue(task: Task, *args: Any) -> None:
    """Send a Celery task without waiting for its result; without ``USE_CELERY``, run it now.

    Raises BackendUnavailable if the broker does not answer. Errors of a task that runs in this
    process are logged.
    """
    if conf.get("USE_CELERY"):
        publish(lambda: task.apply_async(args=args, ignore_result=True))
    else:
        # As in a worker: errors are logged, and context variables that the task sets (through a
        # logging library, say) do not leak into the request.
        done = contextvars.copy_context().run(task.apply, args=args, throw=False)
        if done.failed():
            logger.error(
                "The task %s failed. To catch up, run manage.py visualsearch_index --missing.",
                task.name,
                exc_info=done.result,
            )


def publish(send: Callable[[], object]) -> None:
    """Call ``send``, which sends tasks; raise BackendUnavailable if the broker does not answer.

    A send that fails at once is retried once: the connection may be stale after a restart of the
    broker.
    """
    start = time.monotonic()
    for last in (False, True):
        try:
            send()
            return
        except BROKER_ERRORS as error:
            if last or time.monotonic() - start > AT_ONCE:
                raise BackendUnavailable from error
