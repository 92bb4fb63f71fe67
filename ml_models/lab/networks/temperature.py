"""Divide logits by a temperature that depends on how worn a garment looks."""

from __future__ import annotations

import torch
from torch import Tensor, nn

# Logit of a share of worn garments that is practically 0.
UNWORN = -10.0


class Temperature(nn.Module):
    """A temperature per photo, between that of garments alone and that of worn garments."""

    def __init__(self, features: int, alone: float = 1.0, worn: float | None = None) -> None:
        """Start with fixed temperatures, before :mod:`.temperature_scaling` fits them.

        ``features``: length of the pooled class features. ``alone``, ``worn``: temperatures of
        garments alone and on people; ``worn`` None: the same.
        """
        super().__init__()
        self.boundary = nn.Linear(features, 1).requires_grad_(False)
        self.boundary.weight.zero_()
        # Before it is fitted, no photo looks worn.
        self.boundary.bias.fill_(UNWORN)
        pair = torch.tensor([alone, alone if worn is None else worn])
        self.register_buffer("logs", pair.log())

    def forward(self, pooled: Tensor) -> Tensor:
        """Return the temperatures (N, 1) for pooled class features (N, features)."""
        return self.between(self.worn(pooled))

    def worn(self, pooled: Tensor) -> Tensor:
        """Return how much each photo looks like a worn garment, (N, 1), 0…1.

        ``pooled``: pooled class features (N, features).
        """
        return self.boundary(pooled).sigmoid()

    def between(self, worn: Tensor) -> Tensor:
        """Return the temperatures (N, 1) for results (N, 1) of :meth:`worn`."""
        return torch.exp(self.logs[0] + worn * (self.logs[1] - self.logs[0]))
