"""A web server of pictures whose paths select its behaviour and that records its requests."""

from __future__ import annotations

import gzip
import ssl
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from tests.helpers.pictures import encoded, picture

PHOTO = encoded(picture(3))


class PictureServer(ThreadingHTTPServer):
    """A server that runs inside ``with``; ``requests`` has the path and headers of each request."""

    daemon_threads = True
    block_on_close = False

    def __init__(
        self, host: str = "127.0.0.1", port: int = 0, *, tls: ssl.SSLContext | None = None
    ):
        super().__init__((host, port), Pictures)
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.sent = 0
        self.closing = threading.Event()
        if tls is not None:
            self.socket = tls.wrap_socket(self.socket, server_side=True)
        self.origin = f"{'https' if tls else 'http'}://{host}:{self.server_port}"
        self.thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def __enter__(self) -> PictureServer:
        self.thread.start()
        return self

    def __exit__(self, *args: object) -> None:
        self.closing.set()
        self.shutdown()
        self.server_close()
        self.thread.join()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Ignore errors: tests make clients disconnect midway."""


class Pictures(BaseHTTPRequestHandler):
    server: PictureServer

    def log_message(self, *args: object) -> None:
        pass

    def do_GET(self) -> None:
        self.server.requests.append((self.path, dict(self.headers.items())))
        name, _, argument = self.path.lstrip("/").partition("/")
        getattr(self, f"send_{name.partition('?')[0].partition('.')[0]}", self.send_missing)(
            argument
        )

    def answer(self, body: bytes, status: int = 200, **headers: object) -> None:
        self.send_response(status)
        for header, value in {"Content_Length": len(body), **headers}.items():
            if value is not None:
                self.send_header(header.replace("_", "-"), str(value))
        self.end_headers()
        self.write(body)

    def write(self, data: bytes) -> None:
        self.wfile.write(data)
        self.server.sent += len(data)

    def send_missing(self, argument: str) -> None:
        self.answer(b"nothing", 404)

    def send_photo(self, argument: str) -> None:
        self.answer(PHOTO, Set_Cookie="visitor=1")

    def send_empty(self, argument: str) -> None:
        self.answer(b"")

    def send_text(self, argument: str) -> None:
        self.answer(b"secret words of the intranet")

    def send_to(self, argument: str) -> None:
        """Redirect to the URL that is quoted in the path."""
        self.answer(b"", 302, Location=unquote(argument))

    def send_round(self, argument: str) -> None:
        """Redirect the given number of times, then send the photo."""
        left = int(argument)
        self.answer(b"", 307, Location=f"/round/{left - 1}" if left > 1 else "/photo")

    def send_announced(self, argument: str) -> None:
        """Declare the given Content-Length and send nothing."""
        self.answer(b"", Content_Length=argument)

    def send_endless(self, argument: str) -> None:
        """Send far more than is allowed, without a Content-Length."""
        self.answer(b"", Content_Length=None)
        for _ in range(4000):
            self.write(b"\xff" * 65536)

    def send_torn(self, argument: str) -> None:
        self.answer(PHOTO[:200], Content_Length=len(PHOTO))

    def send_bomb(self, argument: str) -> None:
        """Send a gzip bomb that the client did not ask for."""
        self.answer(gzip.compress(bytes(50_000_000)), Content_Encoding="gzip")

    def send_trickle(self, argument: str) -> None:
        """Send a byte every 20 ms for ever, in the headers or in the body."""
        head = b"HTTP/1.0 200 OK\r\nContent-Length: 1000000\r\n"
        self.write({"headers": head + b"X: ", "body": head + b"\r\n"}[argument])
        while not self.server.closing.wait(0.02):
            self.write(b"x")

    def send_silence(self, argument: str) -> None:
        self.server.closing.wait()
