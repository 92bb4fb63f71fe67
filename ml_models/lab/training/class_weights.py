"""Weigh photos by the size of their class, in a weighted loss."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

KINDS = ("none", "balanced", "sqrt")


def class_weights(labels: Tensor, classes: int, kind: str) -> Tensor:
    """Return a weight per class (classes,), whose mean over the photos is 1.

    ``labels`` (N,): class of each photo. ``kind``: ``balanced``, the inverse of the class's share,
    so that all classes weigh the same in total; ``sqrt``, its square root; ``none``, ones.
    """
    counts = torch.bincount(labels, minlength=classes).float()
    power = {"none": 0.0, "sqrt": 0.5, "balanced": 1.0}[kind]
    weights = counts.pow(-power)
    return weights * len(labels) / (weights * counts).sum()


def weighted_cross_entropy(
    logits: Tensor, target: Tensor, weights: Tensor, smoothing: float
) -> Tensor:
    """Return the mean cross-entropy over photos, each weighted by its class.

    ``logits`` and soft ``target`` (N, classes); ``weights`` (classes,); ``smoothing``: label
    smoothing, 0…1. The ``weight`` of :func:`torch.nn.functional.cross_entropy` multiplies each
    class's term of a soft target, including the smoothing, which would pull photos of common
    classes towards rare ones. Here the photo is weighted, by its target before smoothing. The mean
    is over photos; a mean over weights would cancel them in a batch of one class.
    """
    losses = F.cross_entropy(logits, target, label_smoothing=smoothing, reduction="none")
    return (losses * (target @ weights)).mean()
