"""Random numbers that depend on a key alone, so that a resumed run draws the same ones."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class Chance:
    """Random numbers of one step. The same key gives the same numbers, resumed or not."""

    def __init__(self, device: str, *key: int):
        self.device = device
        self.numbers = np.random.default_rng(key)
        seed = int(self.numbers.integers(2**62))
        self.generator = torch.Generator(device).manual_seed(seed)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return numbers between low and high."""
        found = torch.rand(*shape, generator=self.generator, device=self.device)
        return found * (high - low) + low

    def draw(self, rows: Tensor, weights: Tensor, count: int) -> Tensor:
        """Return ``count`` of the rows (T,), drawn with replacement by their weights (N,)."""
        drawn = torch.multinomial(weights[rows], count, replacement=True, generator=self.generator)
        return rows[drawn]

    def pick(self, size: int, count: int) -> Tensor:
        """Return ``count`` numbers of 0 … size - 1, drawn with replacement."""
        return torch.randint(size, (count,), generator=self.generator, device=self.device)

    def order(self, count: int) -> Tensor:
        """Return 0 … count - 1 shuffled."""
        return torch.randperm(count, generator=self.generator, device=self.device)
