"""Convert sets of class names to tensors, in the order of :data:`.label_sets.LEAVES`."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from .label_sets import LEAVES, PARENTS


def mask(names: Iterable[str]) -> Tensor:
    """Return a float tensor (15,): 1 for each of these classes, 0 for the others."""
    chosen = set(names)
    return torch.tensor([float(leaf in chosen) for leaf in LEAVES])


def parent_matrix() -> Tensor:
    """Return a matrix (15, 15) that moves each finer class's probability to its coarser class.

    Multiply probabilities (N, 15) by it from the right.
    """
    return torch.stack([mask([PARENTS.get(leaf, leaf)]) for leaf in LEAVES])
