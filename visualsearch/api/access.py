"""Who may use the API and how often, and in which form it answers: the views' policy classes.

They are set on the views, so that a host project's REST framework defaults change nothing here.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from django.apps import apps
from rest_framework.authentication import BaseAuthentication
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.permissions import BasePermission
from rest_framework.renderers import BaseRenderer, JSONRenderer
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from ..exceptions import ApiKeyInvalid
from ..web import clients, throttles


class StorefrontAuthentication(BaseAuthentication):
    """Identify a storefront by its API key (``request.auth``), and the shop's logged-in customer.

    Uses no session of its own, and so needs no CSRF token.
    """

    def authenticate(self, request: Request) -> tuple[Any, Any]:
        """Return the user and the Storefront, None without a key; raise ApiKeyInvalid."""
        sent = request._request
        user = getattr(sent, "user", None) or anonymous()
        try:
            return user, clients.storefront_of(sent)
        except ApiKeyInvalid:
            throttles.count_request(sent, scope_of(request))  # guessing keys is limited, too
            raise

    def authenticate_header(self, request: Request) -> str:
        return "ApiKey"


def anonymous() -> Any:
    """Return the user of a request without one; None if the shop has no ``django.contrib.auth``."""
    if not apps.is_installed("django.contrib.auth"):
        return None
    from django.contrib.auth.models import AnonymousUser

    return AnonymousUser()


def scope_of(request: Request) -> str:
    """Return the ``scope`` of the view that handles a request."""
    scope: str = request.parser_context["view"].scope
    return scope


class ApiKeyPermission(BasePermission):
    """Require an API key, if the setting REQUIRE_API_KEY is on, except on the shop's own pages."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return True; raise ApiKeyMissing if the request needs a key."""
        if request.auth is None:
            clients.check_key_is_optional(request._request)
        return True


class RateLimit(BaseThrottle):
    """Count a request against the limits of its client in the view's ``scope``."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Return True; raise Throttled if a limit is exceeded."""
        storefront: Any = request.auth
        throttles.count_request(request._request, scope_of(request), storefront=storefront)
        return True


class AlwaysJSON(DefaultContentNegotiation):
    """Answer in JSON whatever the client accepts; ``?format=`` is left to the shop's filters."""

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        """Return the first renderer and its media type."""
        first = next(iter(renderers))
        return first, first.media_type or ""


class CompactJSON(JSONRenderer):
    """Compact UTF-8 JSON, whatever the host project's settings for JSON are."""

    ensure_ascii, compact, strict = False, True, True
