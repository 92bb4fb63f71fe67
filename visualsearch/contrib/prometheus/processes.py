"""Metrics of a server with several processes: each writes a file, and one reads all files.

This module imports neither Django nor prometheus-client, which chooses its mode at import.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile
from pathlib import Path

FOLDER = "PROMETHEUS_MULTIPROC_DIR"
# Files in memory, because each observation writes to one.
MEMORY = Path("/dev/shm")
PREFIX = "visualsearch-metrics-"


def share() -> None:
    """Count this process and its forks together; call it before prometheus-client is imported.

    Creates a new folder for the metrics files and removes it when this process ends. Does nothing
    if ``PROMETHEUS_MULTIPROC_DIR`` is set.
    """
    if os.environ.get(FOLDER):
        return
    parent = MEMORY if os.access(MEMORY, os.W_OK) else Path(tempfile.gettempdir())
    remove_left(parent)
    owner = os.getpid()
    folder = tempfile.mkdtemp(prefix=f"{PREFIX}{owner}-", dir=parent)
    os.environ[FOLDER] = folder

    def remove() -> None:
        if os.getpid() == owner:  # forked processes inherit this handler
            shutil.rmtree(folder, ignore_errors=True)

    atexit.register(remove)


def remove_left(parent: Path) -> None:
    """Remove the metrics folders in ``parent`` whose server has been killed."""
    for folder in parent.glob(f"{PREFIX}*"):
        try:
            os.kill(int(folder.name.removeprefix(PREFIX).partition("-")[0]), 0)
        except (ProcessLookupError, ValueError):
            shutil.rmtree(folder, ignore_errors=True)
        except PermissionError:
            continue  # a live process of another user


def ended(pid: int) -> None:
    """Report that a process of the server has ended: its counters stay, its gauges are removed."""
    if os.environ.get(FOLDER):
        from prometheus_client.multiprocess import mark_process_dead

        mark_process_dead(pid)
