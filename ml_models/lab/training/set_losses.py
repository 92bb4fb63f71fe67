"""Losses and targets of labels that are sets of allowed classes."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# A smaller probability within a label's set says nothing about its classes.
LEAST_MASS = 0.02


def set_loss(logits: Tensor, allowed: Tensor, smoothing: float) -> Tensor:
    """Return -log of the probability within each allowed set: logits (N, 15) -> (N,).

    Label smoothing: a share ``smoothing`` of the loss favours all classes equally.
    """
    log = F.log_softmax(logits.float(), 1)
    inside = torch.logsumexp(log.masked_fill(allowed == 0, -1e4), 1)
    return -((1 - smoothing) * inside + smoothing * log.mean(1))


def within(probabilities: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
    """Return probabilities (N, 15) within the allowed sets, and their sums (N,) before."""
    inside = probabilities * allowed
    mass = inside.sum(1, keepdim=True)
    return inside / mass.clamp_min(1e-6), mass[:, 0]


def soft_targets(probabilities: Tensor, allowed: Tensor, soft: float) -> Tensor:
    """Return targets (N, 15) from a teacher's probabilities and the labels' allowed sets.

    A share ``soft`` are the teacher's probabilities; the rest are those restricted to the allowed
    set, or equal for all allowed classes if the teacher excludes them. Without a label, they are
    the teacher's alone.
    """
    inside, mass = within(probabilities, allowed)
    alike = allowed / allowed.sum(1, keepdim=True).clamp_min(1)
    label = torch.where(mass[:, None] > LEAST_MASS, inside, alike)
    labelled = allowed.sum(1, keepdim=True) > 0
    return torch.where(labelled, torch.lerp(label, probabilities, soft), probabilities)


def smooth(targets: Tensor, smoothing: float) -> Tensor:
    """Return targets (N, 15) with a share ``smoothing`` spread equally over all classes."""
    return (1 - smoothing) * targets + smoothing / targets.shape[1]


def soft_cross_entropy(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the cross-entropy (N,) of logits and targets (N, 15)."""
    return -(targets * F.log_softmax(logits.float(), 1)).sum(1)
