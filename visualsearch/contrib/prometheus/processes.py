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
PREFIX = "visualsearch-metrics-"


def share() -> None:
    """Let this process and those that it forks count together; call it first of all.

    In a new folder, for old files would be counted too. It goes when this process ends.
    """
    if os.environ.get(FOLDER):
        return
    parent = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    remove_left(parent)
    owner = os.getpid()
    folder = tempfile.mkdtemp(prefix=f"{PREFIX}{owner}-", dir=parent)
    os.environ[FOLDER] = folder

    def remove() -> None:
        if os.getpid() == owner:  # forked processes end with the same handlers
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)


def remove_left(parent: Path) -> None:
    """Remove the folders of servers that were killed."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            os.kill(int(folder.name.removeprefix(PREFIX).partition("-")[0]), 0)
        except (ProcessLookupError, ValueError):
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            continue  # another user's, who lives


def ended(pid: int) -> None:
    """A process of the server has ended: what it counted stays, what it measured goes."""
    if os.environ.get(FOLDER):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid)
