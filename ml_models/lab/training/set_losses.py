"""Losses and targets for labels that are sets of allowed classes.

``allowed`` (N, 15) is 1 for each class that a photo's label allows, 0 otherwise.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

# A smaller probability within a label's set says nothing about its classes.
LEAST_MASS = 0.02


def set_loss(logits: Tensor, allowed: Tensor, smoothing: float) -> Tensor:
    """Return the loss (N,): minus the logarithm of the total probability of the allowed classes.

    ``logits`` (N, 15). Label smoothing: a share ``smoothing`` of the loss favours all classes
    equally.
    """
    log = F.log_softmax(logits.float(), 1)
    inside = torch.logsumexp(log.masked_fill(allowed == 0, -1e4), 1)
    return -((1 - smoothing) * inside + smoothing * log.mean(1))


def within(probabilities: Tensor, allowed: Tensor) -> tuple[Tensor, Tensor]:
    """Return probabilities (N, 15) restricted to the allowed classes, and their sums before (N,).

    The restricted probabilities are scaled to a sum of 1.
    """
    inside = probabilities * allowed
    mass = inside.sum(1, keepdim=True)
    return inside / mass.clamp_min(1e-6), mass[:, 0]


def soft_targets(probabilities: Tensor, allowed: Tensor, soft: float) -> Tensor:
    """Return targets (N, 15) that mix a teacher's probabilities with the labels.

    A share ``soft`` is the teacher's probabilities. The rest is those restricted to the allowed
    classes, or equal for all allowed classes if the teacher excludes them. Photos without a label
    get the teacher's probabilities.
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
