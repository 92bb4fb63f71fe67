"""Send one HTTP request over a connection of its own."""

from __future__ import annotations

import http.client
import json
import time
from dataclasses import dataclass
from typing import Any

# Seconds; longer than any deadline of the shop.
TIMEOUT = 60


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A response; ``status`` is 0 if there is none. ``start``, ``end``: by time.monotonic."""

    status: int
    text: str
    start: float
    end: float
    retry_after: str | None = None

    @property
    def json(self) -> dict[str, Any]:
        """The parsed body."""
        found: dict[str, Any] = json.loads(self.text)
        return found

    @property
    def keys(self) -> list[str]:
        """The keys of the products in a page of results, best first."""
        return [each["product"]["key"] for each in self.json["results"]]


def send(
    port: int, method: str, path: str, body: bytes | None = None, media_type: str = ""
) -> Answer:
    """Send a request to the shop on ``port`` of this machine; return the answer or its absence."""
    start = time.monotonic()
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=TIMEOUT)
    try:
        connection.request(method, path, body, {"Content-Type": media_type} if media_type else {})
        response = connection.getresponse()
        text = response.read().decode("utf-8", "replace")
    except (OSError, http.client.HTTPException) as error:
        return Answer(status=0, text=repr(error), start=start, end=time.monotonic())
    finally:
        connection.close()
    return Answer(
        status=response.status,
        text=text,
        start=start,
        end=time.monotonic(),
        retry_after=response.getheader("Retry-After"),
    )


def search(port: int, photo: bytes, limit: int = 12) -> Answer:
    """Search by a photo's bytes."""
    path = f"/api/visual-search/search/?limit={limit}"
    return send(port, "POST", path, photo, "image/jpeg")
