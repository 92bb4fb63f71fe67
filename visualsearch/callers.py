"""Who searches, as far as it matters: for whom it counts, and which index version they get."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

from django.core.signals import setting_changed
from django.utils import timezone
from django.utils.crypto import salted_hmac

from .models import Experiment, Query

# Seconds for which a process goes on with the experiment that it knows: so long a stopped one is
# felt, and so seldom the database is asked.
KNOWN = 1.0


@dataclass(frozen=True, kw_only=True)
class Caller:
    """``storefront``: the key of the one that searches, None for the shop itself.

    ``visitor``: the pseudonym that is stored, empty where nobody has a name. ``place``: what an
    experiment tells visitors apart by; it is not stored.
    """

    storefront: int | None = None
    visitor: str = ""
    place: str = ""


NOBODY = Caller()


@dataclass(frozen=True, kw_only=True)
class Trace:
    """What a query keeps of its caller, and the index version that the caller gets (None: any)."""

    storefront: int | None = None
    visitor: str = ""
    experiment: int | None = None
    variant: str = ""
    version: int | None = None


def pseudonym(kind: str, name: object, storefront: int | None = None) -> str:
    """What is stored of a visitor: the same for the same one, and without use to anybody else."""
    whole = f"{storefront or ''}:{kind}:{name}"
    return salted_hmac("visualsearch.visitor", whole, algorithm="sha256").hexdigest()[:32]


def trace_of(caller: Caller) -> Trace:
    """Where a caller belongs now."""
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
    """The experiment that runs, if one does, as it was a moment ago at the most."""
    global _running
    now = time.monotonic()
    if _running is None or now - _running[0] > KNOWN:
        found = Experiment.objects.filter(running=True, version__isnull=False).first()
        _running = now, found
    return _running[1]


def known() -> Experiment | None:
    """The same without asking the database."""
    return _running[1] if _running else None


def forget(**kwargs: object) -> None:
    """Ask the database again at the next search."""
    global _running
    _running = None


setting_changed.connect(forget)
