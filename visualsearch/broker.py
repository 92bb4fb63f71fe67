"""Send Celery tasks, and tell callers when the broker is down."""

from __future__ import annotations

import contextvars
import logging
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import kombu.exceptions
from celery import Task
from redis.exceptions import RedisError

from . import conf
from .catalogs.names import UnknownCatalog, current_catalog_name, using_catalog
from .exceptions import BackendUnavailable

logger = logging.getLogger(__name__)

# Raised by a broker that is down, with retries off.
BROKER_ERRORS = (kombu.exceptions.OperationalError, RedisError, OSError, RuntimeError)
# Seconds. A failure this quick is a closed connection, which is worth one retry.
AT_ONCE = 0.5
# Seconds until another worker may take a task.
OTHER_WORKER = 5


class CatalogTask(Task):
    """A task whose keyword argument ``catalog`` names the catalog to work for.

    The default is the first catalog in the settings. A worker with the settings of another site
    puts the task back in the queue.
    """

    # Celery would reject the argument, which the function does not have.
    typing = False

    def __call__(self, *args: Any, catalog: str | None = None, **kwargs: Any) -> Any:
        """Work for the catalog; an unknown one is tried again, in the hope of another worker."""
        with ExitStack() as stack:
            try:
                stack.enter_context(using_catalog(catalog))
            except UnknownCatalog as error:
                logger.warning("%s The task %s goes back to its queue.", error, self.name)
                raise self.retry(exc=error, countdown=OTHER_WORKER, max_retries=None) from error
            # Task.__call__ would replace the task's request by an empty one.
            return self.run(*args, **kwargs)


def arguments_for_catalog() -> dict[str, str]:
    """Return the keyword arguments that make a task work for the current catalog."""
    name = current_catalog_name()
    return {"catalog": name} if name else {}


def enqueue(task: Task, *args: Any) -> None:
    """Send a task for the current catalog; without ``USE_CELERY``, run it now.

    Does not wait for its result. Raises BackendUnavailable if the broker does not answer. Errors of
    a task that runs in this process are logged.
    """
    kwargs = arguments_for_catalog()
    if conf.get("USE_CELERY"):
        publish(lambda: task.apply_async(args=args, kwargs=kwargs, ignore_result=True))
    else:
        # As in a worker: errors are logged, and context variables that the task sets (through a
        # logging library, say) do not leak into the request.
        done = contextvars.copy_context().run(task.apply, args=args, kwargs=kwargs, throw=False)
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
