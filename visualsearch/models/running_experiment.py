"""Cache the running experiment in this process."""

from __future__ import annotations

import time

from django.core.signals import setting_changed

from . import Experiment

# Seconds for which a process caches the running experiment: a stopped one goes on for at most this
# long, and the database is asked at most this often.
CACHED_FOR = 1.0
_running: tuple[float, Experiment | None] | None = None


def running_experiment() -> Experiment | None:
    """Return the running experiment, None if there is none or its index version was deleted.

    Cached for :data:`CACHED_FOR` seconds.
    """
    global _running
    now = time.monotonic()
    if _running is None or now - _running[0] > CACHED_FOR:
        found = Experiment.objects.filter(running=True, version__isnull=False).first()
        _running = now, found
    return _running[1]


def cached_experiment() -> Experiment | None:
    """Return what :func:`running_experiment` returned last, without a database query."""
    return _running[1] if _running else None


def forget_experiment(**kwargs: object) -> None:
    """Drop the cached experiment, so that the next search reads it from the database."""
    global _running
    _running = None


setting_changed.connect(forget_experiment)
