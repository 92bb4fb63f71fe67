"""Fit a projection of embeddings in which views of the same photo differ little."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def learned_whitening(photos: Tensor, views: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Return mean (d,) and basis (dim, d) of a projection of features from d to ``dim`` numbers.

    ``photos`` and ``views`` (N, d): features of N photos and of a distorted view of each. First the
    directions in which views differ from their photo are scaled down, then the ``dim`` principal
    axes are kept. Training pairs are few and of one kind of shop, so the covariance of the
    differences is shrunk half-way to white noise of the same size, which limits how far a direction
    is scaled up.

    Source: Mikolajczyk and Matas, "Improving descriptors for fast tree matching by optimal linear
    projection" (2007); Radenović et al., "Fine-tuning CNN image retrieval with no human annotation"
    (2018), section 3.3. The shrinkage is that of Ledoit and Wolf (2004), its share fixed.
    """
    difference = views - photos
    within = difference.T @ difference / len(difference)
    round_cloud = within.diagonal().mean() * torch.eye(within.shape[0])
    size, axes = torch.linalg.eigh((within + round_cloud) / 2)
    scale_down = axes * size.rsqrt()
    both = torch.cat([photos, views])
    mean = both.mean(0)
    _, _, principal = torch.linalg.svd((both - mean) @ scale_down, full_matrices=False)
    return mean, principal[:dim] @ scale_down.T
