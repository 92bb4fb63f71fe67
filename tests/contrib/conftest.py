"""What is counted is counted by all tests of this process: each looks at what it adds itself."""

from collections.abc import Callable

import pytest
from prometheus_client import REGISTRY


@pytest.fixture
def grown() -> Callable[..., float]:
    """How much a sample has grown since the fixture was made, or a test asked first."""

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
    """Probes ask right here: a test's database is its thread's."""
    for module in ("prometheus.state", "health.checks"):
        monkeypatch.setattr(f"visualsearch.contrib.{module}.within", lambda seconds, ask: ask())


@pytest.fixture
def lasting_signs(monkeypatch):
    """One sign of life of a worker is believed for a whole test."""
    monkeypatch.setattr("visualsearch.relay.SILENCE", 600)
