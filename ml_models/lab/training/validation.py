"""Measure a network on validation photos during training."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from ..networks.shopnet import ShopNet
from ..photos.photo_sets import PhotoSet
from ..photos.pixels import scale


@torch.no_grad()
def validate(
    model: ShopNet, teacher: ShopNet | None, photos: PhotoSet, device: str
) -> dict[str, float]:
    """Return ``accuracy`` and ``validation_loss`` of a network on photos.

    With a teacher also ``agreement``: the mean cosine between the search features of both.
    """
    model.eval()
    right, loss, agreement = 0, 0.0, 0.0
    for chunk in torch.arange(len(photos.labels)).split(64):
        x, labels = scale(photos.pixels[chunk].to(device)), photos.labels[chunk].to(device)
        output = model(x)
        right += int((output.logits.argmax(1) == labels).sum())
        loss += float(F.cross_entropy(output.logits, labels, reduction="sum"))
        if teacher is not None:
            agreement += float((output.features * teacher(x).features).sum())
    count = len(photos.labels)
    found = {"accuracy": right / count, "validation_loss": loss / count}
    return found if teacher is None else found | {"agreement": agreement / count}
