"""Convert sets of classes to tensors."""

from __future__ import annotations

from collections.abc import Iterable

import torch
from torch import Tensor

from .label_sets import LEAVES, PARENTS


def mask(names: Iterable[str]) -> Tensor:
    """Return 1 for each of these classes and 0 for the others, (15,)."""
    chosen = set(names)
    return torch.tensor([float(leaf in chosen) for leaf in LEAVES])


def parent_matrix() -> Tensor:
    """Return the matrix (15, 15) that adds each class's probability to its parent's."""
    return torch.stack([mask([PARENTS.get(leaf, leaf)]) for leaf in LEAVES])
