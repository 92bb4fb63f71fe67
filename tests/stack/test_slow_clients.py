"""Slow clients must not delay others."""

from __future__ import annotations

import socket
import threading
import time
from contextlib import ExitStack

import pytest

from tests.helpers.pictures import encoded, picture
from tests.stack.browser import TIMEOUT
from tests.stack.stack import Stack

# Seconds for which a slow client keeps sending; longer than the other clients' timeout.
BOUND = 2 * TIMEOUT
HEAD = b"POST /api/visual-search/search/ HTTP/1.1\r\nHost: 127.0.0.1\r\n"
MULTIPART = (
    HEAD + b"Content-Type: multipart/form-data; boundary=x\r\nContent-Length: 500000\r\n\r\n"
    b'--x\r\nContent-Disposition: form-data; name="image"; filename="a.jpg"\r\n\r\n'
)
SLOW = {
    "body": MULTIPART,
    "json": HEAD + b"Content-Type: application/json\r\nContent-Length: 500000\r\n\r\n{",
    "raw": HEAD + b"Content-Type: image/jpeg\r\nContent-Length: 500000\r\n\r\n\xff\xd8",
    # Chunked, so that the length is unknown: Django reads nothing of it.
    "chunks": HEAD
    + b"Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nfffff\r\n",
    "page": b"POST /search/photo/" + MULTIPART.partition(b"/search/")[2],
    "headers": HEAD + b"X-Slow: ",
    "idle": b"",
}
ANSWERS = {"body": b"408", "json": b"408", "raw": b"408", "chunks": b"400"}


class SlowClient:
    """Sends the beginning of a request, then ten bytes a second until it is cut off."""

    def __init__(self, port: int, beginning: bytes, *, trickle: bool):
        self.connection = socket.create_connection(("127.0.0.1", port), timeout=0.1)
        self.connection.sendall(beginning)
        self.cut_off, self.closed, self.answer = False, False, b""
        self.trickle = trickle
        self.thread = threading.Thread(target=self.go_on, daemon=True)
        self.thread.start()

    def go_on(self) -> None:
        end = time.monotonic() + BOUND
        while time.monotonic() < end:
            try:
                if self.trickle:
                    self.connection.sendall(b"1")
                received = self.connection.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                self.cut_off = not self.closed
                return
            self.answer += received
            if not received:
                self.cut_off = True
                return

    def close(self) -> None:
        self.closed = True
        self.connection.close()


def clients(stack: Stack, held: ExitStack, count: int, kind: str) -> list[SlowClient]:
    """Start slow clients of one kind, closed when ``held`` is."""
    made = [SlowClient(stack.web_port, SLOW[kind], trickle=kind != "idle") for _ in range(count)]
    for client in made:
        held.callback(client.close)
    return made


def search(stack: Stack) -> float:
    """Search by a photo; return the seconds taken, to be printed only."""
    found = stack.browser().search(encoded(picture(3, (480, 640)), quality=75))
    assert found.json["results"][0]["product"]["key"] == "P3"
    return found.seconds


def test_slow_clients__are_cut_off_and_hold_nobody_up(stack):
    """Fourteen slow clients, two of each kind, each of which would keep sending for minutes."""
    search(stack)
    with ExitStack() as held:
        slow = {kind: clients(stack, held, 2, kind) for kind in SLOW}
        searches = [search(stack) for _ in range(10)]
        for each in slow.values():
            for client in each:
                client.thread.join()
    for kind, each in slow.items():
        assert all(client.cut_off for client in each), kind
        for client in each if kind in ANSWERS else []:
            assert client.answer.startswith(b"HTTP/1.1 " + ANSWERS[kind]), client.answer
            assert b'"body_timeout"' in client.answer or kind == "chunks"
    print(f"searches beside took {max(searches):.2f} s at most")
    assert "Traceback" not in stack.log("web")


@pytest.fixture
def patient(stack):
    """Let a thread wait for a slow client longer than any test takes, if threads are free."""
    stack.stop("web")
    stack.environment["BODY_TIMEOUT"] = "3600"
    stack.start("web")
    stack.ready("web")
    yield
    stack.stop("web")
    del stack.environment["BODY_TIMEOUT"]
    stack.start("web")
    stack.ready("web")


def test_slow_clients__more_than_there_are_threads(stack, patient):
    """Two processes have 20 threads each; the time limit is short while most of them wait."""
    with ExitStack() as held:
        for kind in ("body", "headers", "json"):
            clients(stack, held, 30, kind)
        searches = [search(stack) for _ in range(5)]
    print(f"beside 90 slow clients searches took {max(searches):.2f} s at most")
    search(stack)


def test_slow_clients__a_slow_upload_that_goes_on_is_served(stack):
    """Upload at half the speed of a poor mobile network, for longer than the short time limit."""
    photo = encoded(picture(3, (1200, 1600)), "PNG", compress_level=0)[:600_000]
    body = MULTIPART.partition(b"\r\n\r\n")[2] + photo + b"\r\n--x--\r\n"
    head = MULTIPART.partition(b"\r\n\r\n")[0].replace(b"500000", str(len(body)).encode())
    with socket.create_connection(("127.0.0.1", stack.web_port), timeout=BOUND) as connection:
        connection.sendall(head + b"\r\n\r\n")
        for start in range(0, len(body), 20_000):
            connection.sendall(body[start : start + 20_000])
            time.sleep(0.4)
        answer = connection.recv(65536)
    # The whole body was read; only the photo is incomplete.
    assert b'"image_corrupt"' in answer


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"X-Large: " + b"x" * 100_000 + b"\r\n\r\n",
        HEAD + b"".join(b"X-%d: 1\r\n" % n for n in range(1000)) + b"\r\n",
        b"POST /" + b"x" * 100_000 + b" HTTP/1.1\r\n\r\n",
        HEAD + b"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        HEAD + b"Content-Length: -5\r\n\r\n",
        HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n",
    ],
    ids=["large", "many", "path", "two lengths", "negative", "two numbers"],
)
def test_heads__that_are_none(stack, head):
    with socket.create_connection(("127.0.0.1", stack.web_port), timeout=BOUND) as connection:
        connection.sendall(head)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(65536)
    assert answer.startswith(b"HTTP/1.1 4"), answer
    search(stack)
