"""Fixtures for metrics and probes. All tests share the metrics, so compare differences."""

from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY


@pytest.fixture
def grown() -> Callable[..., float]:
    """A function that returns how much a sample has grown since the test began."""

    def now(name: str, labels: dict[str, str]) -> float:
        return REGISTRY.get_sample_value(name, labels) or 0.0

    start = {
        (sample.name, frozenset(sample.labels.items())): sample.value
        for family in REGISTRY.collect()
        for sample in family.samples
    }

    def difference(name: str, **labels: str) -> float:
        return now(name, labels) - start.get((name, frozenset(labels.items())), 0.0)

    return difference


@pytest.fixture
def in_this_thread(monkeypatch):
    """Run probes in the test's own thread, which has the test's database."""
    for module in ("prometheus.state", "health.checks"):
        monkeypatch.setattr(f"visualsearch.contrib.{module}.within", lambda seconds, ask: ask())


@pytest.fixture
def lasting_heartbeats(monkeypatch):
    """Let one heartbeat of a worker count for the whole test."""
    monkeypatch.setattr("visualsearch.search_queue.heartbeat.SILENCE", 600)
