"""Send load from closed-loop HTTP clients: ``python -m benchmarks.search.clients``.

Each client sends a photo, waits for the response and sends the next. After five searches it
reconnects, as when one visitor leaves and another arrives. Requests are prepared beforehand and
responses only counted, so that the clients use little CPU; the result reports how much.

The job is a JSON object on stdin; :func:`drive` starts the process.
"""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.search.places import ROOT, environment

BOUNDARY = "a-boundary-that-no-photo-holds"
PRODUCTS = 12
# Searches per connection. Connections that are kept for ever would be spread over a server's
# processes by chance.
VISIT = 5


@dataclass(frozen=True, kw_only=True)
class Job:
    """A load: ``connections`` clients until ``seconds`` have passed or ``searches`` are sent.

    ``photos``: paths of photos to send. ``path``: of the URL. ``field``: form field of the photo.
    ``raw``: whether the body is the photo's bytes instead of a form. ``warm_up``: uncounted
    requests per connection. ``timeout``: seconds per socket operation.
    """

    port: int
    path: str
    field: str
    photos: list[str]
    raw: bool = False
    connections: int = 1
    seconds: float = 3600.0
    searches: int = 1_000_000_000
    warm_up: int = 3
    timeout: float = 30.0


def drive(job: Job) -> dict[str, Any]:
    """Run a job in a child process; return its measurements.

    ``ms``: of each successful search. ``wall_s``: length of the run. ``cpu_s``: CPU time of the
    clients. ``errors``: their number by kind.
    """
    with subprocess.Popen(
        [sys.executable, "-m", "benchmarks.search.clients"],
        env=environment(),
        cwd=ROOT,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        try:
            out, _ = process.communicate(json.dumps(asdict(job)))
        finally:
            process.kill()
    if process.returncode:
        raise RuntimeError(f"the clients ended with {process.returncode}")
    found: dict[str, Any] = json.loads(out)
    return found


class Connection:
    """A minimal HTTP client connection to 127.0.0.1."""

    def __init__(self, port: int, timeout: float):
        self.port, self.timeout = port, timeout
        self.socket: socket.socket | None = None

    def open(self) -> socket.socket:
        """Return the socket; connect first if needed."""
        if self.socket is None:
            self.socket = socket.create_connection(("127.0.0.1", self.port), self.timeout)
            self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return self.socket

    def close(self) -> None:
        """Close the socket; the next request reconnects."""
        if self.socket is not None:
            self.socket.close()
        self.socket = None

    def post(self, request: bytes) -> tuple[int, bytes]:
        """Send a complete HTTP request; return status and body. Raises OSError."""
        connection = self.open()
        connection.sendall(request)
        received = b""
        while b"\r\n\r\n" not in received:
            received += self.more(connection)
        head, _, body = received.partition(b"\r\n\r\n")
        lines = head.lower().split(b"\r\n")
        headers = dict(line.split(b": ", 1) for line in lines[1:] if b": " in line)
        status = int(lines[0].split()[1])
        if headers.get(b"transfer-encoding") == b"chunked":
            while not body.endswith(b"0\r\n\r\n"):
                body += self.more(connection)
        else:
            length = int(headers.get(b"content-length", b"0"))
            while len(body) < length:
                body += self.more(connection)
        if headers.get(b"connection") == b"close" or lines[0].startswith(b"http/1.0"):
            self.close()
        return status, body

    @staticmethod
    def more(connection: socket.socket) -> bytes:
        """Return the next bytes received; raise OSError if the server closed the connection."""
        data = connection.recv(256 * 1024)
        if not data:
            raise ConnectionResetError("the server closed the connection")
        return data


class Clients:
    """The clients of one job, one thread per connection."""

    def __init__(self, job: Job):
        self.job = job
        self.requests = [prepared(job, photo) for photo in job.photos]
        self.lock = threading.Lock()
        self.ms: list[float] = []
        self.errors: dict[str, int] = {}
        self.started = 0
        self.go = threading.Barrier(job.connections + 1)

    def run(self) -> dict[str, Any]:
        """Warm up every connection, then run all clients at once; return the measurements.

        They are ``ms`` of each successful search, ``wall_s``, ``cpu_s`` of this process, and
        ``errors`` by kind.
        """
        threads = [
            threading.Thread(target=self.client, args=(number,))
            for number in range(self.job.connections)
        ]
        for thread in threads:
            thread.start()
        self.go.wait()
        start, cpu = time.perf_counter(), time.process_time()
        self.until = start + self.job.seconds
        self.go.wait()
        for thread in threads:
            thread.join()
        wall = time.perf_counter() - start
        return {
            "ms": self.ms,
            "wall_s": wall,
            "cpu_s": time.process_time() - cpu,
            "errors": self.errors,
        }

    def client(self, number: int) -> None:
        """Warm up connection ``number``, wait for the others, then search until the job is over."""
        connection = Connection(self.job.port, self.job.timeout)
        for _ in range(self.job.warm_up):
            self.once(connection, number)
        searches = 0
        self.go.wait()
        self.go.wait()
        while (request := self.next()) is not None:
            if searches % VISIT == 0:
                connection.close()
            searches += 1
            start = time.perf_counter()
            wrong = self.once(connection, request)
            spent = (time.perf_counter() - start) * 1000
            if wrong:
                self.errors[wrong] = self.errors.get(wrong, 0) + 1
            else:
                self.ms.append(spent)
        connection.close()

    def next(self) -> int | None:
        """Return the number of the next search, or None when the job is over."""
        with self.lock:
            if self.started >= self.job.searches or time.perf_counter() >= self.until:
                return None
            self.started += 1
            return self.started

    def once(self, connection: Connection, number: int) -> str:
        """Send one search; return an error text, or "" if the response is right.

        ``number`` chooses the photo.
        """
        try:
            status, body = connection.post(self.requests[number % len(self.requests)])
        except OSError as error:
            connection.close()
            return type(error).__name__
        if status != 200:
            return f"status {status}"
        return "" if body.count(b'"score"') >= PRODUCTS else "too few products"


def prepared(job: Job, photo: str) -> bytes:
    """Return the complete HTTP request that uploads a photo, as a multipart form or raw."""
    data = Path(photo).read_bytes()
    if job.raw:
        return request_of(job, "image/jpeg", data)
    disposition = f'form-data; name="{job.field}"; filename="photo.jpg"'
    body = (
        f"--{BOUNDARY}\r\nContent-Disposition: {disposition}\r\nContent-Type: image/jpeg\r\n\r\n"
    ).encode()
    body += data + f"\r\n--{BOUNDARY}--\r\n".encode()
    return request_of(job, f"multipart/form-data; boundary={BOUNDARY}", body)


def request_of(job: Job, content_type: str, body: bytes) -> bytes:
    """Return an HTTP request with this body."""
    head = (
        f"POST {job.path} HTTP/1.1\r\nHost: 127.0.0.1:{job.port}\r\nAccept: application/json\r\n"
        f"Content-Type: {content_type}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


if __name__ == "__main__":
    print(json.dumps(Clients(Job(**json.load(sys.stdin))).run()))
