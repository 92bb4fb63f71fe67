"""Random numbers of a training step that depend on a key alone, so a resumed run repeats them."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


class Chance:
    """Random tensors of one training step, on ``device``; the same key gives the same numbers.

    ``key``: integers such as seed, stage and step.
    """

    def __init__(self, device: str, *key: int):
        self.device = device
        self.numbers = np.random.default_rng(key)
        seed = int(self.numbers.integers(2**62))
        self.generator = torch.Generator(device).manual_seed(seed)

    def uniform(self, low: float, high: float, *shape: int) -> Tensor:
        """Return a tensor of this shape, uniform between ``low`` and ``high``."""
        found = torch.rand(*shape, generator=self.generator, device=self.device)
        return found * (high - low) + low

    def draw(self, rows: Tensor, weights: Tensor, count: int) -> Tensor:
        """Draw ``count`` of the indices ``rows`` (T,), with replacement.

        ``weights`` (N,): relative probability of each index, for all N, not only for ``rows``.
        """
        drawn = torch.multinomial(weights[rows], count, replacement=True, generator=self.generator)
        return rows[drawn]

    def pick(self, size: int, count: int) -> Tensor:
        """Return ``count`` random integers from 0 to ``size - 1``, with replacement."""
        return torch.randint(size, (count,), generator=self.generator, device=self.device)

    def order(self, count: int) -> Tensor:
        """Return a random permutation of 0 … count - 1."""
        return torch.randperm(count, generator=self.generator, device=self.device)
