"""Content-Security-Policies that pages are tested under, as middleware."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.http import HttpRequest, HttpResponse

GetResponse = Callable[[HttpRequest], HttpResponse]


def sending(policy: str) -> Callable[[GetResponse], Any]:
    """Middleware that sends a policy with every answer."""

    def middleware(get_response: GetResponse) -> Any:
        def answer(request: HttpRequest) -> HttpResponse:
            response = get_response(request)
            response["Content-Security-Policy"] = policy
            return response

        return answer

    return middleware


# No inline script or style, and no data: or blob: of any kind.
strict = sending("default-src 'self'")
# The admin shows the photo that it was given.
with_pictures = sending("default-src 'self'; img-src 'self' data:")
