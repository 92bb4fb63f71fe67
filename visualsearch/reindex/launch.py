"""Launch a reindex in a worker, in a new process, or in this process."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from django.utils import timezone

from .. import conf
from ..broker import enqueue
from ..exceptions import BackendUnavailable
from ..models import Run
from ..serving import index_files
from . import tasks


def refresh_later(keys: list[str], given: Sequence[str] = ()) -> None:
    """Reindex the images of the items with these keys, with ``USE_CELERY`` in a worker.

    ``given``: the keys among them to report if no item has them. Raises BackendUnavailable if the
    broker does not answer.
    """
    # A worker of an earlier release knows only the first argument.
    enqueue(tasks.index_items, keys, *([list(given)] if given else []))


def start_run(run: Run) -> None:
    """Start a queued run in the index worker, in a new process, or in this process.

    With ``USE_CELERY``, the index worker executes the run. Otherwise a new process does, to keep
    the web process free, or, with ``RUN_IN_BACKGROUND`` off, this process before the call returns;
    an error of the run is then stored in it and not raised. Raises BackendUnavailable if the broker
    does not answer; the run then gets the state FAILED.
    """
    if not conf.get("USE_CELERY") and conf.get("RUN_IN_BACKGROUND"):
        start_run_in_process(run)
        return
    try:
        enqueue(tasks.index_run, run.pk)
    except BackendUnavailable as error:
        # The run never reached the queue, so no worker will take it.
        run.state, run.error, run.finished = Run.State.FAILED, str(error), timezone.now()
        run.open = None
        run.save()
        raise


def start_run_in_process(run: Run) -> None:
    """Execute a run in a new process, which outlives this one.

    The process appends its output to ``runs.log`` beside the index files.
    """
    path = os.pathsep.join(entry for entry in sys.path if entry)
    with (index_files.folder() / "runs.log").open("ab") as log:
        subprocess.Popen(
            [
                *(sys.executable, "-m", "django", "visualsearch_index"),
                *("--run", str(run.pk), "--catalog", run.catalog),
            ],
            env={**os.environ, "PYTHONPATH": path},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )
