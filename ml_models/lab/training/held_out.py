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
"""Function from images (N, 3, s, s) in [-1, 1] to logits (N, 15)."""


@torch.no_grad()
def judge(classify: Classify, garments: Garments, side: int) -> dict[str, float]:
    """Return ``garments``, ``accuracy``, ``mean_per_class`` and ``wrong_and_90_sure``.

    They are the number of held-out garments, the share that ``classify`` predicts correctly, the
    mean of that share over classes, and the share that is wrong with a probability of at least 0.9.
    Finer classes count as their coarser class. ``side``: pixels of a view. Empty if no garment is
    held out.
    """
    rows = garments.judged
    if not len(rows):
        return {}
    views = (judged_views(garments, chunk, side) for chunk in rows.split(128))
    probabilities = torch.cat([classify(x).float().softmax(1) for x in views])
    return held_out_figures(probabilities, garments.allowed[rows])


def held_out_figures(probabilities: Tensor, allowed: Tensor) -> dict[str, float]:
    """Return accuracy, its mean over classes, and the share of confident mistakes.

    ``probabilities`` (N, 15). ``allowed`` (N, 15): 1 for each class that a garment's label allows.
    Finer classes count as their coarser class.
    """
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
