"""Scale pixel values to the range that the networks expect."""

from __future__ import annotations

import torch
from torch import Tensor

# Side of the photos that the shipped model takes, in pixels.
SERVED_SIDE = 224


def scale(pixels: Tensor) -> Tensor:
    """Scale uint8 pixels (N, 3, h, w) to float32 in [-1, 1].

    The result is stored channels last, which is faster on CPUs.
    """
    return pixels.contiguous(memory_format=torch.channels_last).float().div(127.5).sub(1)
