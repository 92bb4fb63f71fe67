from pathlib import Path
from types import SimpleNamespace

import numpy as np

from ml_models.lab.measuring import cost
from ml_models.lab.measuring.cost import in_fresh_process, latency_ms

ROOT = Path(__file__).resolve().parents[3]

SHOPNET = ROOT / "ml_models/shopnet"


def test_latency__is_per_image(monkeypatch):
    """A model that takes 4 ms per image, measured by a fake clock."""
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr(cost, "time", SimpleNamespace(perf_counter=lambda: clock.now))

    class Worker:
        def encode(self, images):
            clock.now += 0.004 * len(images)

    for batch in (1, 8):
        assert latency_ms(Worker(), batch) == {"p50": 4, "p95": 4}


def test_fresh_process__memory_is_its_own():
    """The parent's memory, which Linux includes in a child's ru_maxrss, is not counted."""
    ballast = np.ones(500_000_000, np.uint8)
    measured = in_fresh_process(SHOPNET)
    assert ballast[-1]
    assert 50 < measured["peak_memory_mb"] < 400
    assert measured["load_ms"] > 1
