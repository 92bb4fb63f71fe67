"""Gunicorn's threads, that do not wait for slow clients for ever.

`worker_class = "visualsearch.contrib.gunicorn.worker.PatientWorker"`

Gunicorn's own worker reads a request in a thread of its pool and sets no limit: as many clients as
there are threads, each sending a byte now and then, and nobody else is answered. Here a request
must arrive at a pace: it may stand still for BODY_TIMEOUT seconds in all, and be no slower than
:data:`PACE` otherwise. While more than half of the threads wait for such clients, patience is
short.
"""

from __future__ import annotations

import socket
import threading
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers import gthread

from ... import conf

# Bytes a second.
PACE = 20_000
# Seconds of patience while threads are short, …
HURRIED = 1.0
# … between two looks at whether they are, and for the first byte before a thread is free again.
LOOK = 0.25
FIRST_BYTE = 0.05
# Seconds, and bytes, for which a client that is still sending can read that it was refused.
LINGER, HURRIED_LINGER = 1.0, 0.2
LINGER_BYTES = 1_000_000


class Waiting:
    """How many threads of this process wait for their clients; ``room``: how many may at ease."""

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
        """Whether threads are short."""
        return self.count > self.room

    def patience(self) -> float:
        """Seconds for which a request may stand still."""
        seconds: float = conf.get("BODY_TIMEOUT")
        return min(HURRIED, seconds) if self.crowded else seconds


class PatientSocket(socket.socket):
    """A client's connection. Of a body that is too slow, reading raises TimeoutError; where it is
    the head of a request, it ends as if the client had gone: there is nobody to answer to.
    """

    waiting: Waiting
    in_body = False
    closing = False
    began = 0.0
    received = 0

    @classmethod
    def of(cls, plain: socket.socket, waiting: Waiting) -> PatientSocket:
        """The same connection."""
        patient = cls(fileno=plain.detach())
        patient.waiting = waiting
        return patient

    def begin(self) -> None:
        """From here on it is another request that arrives."""
        self.began, self.received, self.in_body = time.monotonic(), 0, False

    def recv(self, *args: Any) -> bytes:
        """As ever, at its pace."""
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
        """What arrives while there is patience."""
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
        """Let the client read its answer, although it may still be sending.

        Gunicorn does this in the one thread that accepts connections; then nothing is left to it.
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
    """Threads that read requests from patient sockets. Where Gunicorn itself speaks HTTPS, it is
    its own worker: then let a proxy do that."""

    def init_process(self) -> None:
        self.waiting = Waiting(self.cfg.threads // 2)
        super().init_process()

    def handle(self, conn: Any) -> Any:
        """One request; runs in a thread of the pool."""
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
        """The head has arrived: who is slow from here on is told so."""
        if isinstance(conn.sock, PatientSocket):
            conn.sock.in_body = True
        return super().handle_request(req, conn)
