"""Who works on a run: a name for this process, and whether another one still lives."""

from __future__ import annotations

import os
import socket
import uuid

# Told apart from a process that got the same number in a container of the same name.
TOKEN = uuid.uuid4().hex


def this_worker() -> str:
    """Host, process number and a token of this process."""
    return f"{socket.gethostname()}:{os.getpid()}:{TOKEN}"


def has_ended(worker: str) -> bool:
    """Whether a process of this machine that called itself so is gone.

    False of another machine's, of which nothing is known, and where there is no name.
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
        return False  # it lives, and is another user's
    return False
