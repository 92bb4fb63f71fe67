"""Identify the caller of a search, and choose the index version that an experiment gives them."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from django.core.signals import setting_changed
from django.utils import timezone
from django.utils.crypto import salted_hmac

from .models import Experiment, Query

# Seconds for which a process caches the running experiment: the longest delay after one is
# stopped, and the shortest time between two queries for it.
KNOWN = 1.0


@dataclass(frozen=True, kw_only=True)
class Caller:
    """The client that sent a search.

    ``storefront``: primary key of its storefront, None for the shop itself. ``visitor``: the stored
    pseudonym, empty for an anonymous visitor. ``place``: the key that assigns a visitor to a
    variant of an experiment; it is not stored.
    """

    storefront: int | None = None
    visitor: str = ""
    place: str = ""


NOBODY = Caller()


@dataclass(frozen=True, kw_only=True)
class Trace:
    """A caller's storefront, visitor and variant, as stored with a query.

    ``version``: the index version to search, None for the active one.
    """

    storefront: int | None = None
    visitor: str = ""
    experiment: int | None = None
    variant: str = ""
    version: int | None = None


def pseudonym(kind: str, name: object, storefront: int | None = None) -> str:
    """Return the stored id of a visitor: a keyed hash, stable per storefront and not reversible."""
    whole = f"{storefront or ''}:{kind}:{name}"
    return salted_hmac("visualsearch.visitor", whole, algorithm="sha256").hexdigest()[:32]


def trace_of(caller: Caller) -> Trace:
    """Return the trace of a caller, with their variant of the running experiment."""
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
    """Return the running experiment, or None; cached for :data:`KNOWN` seconds."""
    global _running
    now = time.monotonic()
    if _running is None or now - _running[0] > KNOWN:
        found = Experiment.objects.filter(running=True, version__isnull=False).first()
        _running = now, found
    return _running[1]


def known() -> Experiment | None:
    """Return the experiment that :func:`running` found last, without a database query."""
    return _running[1] if _running else None


def forget(**kwargs: object) -> None:
    """Drop the cached experiment; the next search reads it from the database."""
    global _running
    _running = None


setting_changed.connect(forget)
