"""Identify the caller of a search, and assign callers to the variants of an experiment."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from django.core.signals import setting_changed
from django.utils import timezone
from django.utils.crypto import salted_hmac

from .models import Experiment, Query

# Seconds for which a process caches the running experiment: a stopped one goes on for at most this
# long, and the database is asked at most this often.
KNOWN = 1.0


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The client that sent a search.

    ``storefront``: primary key of its Storefront, None for the shop's own pages. ``visitor``: the
    pseudonym to store, "" for an anonymous visitor. ``place``: the text that is hashed to assign
    the visitor to a variant of an experiment, "" to leave the visitor out of experiments; it is not
    stored.
    """

    storefront: int | None = None
    visitor: str = ""
    place: str = ""


NOBODY = Caller()


@dataclass(frozen=True, kw_only=True)
class Trace:
    """The storefront, visitor and variant to store with a search, and the version to search.

    ``experiment``: primary key of the running experiment, None outside one. ``variant``: a
    :class:`Query.Variant`, "" outside an experiment. ``version``: id of the index version to
    search, None for the active one.
    """

    storefront: int | None = None
    visitor: str = ""
    experiment: int | None = None
    variant: str = ""
    version: int | None = None


def pseudonym(kind: str, name: object, storefront: int | None = None) -> str:
    """Return the id to store for a visitor: a keyed hash of 32 hexadecimal digits.

    ``kind``: namespace of ``name``, such as "user". The same kind and name give the same id within
    a storefront, and different ids in different storefronts. The name cannot be computed from the
    id.
    """
    whole = f"{storefront or ''}:{kind}:{name}"
    return salted_hmac("visualsearch.visitor", whole, algorithm="sha256").hexdigest()[:32]


def trace_of(caller: Caller) -> Trace:
    """Return the data to store about a caller, and the index version to search for them.

    In a running experiment, that is its version for a caller of the treatment. Otherwise
    ``version`` is None: the active one.
    """
    trace = Trace(storefront=caller.storefront, visitor=caller.visitor)
    experiment = running() if caller.place else None
    if experiment is None:
        return trace
    treated = experiment.has(caller.place, timezone.now())
    return replace(
        trace,
        experiment=experiment.pk,
        variant=Query.Variant.TREATMENT if treated else Query.Variant.CONTROL,
        version=experiment.version_id if treated else None,
    )


_running: tuple[float, Experiment | None] | None = None


def running() -> Experiment | None:
    """Return the running experiment, None if there is none or its index version was deleted.

    Cached for :data:`KNOWN` seconds.
    """
    global _running
    now = time.monotonic()
    if _running is None or now - _running[0] > KNOWN:
        found = Experiment.objects.filter(running=True, version__isnull=False).first()
        _running = now, found
    return _running[1]


def known() -> Experiment | None:
    """Return the experiment that :func:`running` returned last, without a database query."""
    return _running[1] if _running else None


def forget(**kwargs: object) -> None:
    """Drop the cached experiment, so that the next search reads it from the database."""
    global _running
    _running = None


setting_changed.connect(forget)
