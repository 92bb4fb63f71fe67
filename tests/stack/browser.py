"""An HTTP client of the standard library with cookies, CSRF tokens and file uploads."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from http.cookiejar import CookieJar
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import HTTPCookieProcessor, ProxyHandler, Request, build_opener

# Seconds; longer than any deadline of the shop.
TIMEOUT = 120

# Name, media type and bytes of an uploaded file.
File = tuple[str, str, bytes]


class Unreachable(Exception):
    """Raised if the server does not answer."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response. ``path`` is that of the last redirect; print ``seconds``, do not assert them."""

    status: int
    path: str
    media_type: str
    text: str
    seconds: float
    headers: Mapping[str, str]

    @property
    def json(self) -> dict[str, Any]:
        """The parsed body; fails if it is not declared as JSON."""
        assert self.media_type == "application/json", f"{self.status} {self.text[:500]}"
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The error code of a response that has one error in the API's format."""
        (error,) = self.json["errors"]
        assert error["detail"]
        return error["code"]


class Browser:
    """A visitor with cookies."""

    def __init__(self, origin: str):
        self.origin = origin
        self.cookies = CookieJar()
        # Local requests must not use a proxy from the environment.
        self.opener = build_opener(HTTPCookieProcessor(self.cookies), ProxyHandler({}))

    def get(self, path: str, **headers: str) -> Answer:
        """Get a page by path or absolute URL."""
        return self.send(Request(self.absolute(path), headers=headers))

    def post(
        self,
        path: str,
        fields: Mapping[str, Any],
        files: Mapping[str, File] | None = None,
        headers: Mapping[str, str] = {},
    ) -> Answer:
        """Post a multipart form with the CSRF token."""
        boundary = uuid.uuid4().hex
        body = multipart(fields, files or {}, boundary)
        headers = {
            **headers,
            "Content-Type": f"multipart/form-data; boundary={boundary}",
            "X-CSRFToken": self.csrf_token(),
        }
        return self.send(Request(self.absolute(path), data=body, headers=headers))

    def post_json(self, path: str, body: Mapping[str, Any]) -> Answer:
        """Post a JSON body."""
        headers = {"Content-Type": "application/json"}
        data = json.dumps(body).encode()
        return self.send(Request(self.absolute(path), data=data, headers=headers))

    def post_body(self, path: str, body: bytes, media_type: str) -> Answer:
        """Post bytes as they are."""
        headers = {"Content-Type": media_type}
        return self.send(Request(self.absolute(path), data=body, headers=headers))

    def search(self, photo: bytes, query: str = "", **fields: object) -> Answer:
        """Search by photo through the API."""
        files = {"image": ("photo.jpg", "image/jpeg", photo)}
        return self.post(f"/api/visual-search/search/{query}", fields, files)

    def csrf_token(self) -> str:
        """Return the CSRF token of the cookie, or an empty string."""
        return next((each.value or "" for each in self.cookies if each.name == "csrftoken"), "")

    def absolute(self, path: str) -> str:
        """Return the URL of a path."""
        return path if path.startswith("http:") else self.origin + path

    def send(self, request: Request) -> Answer:
        """Send a request; return the answer, whatever its status. Raises Unreachable."""
        start = time.monotonic()
        try:
            try:
                response = self.opener.open(request, timeout=TIMEOUT)
            except HTTPError as error:
                response = error
            with response:
                text = response.read().decode("utf-8", "replace")
        except (URLError, OSError) as error:
            raise Unreachable(str(error)) from error
        return Answer(
            status=response.status,
            path=urlsplit(response.url).path,
            media_type=response.headers.get_content_type(),
            text=text,
            seconds=time.monotonic() - start,
            headers=response.headers,
        )


def multipart(fields: Mapping[str, Any], files: Mapping[str, File], boundary: str) -> bytes:
    """Return the body of a multipart form."""
    parts = [
        f'Content-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'.encode()
        for name, value in fields.items()
    ]
    for name, (filename, media_type, content) in files.items():
        head = f'Content-Disposition: form-data; name="{name}"; filename="{filename}"\r\n'
        parts.append(f"{head}Content-Type: {media_type}\r\n\r\n".encode() + content + b"\r\n")
    start = f"--{boundary}\r\n".encode()
    return b"".join(start + part for part in parts) + f"--{boundary}--\r\n".encode()
