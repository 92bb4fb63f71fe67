"""Metrics of one server with several processes: each writes its numbers to a file, one reads all.

Knows neither Django nor prometheus-client, which decides while it is imported.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Files in memory: each observation writes to one.
MEMORY = Path("/dev/shm")


def share() -> None:
    """Let this process and those that it forks count together; call it first of all.

    In a new folder, for old files would be counted too. It goes when this process ends.
    """
    if os.environ.get(FOLDER):
        return
    parent = MEMORY if os.access(MEMORY, os.W_OK) else None
    folder = tempfile.mkdtemp(prefix="visualsearch-metrics-", dir=parent)
    os.environ[FOLDER] = folder
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:  # forked processes end with the same handlers
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)


def ended(pid: int) -> None:
    """A process of the server has ended: what it counted stays, what it measured goes."""
    if os.environ.get(FOLDER):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid)
