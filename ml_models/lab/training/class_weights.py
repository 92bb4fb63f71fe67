"""Weights for classes of different size, and the weighted loss."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

KINDS = ("none", "balanced", "sqrt")


def class_weights(labels: Tensor, classes: int, kind: str) -> Tensor:
    """Return a weight per class (classes,) whose mean over photos with labels (N,) is 1.

    ``balanced``: the inverse of the class's share, so that each class weighs the same in all;
    ``sqrt``: its square root, half way there; ``none``: ones.
    """
    counts = torch.bincount(labels, minlength=classes).float()
    power = {"none": 0.0, "sqrt": 0.5, "balanced": 1.0}[kind]
    weights = counts.pow(-power)
    return weights * len(labels) / (weights * counts).sum()


def weighted_cross_entropy(
    logits: Tensor, target: Tensor, weights: Tensor, smoothing: float
) -> Tensor:
    """Return the mean loss of logits (N, C) and soft targets (N, C), weighted by class.

    The ``weight`` of :func:`torch.nn.functional.cross_entropy` multiplies each class's term of a
    soft target, including the smoothing, which would pull photos of common classes towards rare
    ones. Here the photo is weighted, by its target before smoothing. The mean is over photos; a
    mean over weights would cancel them in a batch of one class.
    """
    losses = F.cross_entropy(logits, target, label_smoothing=smoothing, reduction="none")
    return (losses * (target @ weights)).mean()
