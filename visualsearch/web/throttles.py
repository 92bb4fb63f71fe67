"""Rate limits per client, counted in Django's cache so that all processes share the counts."""

from __future__ import annotations

import logging
import math
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass

from django.core.cache import cache
from django.http import HttpRequest, HttpResponseBase

from .. import conf
from ..exceptions import Throttled
from ..models import Storefront
from .clients import client_of

logger = logging.getLogger(__name__)

SEARCH, READ, EVENTS = "search", "read", "events"
SCOPES = (SEARCH, READ, EVENTS)
# A storefront's rate is for the photos of all its customers together. Its other requests may be
# this many times as frequent.
PER_PHOTO = 10

SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}
RATE = re.compile(r"(?P<times>[1-9]\d*)/(?P<unit>s|sec|second|m|min|minute|h|hour|d|day)")

# Seconds for which a failing cache is not used: if it hangs, each request waits for its timeout.
CACHE_PAUSE = 10.0
_paused_until = 0.0


@dataclass(frozen=True, kw_only=True)
class Allowance:
    """The requests that a client has left; ``remaining`` is negative over the limit.

    ``reset``: seconds until the client has ``limit`` requests again.
    """

    limit: int
    remaining: int
    reset: int

    def as_headers(self) -> dict[str, str]:
        """Return the headers RateLimit-Limit, RateLimit-Remaining and RateLimit-Reset."""
        return {
            "RateLimit-Limit": str(self.limit),
            "RateLimit-Remaining": str(max(0, self.remaining)),
            "RateLimit-Reset": str(self.reset),
        }


def parse_rate(rate: str) -> tuple[int, int]:
    """Parse a rate such as ``60/min`` into (requests, seconds); raise ValueError if malformed."""
    found = RATE.fullmatch(rate)
    if found is None:
        raise ValueError(rate)
    return int(found["times"]), SECONDS[found["unit"][0]]


def count_request(
    request: HttpRequest, scope: str, *, times: int = 1, storefront: Storefront | None = None
) -> None:
    """Count a request against the client's rate limits; raise Throttled if one is exceeded.

    ``scope``: one of :data:`SCOPES`. ``times``: how many requests it counts as; each photo of a
    batch counts as one. The smallest remaining allowance is stored on the request, see
    :func:`allowance_of`.
    """
    for key, rate in limits_on(request, scope, storefront):
        allowance = allowance_for(key, rate, times)
        noted = allowance_of(request)
        if noted is None or allowance.remaining <= noted.remaining:
            request.visual_search_allowance = allowance  # type: ignore[attr-defined]
        if allowance.remaining < 0:
            raise Throttled(seconds=allowance.reset)


def limits_on(
    request: HttpRequest, scope: str, storefront: Storefront | None
) -> Iterator[tuple[str, tuple[int, int]]]:
    """Yield each limit of a request as its cache key and its rate (requests, seconds)."""
    if storefront is None:
        rate = (conf.get("THROTTLE") or {}).get(scope)
        if rate is not None:
            yield f"{scope}:{client_of(request)}", parse_rate(rate)
        return
    times, period = parse_rate(storefront.rate)
    photo = scope == SEARCH
    yield f"{scope}:storefront-{storefront.pk}", (times if photo else times * PER_PHOTO, period)
    if photo and storefront.quota is not None:
        yield f"quota:storefront-{storefront.pk}", (storefront.quota, SECONDS["d"])


def allowance_for(key: str, rate: tuple[int, int], times: int) -> Allowance:
    """Record ``times`` more requests of a client; return its remaining allowance.

    ``key``: identifies client and limit in the cache; ``rate``: (requests, seconds).
    """
    limit, period = rate
    now = time.time()
    used = increment_or_zero(f"visualsearch:{key}:{int(now // period)}", period, times)
    return Allowance(limit=limit, remaining=limit - used, reset=math.ceil(period - now % period))


def allowance_of(request: HttpRequest) -> Allowance | None:
    """Return the allowance that :func:`count_request` stored on a request, None without a limit."""
    found: Allowance | None = getattr(request, "visual_search_allowance", None)
    return found


def add_headers(request: HttpRequest, response: HttpResponseBase) -> None:
    """Set the RateLimit headers of a response, if the request has a limit."""
    allowance = allowance_of(request)
    for name, value in (allowance.as_headers() if allowance else {}).items():
        response[name] = value


def increment_or_zero(key: str, period: int, times: int = 1) -> int:
    """Add ``times`` to a counter and return its value; return 0 while the cache is down.

    ``period``: seconds until the counter expires. The limits protect the search, so a failing cache
    must not stop it.
    """
    global _paused_until
    if time.monotonic() < _paused_until:
        return 0
    try:
        return increment(key, period, times)
    except Exception:  # each cache backend has its own errors
        _paused_until = time.monotonic() + CACHE_PAUSE
        logger.warning("The cache is down, so rate limits are not enforced.", exc_info=True)
        return 0


def increment(key: str, period: int, times: int) -> int:
    """Add ``times`` to a counter in the cache and return its value; create it if missing."""
    with suppress(ValueError):
        return int(cache.incr(key, times))
    if cache.add(key, times, timeout=period):
        return times
    with suppress(ValueError):  # another request was first
        return int(cache.incr(key, times))
    return times
