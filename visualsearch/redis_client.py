"""The Redis connections of the search queue, and its keys."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import redis
from django.core.signals import setting_changed
from redis.backoff import NoBackoff
from redis.retry import Retry

from . import conf
from .catalogs.names import name_of_only_catalog

# Timeout of every Redis command, in seconds.
TIMEOUT = 1.0


@lru_cache(maxsize=4)
def connect(url: str) -> redis.Redis:
    """Return the cached Redis client of this process for a URL.

    The connection pool of the client reconnects after a fork.
    """
    return redis.Redis.from_url(
        url,
        socket_timeout=TIMEOUT,
        socket_connect_timeout=TIMEOUT,
        # Reconnect once after a restart of Redis; do not retry after a timeout.
        retry=Retry(NoBackoff(), 1, supported_errors=(redis.ConnectionError,)),
    )


def client() -> redis.Redis:
    """Return the client of the configured Redis."""
    return connect(conf.get("REDIS_URL"))


def key_of(kind: str, name: str) -> str:
    """Return a Redis key, ``visualsearch:<kind>:<name>``.

    ``kind``: ``job``, ``answer`` and ``taken`` (the worker that took the job) with the job's id as
    ``name``; ``worker`` (a heartbeat) with the worker's name.
    """
    return f"visualsearch:{kind}:{name}"


def shared_key(kind: str) -> str:
    """Return the Redis key that all processes with the same catalogs share.

    ``kind``: ``jobs``, ``later`` or ``alive``. Sites with settings of their own may use one Redis:
    the key contains the name of the only catalog, because another site's worker cannot search it.
    """
    name = "" if conf.get("CATALOGS") else name_of_only_catalog()
    return f"visualsearch:{kind}:{name}" if name else f"visualsearch:{kind}"


def pipeline(*, transaction: bool = False) -> Any:
    """Return a Redis pipeline, which sends several commands in one round trip.

    ``transaction``: whether Redis executes them atomically.
    """
    return client().pipeline(transaction=transaction)


def drop_clients(*, setting: str, **kwargs: object) -> None:
    """Drop the cached Redis clients when a test overrides the settings."""
    if setting == "VISUALSEARCH":
        connect.cache_clear()


setting_changed.connect(drop_clients)
