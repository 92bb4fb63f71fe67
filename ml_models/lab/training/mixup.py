"""Blend photos and their labels in pairs (mixup)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor


def mix(x: Tensor, labels: Tensor, classes: int, alpha: float) -> tuple[Tensor, Tensor]:
    """Blend views and labels in pairs (mixup; Zhang et al., 2018)."""
    onehot = F.one_hot(labels, classes).float()
    if not alpha:
        return x, onehot
    share = torch.distributions.Beta(alpha, alpha).sample().item()
    partner = torch.randperm(len(x))
    return (
        torch.lerp(x[partner], x, share),
        torch.lerp(onehot[partner], onehot, share),
    )
