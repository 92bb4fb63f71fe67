"""Augment batches of photos with random crops, rotation and colour changes."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from .pixels import scale


def random_views(
    pixels: Tensor,
    size: int,
    generator: torch.Generator,
    *,
    least: float = 0.25,
    stretch: float = 4 / 3,
) -> Tensor:
    """Return randomly augmented photos, float32 (N, 3, size, size) in [-1, 1].

    ``pixels``: photos, uint8 (N, 3, s, s). ``least``: smallest share of the photo's area that a
    random crop keeps, 0…1. ``stretch``: greatest factor by which a crop's aspect ratio changes.
    Each crop is rotated by up to 15° and mirrored half of the time. Brightness, contrast and
    saturation change by up to 35 %, each colour channel by up to 8 %. ``generator`` must be on the
    device of ``pixels``.
    """
    n = len(pixels)

    def uniform(low: float, high: float, *shape: int) -> Tensor:
        found = torch.rand(n, *shape, generator=generator, device=pixels.device)
        return found * (high - low) + low

    side = uniform(least, 1.0).sqrt()
    aspect = torch.exp(uniform(-1, 1) * math.log(stretch) / 2)
    half_w, half_h = (side * aspect).clamp(max=1), (side / aspect).clamp(max=1)
    shift_x, shift_y = uniform(-1, 1) * (1 - half_w), uniform(-1, 1) * (1 - half_h)
    angle = uniform(-1, 1) * math.radians(15)
    mirror = torch.where(uniform(0, 1) < 0.5, -1.0, 1.0)
    cos, sin = angle.cos(), angle.sin()
    theta = torch.stack(
        [
            torch.stack([cos * half_w * mirror, -sin * half_h, shift_x], 1),
            torch.stack([sin * half_w * mirror, cos * half_h, shift_y], 1),
        ],
        1,
    )
    grid = F.affine_grid(theta, [n, 3, size, size], align_corners=False)
    views = F.grid_sample(
        scale(pixels), grid, mode="bilinear", padding_mode="reflection", align_corners=False
    )
    gain = uniform(0.65, 1.35, 1, 1, 1) * uniform(0.92, 1.08, 3, 1, 1)
    views = (views + 1) * gain - 1
    mean = views.mean((1, 2, 3), keepdim=True)
    views = (views - mean) * uniform(0.65, 1.35, 1, 1, 1) + mean
    grey = views.mean(1, keepdim=True)
    views = (views - grey) * uniform(0.65, 1.35, 1, 1, 1) + grey
    return views.clamp(-1, 1).contiguous(memory_format=torch.channels_last)
