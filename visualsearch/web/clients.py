"""Identify the client: a storefront by its API key, a logged-in customer, or an IP address."""

from __future__ import annotations

import ipaddress
import re

from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle

from .. import conf
from ..exceptions import ApiKeyInvalid, ApiKeyMissing
from ..models import Storefront
from ..search.callers import Caller, pseudonym

KEY_HEADER = "X-Api-Key"


def storefront_of(request: HttpRequest) -> Storefront | None:
    """Return the storefront of the request's API key, None without a key.

    Raises ApiKeyInvalid for an unknown key.
    """
    key = request.headers.get(KEY_HEADER, "")
    if not key:
        return None
    storefront = Storefront.of_key(key)
    if storefront is None:
        raise ApiKeyInvalid
    return storefront


def check_key_is_optional(request: HttpRequest) -> None:
    """Raise ApiKeyMissing for a request without a key if the setting REQUIRE_API_KEY is on.

    The shop's own pages need no key, because browsers mark same-origin requests. A program can fake
    that mark; it then has the rate limits of any client without a key.
    """
    own = request.headers.get("Sec-Fetch-Site") == "same-origin"
    if conf.get("REQUIRE_API_KEY") and not own:
        raise ApiKeyMissing


def caller_of(request: HttpRequest, storefront: Storefront | None, visitor: str = "") -> Caller:
    """Return the caller to attribute a search to.

    ``visitor``: the storefront's name for its customer, "" if it sends none. Visitors and logged-in
    users are stored as pseudonyms. Other clients are identified by a hash of their IP address, only
    to assign them to a variant of an experiment; the address itself is not stored.
    """
    pk = storefront.pk if storefront else None
    user = user_of(request)
    if visitor:
        name = pseudonym("visitor", visitor, pk)
    elif user is not None:
        name = pseudonym("user", user)
    else:
        name = ""
    return Caller(
        storefront=pk, visitor=name, place=name or pseudonym("client", client_of(request))
    )


def client_of(request: HttpRequest) -> str:
    """Return the part of a cache key that identifies a client: by its user, else by IP address.

    Behind proxies, REST framework's setting ``NUM_PROXIES`` determines the address.
    """
    user = user_of(request)
    if user is not None:
        return f"user-{user}"
    return network_of(BaseThrottle().get_ident(request))  # type: ignore[arg-type]


def user_of(request: HttpRequest) -> object:
    """Return the primary key of the logged-in user, None for an anonymous client."""
    user = getattr(request, "user", None)
    return user.pk if user is not None and user.is_authenticated else None


def network_of(address: str) -> str:
    """Return an IP address as part of a cache key.

    An IPv6 address is shortened to its /64 network, because one client may use all of it.
    """
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return re.sub(r"[^\w.]", "_", address)[:60]
    if parsed.version == 6:
        return parsed.exploded[:19].replace(":", "_")
    return str(parsed)
