"""Reserve ports for servers that start later."""

from __future__ import annotations

import fcntl
import os
import random
import socket
import tempfile
from contextlib import suppress
from pathlib import Path

# Below the ports that Linux (from 32768) and macOS (from 49152) give to outgoing connections, one
# of which could otherwise take the port before its server starts.
PORTS = range(20_000, 32_000)
FOLDER = Path(tempfile.gettempdir())


def reserve(port: int) -> None:
    """Lock a port of 127.0.0.1 until this process ends; raise OSError if it is taken."""
    lock = os.open(FOLDER / f"visualsearch-port-{port}.lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", port))
    except OSError:
        os.close(lock)  # otherwise it stays open, and with it the lock, until the process ends
        raise


def free_port() -> int:
    """Reserve a free port of 127.0.0.1 until this process ends, and return it.

    No other process on this machine gets it from this function. Raises OSError if none is free.
    """
    for port in random.sample(PORTS, 1000):
        with suppress(OSError):
            reserve(port)
            return port
    raise OSError(f"no free port from {PORTS.start} to {PORTS.stop}")
