"""Who asks: a storefront by its key, a customer who is logged in, or an address."""

from __future__ import annotations

import ipaddress
import re

from django.http import HttpRequest
from rest_framework.throttling import BaseThrottle

from .. import conf
from ..callers import Caller, pseudonym
from ..exceptions import ApiKeyInvalid, ApiKeyMissing
from ..models import Storefront

KEY_HEADER = "X-Api-Key"


def storefront_of(request: HttpRequest) -> Storefront | None:
    """The storefront whose key a request has; raises ApiKeyInvalid, or ApiKeyMissing.

    The shop's own pages need none: browsers say where a request comes from. A program can say the
    same, and then has the limits of any client without a key.
    """
    key = request.headers.get(KEY_HEADER, "")
    if not key:
        own = request.headers.get("Sec-Fetch-Site") == "same-origin"
        if conf.get("REQUIRE_API_KEY") and not own:
            raise ApiKeyMissing
        return None
    storefront = Storefront.of_key(key)
    if storefront is None:
        raise ApiKeyInvalid
    return storefront


def caller_of(request: HttpRequest, storefront: Storefront | None, visitor: str = "") -> Caller:
    """For whom a search counts.

    ``visitor``: what the storefront calls its customer, if it says so. Somebody who is logged in
    has a name as well. All others are told apart by a digest of their address, and that is not
    stored.
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
    """Whose requests are counted together: somebody who is logged in, or an address.

    Which address that is behind proxies, REST framework's setting ``NUM_PROXIES`` says.
    """
    user = user_of(request)
    if user is not None:
        return f"user-{user}"
    return network_of(BaseThrottle().get_ident(request))  # type: ignore[arg-type]


def user_of(request: HttpRequest) -> object:
    """The primary key of who is logged in, if anybody is.

    Kept on the request, for REST framework puts a user of its own in place of the session's.
    """
    if not hasattr(request, "visual_search_user"):
        user = getattr(request, "user", None)
        known = user is not None and user.is_authenticated
        request.visual_search_user = user.pk if known else None  # type: ignore[attr-defined,union-attr]
    return request.visual_search_user  # type: ignore[attr-defined]


def network_of(address: str) -> str:
    """An address as a part of a key; of IPv6 its network, all of which is one client's."""
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return re.sub(r"[^\w.]", "_", address)[:60]
    if parsed.version == 6:
        return parsed.exploded[:19].replace(":", "_")
    return str(parsed)
