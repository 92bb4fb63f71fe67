"""The trained network as it is served: modules that :mod:`.onnx_files` exports to ONNX."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .shopnet import ShopNet, at_each_position, saliency
from .temperature import Temperature

OUTPUTS = ("embedding", "probabilities", "saliency", "cells", "colours", "worn")
REGION_INPUTS = ("cells", "colours", "inside", "around")
REGION_OUTPUTS = OUTPUTS[:2]
# Side of the input blocks whose colours are averaged, and of a cell in such blocks.
COLOUR_STEP, CELL = 8, 32


class Served(nn.Module):
    """The trained network with pixel scaling, calibrated probabilities and all outputs."""

    inputs, outputs = ("image",), OUTPUTS

    def __init__(self, model: ShopNet, temperature: Temperature | None = None):
        """Divide the logits by ``temperature``; None: by 1."""
        super().__init__()
        self.model = model
        self.temperature = temperature or Temperature(model.class_branch.classifier.in_features)

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return all outputs for photos uint8 RGB (N, s, s, 3), in the order of :data:`OUTPUTS`.

        embedding (N, dim); probabilities (N, classes); saliency (N, h, w); cells (N, h, w,
        semantic_dim + classes), whose means are the search features and the logits; colours (N, h,
        w, 16, 3) uint8; worn (N,), 0…1: how much the garment looks worn. :class:`Region` reads
        cells and colours.
        """
        model, x = self.model, image.permute(0, 3, 1, 2).float() / 127.5 - 1
        shared = model.trunk(x)
        seen, kinds = model.search_tail(shared), model.class_branch.map(shared)
        features = model.search_projection(seen.mean((2, 3)))
        pooled = kinds.mean((2, 3))
        worn = self.temperature.worn(pooled)
        temperature = self.temperature.between(worn)
        logits = model.class_branch.classifier(pooled) / temperature
        cells = torch.cat(
            [
                at_each_position(model.search_projection.linear, seen),
                at_each_position(model.class_branch.classifier, kinds) / temperature[:, None, None],
            ],
            dim=3,
        )
        return (
            model.embed(features, model.histogram(x), logits),
            logits.softmax(1),
            saliency(seen),
            cells,
            cell_colours(x),
            worn.flatten(),
        )


def cell_colours(x: Tensor) -> Tensor:
    """Return 16 mean colours in each cell of 32 × 32 pixels, uint8 (N, h, w, 16, 3).

    ``x``: images (N, 3, s, s) in [-1, 1].
    """
    small, n = F.avg_pool2d(x, COLOUR_STEP), CELL // COLOUR_STEP
    side = small.shape[-1] // n
    parts = small.reshape(-1, 3, side, n, side, n).permute(0, 2, 4, 3, 5, 1)
    return ((parts + 1) * 127.5).round().to(torch.uint8).reshape(-1, side, side, n * n, 3)


class Region(nn.Module):
    """Embeds and classifies a part of a photo, from the cells of the whole photo.

    Features are the weighted mean of the part's cells, as in Tolias et al., "Particular object
    retrieval with integral max-pooling of CNN activations" (2016), which pools regions of one map.
    The colours of the part are weighted against those around it.
    """

    inputs, outputs = REGION_INPUTS, REGION_OUTPUTS

    def __init__(self, model: ShopNet, temperature: float = 1.0):
        """Divide the logits of a part by a further ``temperature``.

        The mean of few cells is more confident than a whole photo, but not more often right.
        """
        super().__init__()
        self.model, self.temperature = model, temperature
        self.features = model.search_projection.linear.out_features

    def forward(
        self, cells: Tensor, colours: Tensor, inside: Tensor, around: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Return embedding (N, dim) and probabilities (N, classes) of a part of each photo.

        ``cells`` and ``colours``: outputs of :class:`Served`. ``inside`` and ``around`` (N, h, w):
        weight of each cell in the part and in its surroundings; each sum must be above 0.
        """
        weights = torch.stack([inside, around], 1).flatten(2)  # N, 2, cells
        weights = weights / weights.sum(2, keepdim=True)
        pooled = (weights[:, :1] @ cells.flatten(1, 2))[:, 0]
        features = pooled[:, : self.features]
        features = features / features.norm(dim=1, keepdim=True).clamp_min(1e-12)
        each = colours.shape[3]
        pixels = colours.flatten(1, 3).transpose(1, 2).float() / 127.5 - 1
        shares = weights[..., None].expand(-1, -1, -1, each).flatten(2) / each
        histogram = self.model.histogram.weighted(pixels, shares)
        logits = pooled[:, self.features :]
        probabilities = (logits / self.temperature).softmax(1)
        return self.model.embed(features, histogram, logits), probabilities
