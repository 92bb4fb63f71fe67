"""Calibrate the class probabilities of a photo's subject.

A search classifies the subject of a photo, not the whole photo. The mean of few cells is more
confident than that of many, but not more often right, so its logits are divided by a further
temperature.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.optimize import minimize_scalar
from scipy.special import softmax

from visualsearch.encoders.cells import LEAST, overlap
from visualsearch.encoders.subject import suggest_box

from ..networks.served import Served
from ..photos.photo_sets import PhotoSet

# Temperatures outside this range make all classes equally likely, or one certain.
COLDEST, HOTTEST = 0.5, 5.0


def fit_region_temperature(
    served: Served, sets: Sequence[PhotoSet], numbers: NDArray[np.int64]
) -> float:
    """Return the temperature with the least cross-entropy over the subjects of photos.

    ``sets``: sets of photos, of equal weight. ``numbers`` (classes,): the coarser class of each
    class, whose probabilities are summed. Return 1 if no photo has a subject.
    """
    found = [subjects(served, photos, numbers) for photos in sets]
    found = [(logits, labels) for logits, labels in found if len(labels)]
    if not found:
        return 1.0
    groups = np.eye(numbers.max() + 1)[numbers]

    def loss(log: float) -> float:
        total = 0.0
        for logits, labels in found:
            coarse = softmax(logits / np.exp(log), 1) @ groups
            right = coarse[np.arange(len(labels)), labels]
            total -= float(np.log(np.maximum(right, 1e-12)).mean())
        return total

    best = minimize_scalar(loss, bounds=(np.log(COLDEST), np.log(HOTTEST)), method="bounded")
    return round(float(np.exp(best.x)), 4)


@torch.no_grad()
def subjects(
    served: Served, photos: PhotoSet, numbers: NDArray[np.int64]
) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
    """Return the logits (M, classes) and coarse labels (M,) of photos that have a subject.

    ``numbers`` (classes,): the coarser class of each class.
    """
    classes = len(numbers)
    logits, labels = [], []
    for pixels, label in zip(photos.pixels, photos.labels.tolist(), strict=True):
        outputs = (each[0].numpy() for each in served(pixels.permute(1, 2, 0)[None]))
        _, _, saliency, values, *_ = outputs
        box = suggest_box(saliency)
        if box is not None:
            inside = overlap(box, saliency.shape) * np.maximum(saliency, LEAST)
            logits.append(np.einsum("hw,hwc->c", inside / inside.sum(), values[..., -classes:]))
            labels.append(numbers[label])
    return np.array(logits, np.float32).reshape(-1, classes), np.array(labels, np.int64)
