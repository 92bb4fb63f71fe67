"""Photos by their URL: from allowed origins only, never from inside the network, within limits.

Where a shop lets its server fetch what a client names, the client looks at the network with the
server's eyes (server-side request forgery). So every step is checked here: the origin against a
list, each address that its name stands for, and both again after each redirect. The connection is
made to the very address that was checked: what the name stands for a moment later does not matter.
"""

from __future__ import annotations

import http.client
import io
import ipaddress
import logging
import queue
import socket
import ssl
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar
from urllib.parse import urljoin

from .exceptions import ImageTooLarge, UrlNotAllowed, UrlUnreachable
from .origins import Address, Network, Target, may_connect, parse

logger = logging.getLogger(__name__)

T = TypeVar("T")

REDIRECTS = 3
REDIRECTING = (301, 302, 303, 307, 308)
CHUNK = 64 * 1024
HEADERS = {
    "Accept": "image/*",
    # What is not compressed cannot grow while it is read.
    "Accept-Encoding": "identity",
    "User-Agent": "visualsearch",
    "Connection": "close",
}


@dataclass(frozen=True, kw_only=True)
class Rules:
    """What may be fetched: from ``origins`` (see :func:`visualsearch.origins.origin_of`), in
    ``timeout`` seconds for all of it, at most ``max_bytes``. ``networks`` are allowed although
    the public Internet does not reach them.
    """

    origins: frozenset[str]
    networks: tuple[Network, ...] = ()
    timeout: float = 3.0
    max_bytes: int = 12_000_000


class Deadline:
    """A moment by which everything must be done."""

    def __init__(self, seconds: float):
        self.end = time.monotonic() + seconds

    def left(self) -> float:
        """Seconds until then; raises TimeoutError after it."""
        seconds = self.end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the deadline is over")
        return seconds


def fetch(url: str, rules: Rules) -> bytes:
    """The bytes at a URL, whatever they are.

    Raises UrlNotAllowed, UrlUnreachable or ImageTooLarge.
    """
    deadline = Deadline(rules.timeout)
    for _ in range(REDIRECTS + 1):
        target = parse(url)
        if target.origin not in rules.origins:
            raise UrlNotAllowed
        try:
            location, body = ask(target, rules, deadline)
        # One answer for all of them: what is inside the network is not to be found out by it.
        except (OSError, http.client.HTTPException, ValueError) as error:
            logger.info("%s: nothing is fetched: %s", target.origin, error)
            raise UrlUnreachable from error
        if location is None:
            return body
        try:
            url = urljoin(url, location)
        except ValueError as error:
            raise UrlNotAllowed from error
    raise UrlUnreachable


def ask(target: Target, rules: Rules, deadline: Deadline) -> tuple[str | None, bytes]:
    """One request: where it redirects to, or else the body. Raises what the network raises."""
    connection = http.client.HTTPConnection(target.host, target.port)
    timed = connect(target, rules.networks, deadline)
    connection.sock = timed
    try:
        connection.request("GET", target.path, headers={"Host": target.authority, **HEADERS})
        response = connection.getresponse()
        if response.status in REDIRECTING:
            return response.headers.get("Location", ""), b""
        encoding = response.headers.get("Content-Encoding", "identity")
        if response.status != 200 or encoding.lower() != "identity":
            raise OSError(f"the answer is {response.status}, {encoding}")
        return None, read(response, rules.max_bytes)
    finally:
        timed.socket.close()


def read(response: http.client.HTTPResponse, limit: int) -> bytes:
    """The body; raises ImageTooLarge, as soon as that is known, or OSError if it is torn."""
    too_large = ImageTooLarge(limit_mb=limit // 1_000_000)
    if (response.length or 0) > limit:
        raise too_large
    body = io.BytesIO()
    while chunk := response.read(CHUNK):
        body.write(chunk)
        if body.tell() > limit:
            raise too_large
    if response.length:
        raise OSError("fewer bytes than were announced")
    return body.getvalue()


def connect(target: Target, networks: tuple[Network, ...], deadline: Deadline) -> Timed:
    """A connection to one of the addresses of a host, all of which must be allowed."""
    addresses = within(deadline, lambda: resolve(target.host, target.port))
    if not addresses or not all(may_connect(each, networks) for each in addresses):
        raise OSError(f"{target.host} is at {addresses}, not all of which are allowed")
    for place, address in enumerate(addresses, 1):
        # A share of the time for each: the first may be one that nobody answers at.
        seconds = deadline.left() / (len(addresses) - place + 1)
        try:
            plain = socket.create_connection((str(address), target.port), timeout=seconds)
            break
        except OSError:
            if place == len(addresses):
                raise
    try:
        if target.scheme == "http":
            return Timed(plain, deadline)
        plain.settimeout(deadline.left())
        # The name is what the certificate must be of, whatever the address.
        context = ssl.create_default_context()
        return Timed(context.wrap_socket(plain, server_hostname=target.host), deadline)
    except BaseException:
        plain.close()
        raise


def resolve(host: str, port: int) -> list[Address]:
    """The addresses that a name stands for, each once, in the order of trying them."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(each[4][0]) for each in found))


def within(deadline: Deadline, call: Callable[[], T]) -> T:
    """What a call returns or raises; TimeoutError where it takes too long.

    A resolver cannot be interrupted. It gets a thread that is left to itself then, and ends when
    the resolver gives up.
    """
    answers: queue.SimpleQueue[tuple[bool, Any]] = queue.SimpleQueue()

    def work() -> None:
        try:
            answers.put((True, call()))
        except Exception as error:
            answers.put((False, error))

    threading.Thread(target=work, daemon=True, name="visualsearch-resolve").start()
    try:
        done, answer = answers.get(timeout=deadline.left())
    except queue.Empty as error:
        raise TimeoutError("the name is not resolved in time") from error
    if not done:
        raise answer
    result: T = answer
    return result


class Timed:
    """A connected socket as http.client uses it: each read and write ends at the deadline.

    A socket's own timeout begins anew with every byte that a slow server sends.
    """

    def __init__(self, connected: socket.socket, deadline: Deadline):
        self.socket, self.deadline = connected, deadline

    def sendall(self, data: bytes) -> None:
        """Send all of it, or raise TimeoutError."""
        self.socket.settimeout(self.deadline.left())
        self.socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """What answers are read from."""
        return io.BufferedReader(TimedReader(self.socket, self.deadline))

    def close(self) -> None:
        """Nothing yet: http.client calls this while the answer is still being read."""


class TimedReader(io.RawIOBase):
    """The reading end of a socket."""

    def __init__(self, connected: socket.socket, deadline: Deadline):
        self.socket, self.deadline = connected, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """At most what has arrived; raises TimeoutError at the deadline."""
        self.socket.settimeout(self.deadline.left())
        return self.socket.recv_into(buffer)
