"""Blend photos and their labels in pairs (mixup; Zhang et al., 2018)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def mix(x: Tensor, labels: Tensor, classes: int, alpha: float) -> tuple[Tensor, Tensor]:
    """Blend each view with another one of the batch, and their labels likewise.

    Return views (N, 3, s, s) and soft labels (N, classes). The share comes from Beta(alpha, alpha);
    ``alpha`` 0: no blending.
    """
    onehot = F.one_hot(labels, classes).float()
    if not alpha:
        return x, onehot
    share = torch.distributions.Beta(alpha, alpha).sample().item()
    partner = torch.randperm(len(x))
    return (
        torch.lerp(x[partner], x, share),
        torch.lerp(onehot[partner], onehot, share),
    )
