"""A small detector on the cells of a photo: boxes of things, how sure they are, and classes."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

INPUTS = ("cells", "colours", "saliency")
OUTPUTS = ("boxes", "objectness", "probabilities")
# Mean and spread of each colour channel, saliency, and place of the cell.
EXTRA = 3 + 3 + 1 + 2
# Each cell predicts a box at each of 2 × 2 points.
POINTS = 2


class ObjectHead(nn.Module):
    """Predict a box at each of 14 × 14 points of a photo, from its 7 × 7 cells.

    One stage without anchors: each point predicts its distances to the four sides of the box around
    it, as in Tian et al., "FCOS: Fully Convolutional One-Stage Object Detection" (2019), and the
    intersection over union that its box will have, as in Li et al., "Generalized Focal Loss"
    (2020). Colours count by mean and spread, so their order in a cell does not matter.
    """

    inputs, outputs = INPUTS, OUTPUTS

    def __init__(
        self, channels: int, classes: Sequence[str], labels: Sequence[str], width: int = 64
    ):
        """Build an untrained head.

        ``channels``: values of a cell. ``classes``: those that the head tells apart, some of the
        model's ``labels``. ``width``: inner channels.
        """
        super().__init__()
        self.classes = list(classes)
        names = torch.tensor([[float(a == b) for b in labels] for a in classes])
        self.register_buffer("names", names)
        self.register_buffer("mean", torch.zeros(channels))
        self.register_buffer("spread", torch.ones(channels))
        self.reduce = nn.Conv2d(channels + EXTRA, width, 1)
        self.first = nn.Conv2d(width, width, 3, padding=1)
        self.second = nn.Conv2d(width, width, 3, padding=1)
        self.dropout = nn.Dropout2d(0.1)
        self.predict = nn.Conv2d(width, POINTS * POINTS * (5 + len(classes)), 1)
        nn.init.zeros_(self.predict.bias)

    def standardise(self, cells: Tensor) -> None:
        """Remember mean and spread of each channel of cells (N, h, w, channels)."""
        flat = cells.flatten(0, 2)
        self.mean.copy_(flat.mean(0))
        self.spread.copy_(flat.std(0).clamp_min(1e-3))

    def raw(self, cells: Tensor, colours: Tensor, saliency: Tensor) -> tuple[Tensor, ...]:
        """Return boxes (N, points, 4) as x, y, w, h, and logits of objectness and of classes."""
        n, h, w, _ = cells.shape
        pixels = colours.float() / 127.5 - 1
        middle = pixels.mean(3)
        # Not ``std``: its gradient and export are clumsier.
        spread = (pixels - middle.unsqueeze(3)).square().mean(3).clamp_min(1e-6).sqrt()
        place = middles(h, w).reshape(h, w, 2) * 2 - 1
        known = torch.cat(
            [
                (cells - self.mean) / self.spread,
                middle,
                spread,
                saliency.unsqueeze(3),
                place.expand(n, -1, -1, -1),
            ],
            dim=3,
        ).permute(0, 3, 1, 2)
        x = F.relu(self.reduce(self.dropout(known)))
        x = x + F.relu(self.first(x))
        x = x + F.relu(self.second(self.dropout(x)))
        fine = F.pixel_shuffle(self.predict(x), POINTS)
        points = fine.permute(0, 2, 3, 1).flatten(1, 2)
        at = middles(h * POINTS, w * POINTS)
        # Distances to left, top, right and bottom, in units of a quarter of the photo.
        sides = F.softplus(points[..., :4] + 0.5) / 4
        low = (at - sides[..., :2]).clamp(0, 1)
        high = (at + sides[..., 2:]).clamp(0, 1)
        return torch.cat([low, high - low], 2), points[..., 4], points[..., 5:]

    @staticmethod
    def points(side: int) -> int:
        """Return the number of points along a side of ``side`` cells."""
        return POINTS * side

    def forward(self, cells: Tensor, colours: Tensor, saliency: Tensor) -> tuple[Tensor, ...]:
        """Return what :meth:`raw` returns, with probabilities of all ``labels`` for logits.

        ``cells`` (N, h, w, channels), ``colours`` (N, h, w, n, 3) uint8, ``saliency`` (N, h, w).
        """
        boxes, objectness, classes = self.raw(cells, colours, saliency)
        return boxes, objectness.sigmoid(), classes.softmax(2) @ self.names


def middles(rows: int, columns: int) -> Tensor:
    """Return x, y of each point (rows * columns, 2), in fractions of the photo."""
    down, across = ((torch.arange(n) + 0.5) / n for n in (rows, columns))
    y, x = torch.meshgrid(down, across, indexing="ij")
    return torch.stack([x, y], 2).reshape(-1, 2)
