"""Middleware that sends the Content-Security-Policies of the tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]


def sending(policy: str) -> Callable[[GetResponse], Any]:
    """Return middleware that adds a policy to every response."""

    def middleware(get_response: GetResponse) -> Any:
        def answer(request: HttpRequest) -> HttpResponse:
            response = get_response(request)
            response["Content-Security-Policy"] = policy
            return response

        return answer

    return middleware


# No inline scripts or styles, and no data: or blob: URLs.
strict = sending("default-src 'self'")
# The admin shows the uploaded photo.
with_pictures = sending("default-src 'self'; img-src 'self' data:")
