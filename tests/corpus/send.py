"""Send a file to a running server by every kind of upload."""

from __future__ import annotations

import base64
import http.client
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from tests.stack.browser import multipart

# Default timeout of a response in seconds.
SLOWEST = 10.0
PATHS = ("search", "classify")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """The response to an upload.

    ``code``: of the error, or the warnings. ``failure`` is empty if the response is as expected.
    """

    file: str
    way: str
    status: int
    code: str
    seconds: float
    failure: str


def bodies(data: bytes) -> Iterator[tuple[str, str, bytes]]:
    """Yield name, content type and body of each kind of upload."""
    files = {"image": ("photo", "application/octet-stream", data)}
    yield "multipart", "multipart/form-data; boundary=xyz", multipart({}, files, "xyz")
    yield "raw", "image/jpeg", data
    text = base64.b64encode(data).decode()
    yield "base64", "application/json", json.dumps({"image": text}).encode()
    url = f"data:image/jpeg;base64,{text}"
    yield "data URL", "application/json", json.dumps({"image": url}).encode()


def send(file: Path, url: str, slowest: float = SLOWEST) -> Iterator[Outcome]:
    """Upload a file in every way; yield the outcomes. Over ``slowest`` seconds is a failure."""
    for way, kind, body in bodies(file.read_bytes()):
        for path in PATHS:
            status, code, seconds, failure = ask(url, path, kind, body, slowest)
            yield Outcome(
                file=file.name, way=f"{path}, {way}", status=status, code=code, seconds=seconds,
                failure=failure,
            )  # fmt: skip


def ask(url: str, path: str, kind: str, body: bytes, slowest: float) -> tuple[int, str, float, str]:
    """Send a request; return status, error code, seconds, and the failure if any."""
    parts, start = urlsplit(url), time.monotonic()
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=slowest)
    try:
        connection.request("POST", f"/api/visual-search/{path}/", body, {"Content-Type": kind})
        response = connection.getresponse()
        text = response.read()
    except (TimeoutError, OSError, http.client.HTTPException) as error:
        return 0, "", time.monotonic() - start, f"no answer: {error!r}"
    finally:
        connection.close()
    seconds = time.monotonic() - start
    code, failure = judged(response.status, response.getheader("Content-Type", ""), text)
    if seconds > slowest:
        failure = "too slow"
    return response.status, code, seconds, failure


def judged(status: int, kind: str, text: bytes) -> tuple[str, str]:
    """Return a response's error code or warnings, and what is wrong with it if anything."""
    try:
        body = json.loads(text)
        said = body.get("warnings", []) if status == 200 else [body["errors"][0]["code"]]
        code = ", ".join(said)
    except (ValueError, LookupError, TypeError, AttributeError):
        return "", "not the JSON that was agreed on"
    if not kind.startswith("application/json"):
        return code, f"declared as {kind}"
    return code, "server error" if status >= 500 else ""
