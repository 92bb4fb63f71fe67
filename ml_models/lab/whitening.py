"""The projection of an embedding: what views of one photo differ in counts less."""

from __future__ import annotations

import torch
from torch import Tensor


@torch.no_grad()
def learned_whitening(photos: Tensor, views: Tensor, dim: int) -> tuple[Tensor, Tensor]:
    """Return mean (d,) and basis (dim, d), fitted to features (N, d) of photos and views.

    First the directions in which a view differs from its photo are scaled down, then the ``dim``
    principal axes of what is left are kept. Training pairs are few and of one kind of shop, so the
    covariance of the differences is drawn half-way to that of white noise: no direction is scaled
    up beyond what a round cloud of that size would allow.

    Source: Mikolajczyk and Matas, "Improving descriptors for fast tree matching by optimal linear
    projection" (2007); Radenović et al., "Fine-tuning CNN image retrieval with no human
    annotation" (2018), section 3.3. The shrinkage is that of Ledoit and Wolf (2004), its share
    fixed.
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
