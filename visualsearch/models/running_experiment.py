"""Cache the running experiment in this process."""

from __future__ import annotations

import time

from django.core.signals import setting_changed

from ..catalogs.names import current_catalog_name
from . import Experiment

# Seconds for which a process caches the running experiment: a stopped one goes on for at most this
# long, and the database is asked at most this often.
CACHED_FOR = 1.0
# By the name of the catalog: when it was read, and the experiment.
_running: dict[str, tuple[float, Experiment | None]] = {}


def running_experiment() -> Experiment | None:
    """Return the catalog's running experiment, None without one or if its version was deleted.

    Cached for :data:`CACHED_FOR` seconds.
    """
    name, now = current_catalog_name(), time.monotonic()
    read, experiment = _running.get(name, (None, None))
    if read is None or now - read > CACHED_FOR:
        experiment = Experiment.objects.filter(running=True, version__isnull=False).first()
        _running[name] = now, experiment
    return experiment


def cached_experiments() -> list[Experiment]:
    """Return the running experiments of all catalogs that were read last, without a query."""
    return [experiment for _read, experiment in list(_running.values()) if experiment]


def forget_experiment(**kwargs: object) -> None:
    """Drop the cached experiment, so that the next search reads it from the database."""
    _running.clear()


setting_changed.connect(forget_experiment)
