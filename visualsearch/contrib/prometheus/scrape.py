"""The registry of metrics for a scrape."""

from __future__ import annotations

import os

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from .machine import MachineCollector
from .processes import FOLDER


def counted() -> CollectorRegistry:
    """Return the registry with the metrics of this process, or of all processes of its server."""
    if not os.environ.get(FOLDER):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    registry.register(MachineCollector())
    return registry
