"""How often one client may search: counted in Django's cache, so in one place for all processes."""

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
from .callers import client_of

logger = logging.getLogger(__name__)

SEARCH, READ, EVENTS = "search", "read", "events"
SCOPES = (SEARCH, READ, EVENTS)
# Of a storefront all customers come together; for each photo they may ask for so much else.
PER_PHOTO = 10

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


def spend(
    request: HttpRequest, scope: str, *, times: int = 1, storefront: Storefront | None = None
) -> None:
    """Count a request, note on it what is left, and raise Throttled where that was too many.

    ``times``: as how many it counts, which of a batch are its photos.
    """
    for key, rate in limits_on(request, scope, storefront):
        allowance = count(key, rate, times)
        noted = allowance_of(request)
        if noted is None or allowance.remaining <= noted.remaining:
            request.visual_search_allowance = allowance  # type: ignore[attr-defined]
        if allowance.remaining < 0:
            raise Throttled(seconds=allowance.reset)


def limits_on(
    request: HttpRequest, scope: str, storefront: Storefront | None
) -> Iterator[tuple[str, tuple[int, int]]]:
    """What is counted, under which key, and how often it may be in how many seconds."""
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


def count(key: str, rate: tuple[int, int], times: int) -> Allowance:
    """Count, and say what is left."""
    limit, period = rate
    now = time.time()
    used = counted(f"visualsearch:{key}:{int(now // period)}", period, times)
    return Allowance(limit=limit, remaining=limit - used, reset=math.ceil(period - now % period))


def allowance_of(request: HttpRequest) -> Allowance | None:
    """What :func:`spend` noted on a request, if anything limits it."""
    found: Allowance | None = getattr(request, "visual_search_allowance", None)
    return found


def tell(request: HttpRequest, response: HttpResponseBase) -> None:
    """Put what :func:`spend` found into the answer's headers."""
    allowance = allowance_of(request)
    for name, value in (allowance.as_headers() if allowance else {}).items():
        response[name] = value


def counted(key: str, period: int, times: int = 1) -> int:
    """How often that was with these ``times``; 0 while the cache is down.

    A limit protects the search. It must not be what takes it down.
    """
    global _paused_until
    if time.monotonic() < _paused_until:
        return 0
    try:
        return incremented(key, period, times)
    except Exception:  # each back end of a cache has its own errors
        _paused_until = time.monotonic() + CACHE_PAUSE
        logger.warning("The cache is down: searches are not limited.", exc_info=True)
        return 0


def incremented(key: str, period: int, times: int) -> int:
    """More under the key. It is mostly there already: that is tried first."""
    with suppress(ValueError):
        return int(cache.incr(key, times))
    if cache.add(key, times, timeout=period):
        return times
    with suppress(ValueError):  # another request was first
        return int(cache.incr(key, times))
    return times
