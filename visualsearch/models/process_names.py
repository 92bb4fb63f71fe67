"""Name this process, and find out whether another process has ended."""

from __future__ import annotations

import os
import socket
import uuid

# Distinguishes this process from one with the same process id in a container of the same name.
TOKEN = uuid.uuid4().hex


def this_process() -> str:
    """Return the name of this process: host, process id and a random token, joined by colons."""
    return f"{socket.gethostname()}:{os.getpid()}:{TOKEN}"


def process_has_ended(worker: str) -> bool:
    """Return whether the process named by :func:`this_process` ran on this machine and has ended.

    False for a process of another machine, whose state is unknown, and for an empty name.
    """
    if not worker:
        return False
    host, number, token = worker.rsplit(":", 2)
    if host != socket.gethostname():
        return False
    if int(number) == os.getpid():
        return token != TOKEN
    try:
        os.kill(int(number), 0)
    except ProcessLookupError:
        return True
    except PermissionError:
        return False  # alive, but another user's
    return False
