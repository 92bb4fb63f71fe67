"""Colour as part of an embedding: a smooth RGB histogram that discounts the background."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BORDER = 2
FLOOR = 0.1


class ColourHistogram(nn.Module):
    """Computes the square root of an RGB histogram (N, levels³), of length 1, for images.

    Images are (N, 3, s, s) in [-1, 1]. Each pixel is shared between its neighbouring levels
    (trilinear), so that a small change of light moves the histogram a little instead of flipping
    bins. Pixels in the middle count more, and colours of the border less: by the ratio of the two
    histograms, as in Swain and Ballard, "Color indexing" (1991), and Comaniciu et al.,
    "Kernel-based object tracking" (2003). So backgrounds of products and people weigh little, and a
    garment that fills the frame keeps its colour. The square root makes the inner product the
    Bhattacharyya coefficient of two histograms (Arandjelović and Zisserman, "Three things everyone
    should know to improve object retrieval", 2012). A histogram is one matrix product over pixels,
    cheap enough to be part of the served graph.
    """

    def __init__(self, levels: int = 8, grid: int = 28, spread: float = 0.28):
        super().__init__()
        self.levels, self.grid = levels, grid
        self.bins = levels**3
        axis = (torch.arange(grid) + 0.5) / grid - 0.5
        bell = torch.exp(-0.5 * (axis / spread) ** 2)
        window = bell[:, None] * bell[None, :]
        border = torch.ones(grid, grid)
        border[BORDER:-BORDER, BORDER:-BORDER] = 0
        weights = torch.stack([window.flatten() / window.sum(), border.flatten() / border.sum()])
        self.register_buffer("weights", weights, persistent=False)
        self.register_buffer("centres", torch.arange(levels).float(), persistent=False)

    def forward(self, x: Tensor) -> Tensor:
        x = F.avg_pool2d(x, x.shape[-1] // self.grid)
        return self.weighted(x.flatten(2), self.weights)

    def weighted(self, pixels: Tensor, weights: Tensor) -> Tensor:
        """Return the histogram (N, levels³) of pixels (N, 3, P) in [-1, 1], in any order.

        ``weights`` (2, P) or (N, 2, P), rows of sum 1: the weight of each pixel in the histogram of
        the middle, and in that of the border.
        """
        value = (pixels + 1) * ((self.levels - 1) / 2)  # N, 3, P in [0, levels - 1]
        share = F.relu(1 - (value[..., None, :] - self.centres[:, None]).abs())  # N, 3, levels, P
        red, green, blue = share[:, 0], share[:, 1], share[:, 2]
        pairs = (red[:, :, None] * green[:, None]).flatten(1, 2)  # N, levels², P
        counted = (weights[..., None, :] * blue[:, None]).flatten(1, 2)  # N, 2 · levels, P
        both = (pairs @ counted.transpose(1, 2)).unflatten(2, (2, self.levels))
        middle, border = (both[:, :, which].flatten(1) for which in (0, 1))
        kept = middle * (middle / (middle + border).clamp_min(1e-6) + FLOOR)
        return (kept / kept.sum(1, keepdim=True)).clamp_min(1e-8).sqrt()
