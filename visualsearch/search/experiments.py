"""Assign callers to the variants of the running experiment."""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.utils import timezone

from ..models import Query
from ..models.running_experiment import running_experiment
from .callers import Caller


@dataclass(frozen=True, kw_only=True)
class Attribution:
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


def attribute(caller: Caller) -> Attribution:
    """Return the data to store about a caller, and the index version to search for them.

    In a running experiment, that is its version for a caller of the treatment. Otherwise
    ``version`` is None: the active one.
    """
    found = Attribution(storefront=caller.storefront, visitor=caller.visitor)
    experiment = running_experiment() if caller.place else None
    if experiment is None:
        return found
    treated = experiment.has(caller.place, timezone.now())
    return replace(
        found,
        experiment=experiment.pk,
        variant=Query.Variant.TREATMENT if treated else Query.Variant.CONTROL,
        version=experiment.version_id if treated else None,
    )
