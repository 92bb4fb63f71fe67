"""Learning rate schedules: a warm-up, then half a cosine."""

from __future__ import annotations

import math


def rate_factor(done: float, warmup: float) -> float:
    """Return the factor of the base rate after a share ``done`` of all steps.

    A linear warm-up over a share ``warmup``, times half a cosine that ends at 0.3 %.
    """
    return min(1.0, done / warmup + 0.02) * 0.5 * (1 + math.cos(math.pi * done)) + 0.003


def learning_rate(step: int, steps: int, warmup: int) -> float:
    """Return the factor of the base rate: linear warm-up, then half a cosine to 1 %."""
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))
