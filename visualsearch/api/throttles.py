"""How often one client may search: counted in Django's cache, so in one place for all processes."""

from __future__ import annotations

import ipaddress
import logging
import math
import re
import time
from contextlib import suppress
from dataclasses import dataclass

from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase
from rest_framework.throttling import BaseThrottle

from .. import conf
from ..exceptions import Throttled

logger = logging.getLogger(__name__)

SEARCH, READ = "search", "read"
SCOPES = (SEARCH, READ)

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
RATE = re.compile(r"(?P<times>[1-9]\d*)/(?P<unit>s|sec|second|m|min|minute|h|hour|d|day)")

# A cache that hangs costs a request its timeout. For so many seconds it is not asked again.
CACHE_PAUSE = 10.0
_paused_until = 0.0


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """What is left to a client: ``reset`` is in how many seconds it may do all of it again."""

    limit: int
    remaining: int
    reset: int

    def as_headers(self) -> dict[str, str]:
        """As clients are told of it."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.remaining)),
            "RateLimit-Reset": str(self.reset),
        }


def parse_rate(rate: str) -> tuple[int, int]:
    """``60/min`` as times and seconds; ValueError for anything else."""
    found = RATE.fullmatch(rate)
    if found is None:
        raise ValueError(rate)
    return int(found["times"]), SECONDS[found["unit"][0]]


def spend(request: HttpRequest, scope: str) -> None:
    """Count a request, note on it what is left, and raise Throttled where that was one too many."""
    rate = (conf.get("THROTTLE") or {}).get(scope)
    if rate is None:
        return
    times, period = parse_rate(rate)
    now = time.time()
    reset = math.ceil(period - now % period)
    count = counted(f"visualsearch:{scope}:{client_of(request)}:{int(now // period)}", period)
    allowance = Allowance(limit=times, remaining=times - count, reset=reset)
    request.visual_search_allowance = allowance  # type: ignore[attr-defined]
    if allowance.remaining < 0:
        raise Throttled(seconds=reset)


def tell(request: HttpRequest, response: HttpResponseBase) -> None:
    """Put what :func:`spend` found into the answer's headers."""
    allowance: Allowance | None = getattr(request, "visual_search_allowance", None)
    for name, value in (allowance.as_headers() if allowance else {}).items():
        response[name] = value


def counted(key: str, period: int) -> int:
    """How often this was called with the key; 0 while the cache is down.

    A limit protects the search. It must not be what takes it down.
    """
    global _paused_until
    if time.monotonic() < _paused_until:
        return 0
    try:
        return incremented(key, period)
    except Exception:  # each back end of a cache has its own errors
        _paused_until = time.monotonic() + CACHE_PAUSE
        logger.warning("The cache is down: searches are not limited.", exc_info=True)
        return 0


def incremented(key: str, period: int) -> int:
    """One more under the key. It is mostly there already: that is tried first."""
    with suppress(ValueError):
        return int(cache.incr(key))
    if cache.add(key, 1, timeout=period):
        return 1
    with suppress(ValueError):  # another request was first
        return int(cache.incr(key))
    return 1


def client_of(request: HttpRequest) -> str:
    """Who asks: somebody who is logged in, or an address.

    Which address that is behind proxies, REST framework's setting ``NUM_PROXIES`` says.
    """
    user = getattr(request, "user", None)
    if user is not None and user.is_authenticated:
        return f"user-{user.pk}"
    return network_of(BaseThrottle().get_ident(request))  # type: ignore[arg-type]


def network_of(address: str) -> str:
    """An address as a part of a key; of IPv6 its network, all of which is one client's."""
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return re.sub(r"[^\w.]", "_", address)[:60]
    if parsed.version == 6:
        return parsed.exploded[:19].replace(":", "_")
    return str(parsed)
