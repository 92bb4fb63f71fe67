"""Learning rate schedules: linear warm-up, then half a cosine."""

from __future__ import annotations

import math


def rate_factor(done: float, warmup: float) -> float:
    """Return the factor of the base learning rate after the share ``done`` of all steps, 0…1.

    It rises linearly over the share ``warmup``, times half a cosine that ends at 0.3 %.
    """
    return min(1.0, done / warmup + 0.02) * 0.5 * (1 + math.cos(math.pi * done)) + 0.003


def learning_rate(step: int, steps: int, warmup: int) -> float:
    """Return the factor of the base learning rate at a step, counted from 0.

    It rises linearly over ``warmup`` steps, then falls by half a cosine to 1 % at ``steps``.
    """
    if step < warmup:
        return (step + 1) / warmup
    done = (step - warmup) / max(1, steps - warmup)
    return 0.01 + 0.99 * 0.5 * (1 + math.cos(math.pi * done))
