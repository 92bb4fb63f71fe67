"""What a scrape is answered with."""

from __future__ import annotations

import os

from prometheus_client import REGISTRY, CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from .machine import MachineCollector
from .processes import FOLDER


def counted() -> CollectorRegistry:
    """What this process has counted, or all processes of this server together."""
    if not os.environ.get(FOLDER):
        return REGISTRY
    registry = CollectorRegistry()
    MultiProcessCollector(registry)
    registry.register(MachineCollector())
    return registry
