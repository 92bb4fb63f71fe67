"""Fetch photos by URL: from allowed origins only, never from private networks, within limits.

A server that fetches URLs named by clients can be used to reach its own network (server-side
request forgery). So every step is checked: the origin against a list, every address that the host
name resolves to, and both again after each redirect. The connection goes to the very address that
was checked, so a later change of the DNS record has no effect.
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

from ..exceptions import ImageTooLarge, UrlNotAllowed, UrlUnreachable
from .allowed_origins import Address, Network, Target, may_connect, parse

logger = logging.getLogger(__name__)

T = TypeVar("T")

REDIRECTS = 3
REDIRECTING = (301, 302, 303, 307, 308)
CHUNK = 64 * 1024
HEADERS = {
    "Accept": "image/*",
    # An uncompressed body cannot grow while it is read.
    "Accept-Encoding": "identity",
    "User-Agent": "visualsearch",
    "Connection": "close",
}


@dataclass(frozen=True, kw_only=True)
class Rules:
    """Limits on downloading photos.

    ``origins``: allowed ones, as :func:`visualsearch.photos.allowed_origins.origin_of` spells them;
    ``networks``: private ones that are allowed too; ``timeout``: seconds for the whole download;
    ``max_bytes``: of the response body.
    """

    origins: frozenset[str]
    networks: tuple[Network, ...] = ()
    timeout: float = 3.0
    max_bytes: int = 12_000_000


class Deadline:
    """The time by which a download must be complete, ``seconds`` from now."""

    def __init__(self, seconds: float):
        self.end = time.monotonic() + seconds

    def left(self) -> float:
        """Return the seconds until the deadline; raise TimeoutError after it."""
        seconds = self.end - time.monotonic()
        if seconds <= 0:
            raise TimeoutError("the deadline has passed")
        return seconds


def fetch(url: str, rules: Rules) -> bytes:
    """Download the bytes at a URL, of any content type, following up to three redirects.

    Raises UrlNotAllowed if an origin is not allowed, UrlUnreachable for any failure on the network,
    ImageTooLarge for a body of more than ``rules.max_bytes``.
    """
    deadline = Deadline(rules.timeout)
    for _ in range(REDIRECTS + 1):
        target = parse(url)
        if target.origin not in rules.origins:
            raise UrlNotAllowed
        try:
            location, body = send_request(target, rules, deadline)
        # One error for all of them, so that a client cannot explore the network by it.
        except (OSError, http.client.HTTPException, ValueError) as error:
            logger.info("A photo could not be downloaded from %s: %s", target.origin, error)
            raise UrlUnreachable from error
        if location is None:
            return body
        try:
            url = urljoin(url, location)
        except ValueError as error:
            raise UrlNotAllowed from error
    raise UrlUnreachable


def send_request(target: Target, rules: Rules, deadline: Deadline) -> tuple[str | None, bytes]:
    """Send one request; return ``(location, b"")`` for a redirect, else ``(None, body)``.

    Raises OSError for a network error or any status but 200, HTTPException for a malformed
    response, ImageTooLarge for a body over the limit.
    """
    connection = http.client.HTTPConnection(target.host, target.port)
    timed = open_connection(target, rules.networks, deadline)
    connection.sock = timed
    try:
        connection.request("GET", target.path, headers={"Host": target.authority, **HEADERS})
        response = connection.getresponse()
        if response.status in REDIRECTING:
            return response.headers.get("Location", ""), b""
        encoding = response.headers.get("Content-Encoding", "identity")
        if response.status != 200 or encoding.lower() != "identity":
            raise OSError(f"the response has status {response.status} and encoding {encoding}")
        return None, read_body(response, rules.max_bytes)
    finally:
        timed.socket.close()


def read_body(response: http.client.HTTPResponse, limit: int) -> bytes:
    """Return the body of a response; raise ImageTooLarge over ``limit`` bytes.

    Raises OSError if the body is shorter than announced.
    """
    too_large = ImageTooLarge(limit_mb=limit // 1_000_000)
    if (response.length or 0) > limit:
        raise too_large
    body = io.BytesIO()
    while chunk := response.read(CHUNK):
        body.write(chunk)
        if body.tell() > limit:
            raise too_large
    if response.length:
        raise OSError("the response is shorter than its Content-Length")
    return body.getvalue()


def open_connection(
    target: Target, networks: tuple[Network, ...], deadline: Deadline
) -> TimedSocket:
    """Return a connection to one of the addresses of the target's host.

    Raises OSError if an address is not allowed or none of them can be connected to.
    """
    addresses = before_deadline(deadline, lambda: resolve(target.host, target.port))
    if not addresses or not all(may_connect(each, networks) for each in addresses):
        raise OSError(f"{target.host} resolves to {addresses}, not all of which are allowed")
    for place, address in enumerate(addresses, 1):
        # Split the time between the addresses, as the first may not answer.
        seconds = deadline.left() / (len(addresses) - place + 1)
        try:
            plain = socket.create_connection((str(address), target.port), timeout=seconds)
            break
        except OSError:
            if place == len(addresses):
                raise
    try:
        if target.scheme == "http":
            return TimedSocket(plain, deadline)
        plain.settimeout(deadline.left())
        # Verify the certificate for the host name, although the connection is to an address.
        context = ssl.create_default_context()
        return TimedSocket(context.wrap_socket(plain, server_hostname=target.host), deadline)
    except BaseException:
        plain.close()
        raise


def resolve(host: str, port: int) -> list[Address]:
    """Return the distinct addresses of a host name, in the resolver's order."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(ipaddress.ip_address(each[4][0]) for each in found))


def before_deadline(deadline: Deadline, call: Callable[[], T]) -> T:
    """Run ``call`` and return its result, or raise its error; raise TimeoutError at the deadline.

    For a resolver, which cannot be interrupted: the call runs in a thread, which is abandoned at
    the deadline and ends when the resolver gives up.
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
        raise TimeoutError("the host name was not resolved in time") from error
    if not done:
        raise answer
    result: T = answer
    return result


class TimedSocket:
    """A connected socket for http.client, whose reads and writes all end at the deadline.

    A socket's own timeout would restart with every byte that a slow server sends.
    """

    def __init__(self, connected: socket.socket, deadline: Deadline):
        self.socket, self.deadline = connected, deadline

    def sendall(self, data: bytes) -> None:
        """Send all data; raise TimeoutError at the deadline."""
        self.socket.settimeout(self.deadline.left())
        self.socket.sendall(data)

    def makefile(self, mode: str) -> io.BufferedReader:
        """Return a buffered reader of the response."""
        return io.BufferedReader(TimedReader(self.socket, self.deadline))

    def close(self) -> None:
        """Do nothing: http.client calls this while the response is still being read."""


class TimedReader(io.RawIOBase):
    """The reading end of a :class:`TimedSocket` connection."""

    def __init__(self, connected: socket.socket, deadline: Deadline):
        self.socket, self.deadline = connected, deadline

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """Read available bytes into ``buffer`` and return their number.

        Raises TimeoutError at the deadline.
        """
        self.socket.settimeout(self.deadline.left())
        return self.socket.recv_into(buffer)
