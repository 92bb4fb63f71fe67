"""A Gunicorn worker with a time limit on slow clients.

`worker_class = "visualsearch.contrib.gunicorn.worker.PatientWorker"`

Gunicorn's own worker reads a request in a thread of its pool without a time limit. As many clients
as there are threads, each sending a byte now and then, block all other clients. With this worker a
request may stall for BODY_TIMEOUT seconds in all and must otherwise arrive at least as fast as
:data:`PACE`. While more than half of the threads wait for clients, it may stall only for
:data:`HURRIED` seconds.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers import gthread

from ... import conf

# Bytes per second.
PACE = 20_000
# Seconds for which a request may stall while threads are short.
HURRIED = 1.0
# Seconds between checks of whether threads are short, and seconds to wait for the first byte of a
# connection before its thread is released.
LOOK = 0.25
FIRST_BYTE = 0.05
# Seconds and bytes for which a client that is still sending can read an error response.
LINGER, HURRIED_LINGER = 1.0, 0.2
LINGER_BYTES = 1_000_000


class Waiting:
    """A counter of the threads that wait for clients; a context manager counts one thread.

    ``room``: how many may wait before threads are short.
    """

    def __init__(self, room: int):
        self.room, self.count = room, 0
        self.lock = threading.Lock()

    def __enter__(self) -> None:
        with self.lock:
            self.count += 1

    def __exit__(self, *args: object) -> None:
        with self.lock:
            self.count -= 1

    @property
    def crowded(self) -> bool:
        """Whether more than ``room`` threads wait for clients, so that threads are short."""
        return self.count > self.room

    def patience(self) -> float:
        """Return the seconds for which a request may stall now."""
        seconds: float = conf.get("BODY_TIMEOUT")
        return min(HURRIED, seconds) if self.crowded else seconds


class PatientSocket(socket.socket):
    """A client's connection with a time limit on each request.

    Reading a body that is too slow raises TimeoutError. A request head that is too slow ends as if
    the client had disconnected, because there is no request to respond to. ``waiting``: the
    worker's counter.
    """

    waiting: Waiting
    in_body = False
    closing = False
    began = 0.0
    received = 0

    @classmethod
    def of(cls, plain: socket.socket, waiting: Waiting) -> PatientSocket:
        """Return the connection ``plain`` as a PatientSocket; ``plain`` is detached."""
        patient = cls(fileno=plain.detach())
        patient.waiting = waiting
        return patient

    def begin(self) -> None:
        """Restart the time limit for the next request."""
        self.began, self.received, self.in_body = time.monotonic(), 0, False

    def recv(self, *args: Any) -> bytes:
        """Return received bytes; see :meth:`recv_in_time` for what happens if they are late."""
        if self.closing:
            return b""
        timeout = self.gettimeout()
        try:
            with self.waiting:
                data = self.recv_in_time(*args)
        finally:
            self.settimeout(timeout)
        self.received += len(data)
        return data

    def recv_in_time(self, *args: Any) -> bytes:
        """Return the next bytes, which must arrive within the time limit.

        If they do not, raises TimeoutError in a body, and returns b"" in a head.
        """
        while True:
            end = self.began + self.waiting.patience() + self.received / PACE
            left = end - time.monotonic()
            if left <= 0 and self.in_body:
                raise TimeoutError("the body arrives too slowly")
            if left <= 0:
                return b""
            self.settimeout(min(left, LOOK))
            try:
                return super().recv(*args)
            except TimeoutError:
                continue

    def linger(self) -> None:
        """Read and discard what the client still sends, so that it can read its response.

        Gunicorn itself would do this in the one thread that accepts connections, so it is done
        here.
        """
        self.closing = True
        end, seen = time.monotonic() + (HURRIED_LINGER if self.waiting.crowded else LINGER), 0
        with self.waiting, suppress(OSError):  # gone already
            self.shutdown(socket.SHUT_WR)
            while seen < LINGER_BYTES and (left := end - time.monotonic()) > 0:
                self.settimeout(left)
                if not (data := super().recv(65536)):
                    break
                seen += len(data)


class PatientWorker(gthread.ThreadWorker):
    """A threaded Gunicorn worker with a time limit on each request.

    There is no limit if Gunicorn itself serves HTTPS: let a proxy serve HTTPS instead.
    """

    def init_process(self) -> None:
        self.waiting = Waiting(self.cfg.threads // 2)
        super().init_process()

    def handle(self, conn: Any) -> Any:
        """Handle one request in a thread of the pool, with its time limit."""
        if self.cfg.is_ssl:
            return super().handle(conn)
        if not isinstance(conn.sock, PatientSocket):
            conn.sock = PatientSocket.of(conn.sock, self.waiting)
        if not conn.initialized and not conn.wait_for_data(FIRST_BYTE):
            return gthread._DEFER
        conn.sock.begin()
        result = super().handle(conn)
        if result is False:
            conn.sock.linger()
        return result

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Handle a request whose head has arrived; a client with a slow body gets an error."""
        if isinstance(conn.sock, PatientSocket):
            conn.sock.in_body = True
        return super().handle_request(req, conn)
