"""Launch a reindex in a worker, in a new process, or in this process."""

from __future__ import annotations

import contextvars
import os
import subprocess
import sys
import time
from typing import Any

import kombu.exceptions
from celery import Task
from django.utils import timezone
from redis.exceptions import RedisError

from .. import conf
from ..exceptions import BackendUnavailable
from ..models import Run
from ..serving import index_files
from . import tasks

# Raised by a broker that is down, with retries off.
BROKER_ERRORS = (kombu.exceptions.OperationalError, RedisError, OSError, RuntimeError)
# Seconds. A failure this quick is a closed connection, which is worth one retry.
AT_ONCE = 0.5


def refresh(keys: list[str]) -> None:
    """Reindex the images of the items with these keys, with ``USE_CELERY`` in a worker.

    Raises BackendUnavailable if the broker does not answer.
    """
    enqueue(tasks.index_items, keys)


def start(run: Run) -> None:
    """Start a queued run in the index worker, in a new process, or in this process.

    With ``USE_CELERY``, the index worker executes the run. Otherwise a new process does, to keep
    the web process free, or, with ``RUN_IN_BACKGROUND`` off, this process before the call returns;
    an error of the run is then stored in it and not raised. Raises BackendUnavailable if the broker
    does not answer; the run then gets the state FAILED.
    """
    if not conf.get("USE_CELERY") and conf.get("RUN_IN_BACKGROUND"):
        start_process(run)
        return
    try:
        enqueue(tasks.index_run, run.pk)
    except BackendUnavailable as error:
        # The run never reached the queue, so no worker will take it.
        run.state, run.error, run.finished = Run.State.FAILED, str(error), timezone.now()
        run.open = None
        run.save()
        raise


def start_process(run: Run) -> None:
    """Execute a run in a new process, which outlives this one.

    The process appends its output to ``runs.log`` beside the index files.
    """
    path = os.pathsep.join(entry for entry in sys.path if entry)
    with (index_files.folder() / "runs.log").open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "django", "visualsearch_index", "--run", str(run.pk)],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def enqueue(task: Task, *args: Any) -> None:
    """Send a Celery task without waiting for its result; without ``USE_CELERY``, run it now.

    Raises BackendUnavailable if the broker does not answer. Errors of a task that runs in this
    process are logged.
    """
    if conf.get("USE_CELERY"):
        publish(task, *args)
    else:
        # As in a worker: errors are logged, and context variables that the task sets (through a
        # logging library, say) do not leak into the request.
        contextvars.copy_context().run(task.apply, args=args, throw=False)


def publish(task: Task, *args: Any) -> None:
    """Send a Celery task to its queue; raise BackendUnavailable if the broker does not answer.

    A send that fails at once is retried once: the connection may be stale after a restart of the
    broker.
    """
    start = time.monotonic()
    for last in (False, True):
        try:
            task.apply_async(args=args, ignore_result=True)
            return
        except BROKER_ERRORS as error:
            if last or time.monotonic() - start > AT_ONCE:
                raise BackendUnavailable from error
