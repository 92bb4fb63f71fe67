"""Measure a classifier on the held-out street photos."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from ..photos.class_masks import parent_matrix
from ..photos.garment_augmentation import judged_views
from ..photos.garments import Garments

SURE = 0.9

Classify = Callable[[Tensor], Tensor]
"""(N, 3, s, s) in [-1, 1] -> logits (N, 15)."""


@torch.no_grad()
def judge(classify: Classify, garments: Garments, side: int) -> dict[str, float]:
    """Return the share of right answers, its mean over classes, and confident mistakes.

    Finer classes count for their parents, as in the command ``people``. Empty if nothing is held
    out.
    """
    rows = garments.judged
    if not len(rows):
        return {}
    views = (judged_views(garments, chunk, side) for chunk in rows.split(128))
    probabilities = torch.cat([classify(x).float().softmax(1) for x in views])
    return held_out_figures(probabilities, garments.allowed[rows])


def held_out_figures(probabilities: Tensor, allowed: Tensor) -> dict[str, float]:
    """Return the figures of probabilities (N, 15) against allowed classes (N, 15)."""
    to_parent = parent_matrix().to(probabilities.device)
    summed, parents = probabilities @ to_parent, allowed @ to_parent > 0
    # The parent of the most probable class, as in :func:`.parent_classes.fold`.
    said = to_parent[probabilities.argmax(1)].argmax(1)
    right = parents[torch.arange(len(said), device=said.device), said]
    true = parents.float().argmax(1)
    of_class = [right[true == k].float().mean() for k in true.unique()]
    sure = ~right & (summed.amax(1) >= SURE)
    return {
        "garments": len(said),
        "accuracy": round(right.float().mean().item(), 4),
        "mean_per_class": round(torch.stack(of_class).mean().item(), 4),
        "wrong_and_90_sure": round(sure.float().mean().item(), 4),
    }
