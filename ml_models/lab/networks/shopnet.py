"""The network that ships: a MobileNetV2 with two ends, one for search and one for classes."""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .colour_histogram import ColourHistogram
from .mobilenet import Backbone, Block, Conv, Convention, Tail, Trunk, channels, pad_like

CLASS_FEATURES = 320
# Temperature of the class probabilities that become part of an embedding.
SOFTER = 2.0


class ClassBranch(nn.Module):
    """A tail, a wide 1x1 convolution, the mean over positions, and the classes' logits."""

    def __init__(self, classes: int, width: float = 1.0):
        super().__init__()
        self.tail = Tail(width)
        self.wide = Conv(self.tail.features, channels(CLASS_FEATURES, width))
        self.classifier = nn.Linear(self.wide.out_channels, classes)

    def map(self, x: Tensor) -> Tensor:
        """Return class features at each position: (N, cin, 2h, 2w) -> (N, c, h, w)."""
        return F.relu6(self.wide(self.tail(x)))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.map(x).mean((2, 3)))


class Projection(nn.Module):
    """Centre, project and L2-normalise: (N, cin) -> (N, cout); fitted, see ``whitening``."""

    def __init__(self, cin: int, cout: int):
        super().__init__()
        self.linear = nn.Linear(cin, cout)

    def set(self, mean: Tensor, basis: Tensor) -> None:
        """Load a fitted projection: mean (cin,), basis (cout, cin)."""
        with torch.no_grad():
            self.linear.weight.copy_(basis)
            self.linear.bias.copy_(-basis @ mean)

    def forward(self, x: Tensor) -> Tensor:
        projected = self.linear(x)
        return projected / projected.norm(dim=1, keepdim=True).clamp_min(1e-12)


def at_each_position(linear: nn.Linear, maps: Tensor) -> Tensor:
    """Apply a linear layer at each position of maps (N, c, h, w): (N, h, w, cout).

    It is one product of rows, so that an exported graph stores the layer's matrix once, although it
    is also applied to pooled features.
    """
    _, c, h, w = maps.shape
    rows = maps.permute(0, 2, 3, 1).reshape(-1, c)
    return linear(rows).reshape(-1, h, w, linear.out_features)


class Output(NamedTuple):
    """The network's outputs for N images."""

    features: Tensor
    """(N, semantic_dim), L2-normalised."""
    logits: Tensor
    """(N, classes)."""
    saliency: Tensor
    """(N, h, w), 0…1: distance of each position from the border, relative to the largest."""


class ShopNet(nn.Module):
    """The network that ships: a trunk, a class branch, a search branch, and colour.

    The branches are separate because fine-tuning on ten classes makes all trousers alike. That
    suits the class branch; the search branch keeps the features of a thousand kinds of objects.
    Search features are taken before the wide convolution, whose 1,280 are no better and cost more.
    The embedding joins search features, colour and, where ``class_share`` is not 0, the classes,
    so that its inner product is the sum of each one's cosine times its share. The classes' part is
    the square roots of the probabilities, whose inner product is the Bhattacharyya coefficient.
    """

    def __init__(
        self,
        classes: int,
        semantic_dim: int,
        colour_dim: int,
        colour_share: float,
        convention: Convention = "tensorflow",
        hidden: list[int] | None = None,
        width: float = 1.0,
        class_share: float = 0.0,
    ):
        """``hidden``: channels inside each of :meth:`expanding`, of a network that was pruned.

        ``config`` has the arguments to rebuild the network, except the number of classes.
        """
        super().__init__()
        self.config: dict[str, Any] = {
            "semantic_dim": semantic_dim,
            "colour_dim": colour_dim,
            "colour_share": colour_share,
            "convention": convention,
            "hidden": hidden,
            "width": width,
            "class_share": class_share,
        }
        self.trunk = Trunk(convention, width)
        self.search_tail = Tail(width)
        self.search_projection = Projection(self.search_tail.features, semantic_dim)
        self.class_branch = ClassBranch(classes, width)
        self.histogram = ColourHistogram()
        self.colour_projection = Projection(self.histogram.bins, colour_dim)
        self.colour_share, self.class_share = colour_share, class_share
        if hidden:
            for block, channels_inside in zip(self.expanding(), hidden, strict=True):
                block.resize(channels_inside)
        pad_like(self, convention)

    def start_from(self, backbone: Backbone) -> None:
        """Copy pretrained weights to trunk and branches; narrow layers take every n-th channel."""
        self.trunk.load_state_dict(backbone.trunk.state_dict())
        self.search_tail.load_state_dict(backbone.tail.state_dict())
        self.class_branch.tail.load_state_dict(backbone.tail.state_dict())
        wide = self.class_branch.wide
        taken = torch.linspace(0, backbone.wide.out_channels - 1, wide.out_channels).round().long()
        with torch.no_grad():
            wide.weight.copy_(backbone.wide.weight[taken])
            wide.bias.copy_(backbone.wide.bias[taken])

    @property
    def parts(self) -> list[dict[str, Any]]:
        """Describe the parts of an embedding as ``model.json`` does."""
        sizes = {
            "features": self.config["semantic_dim"],
            "colour": self.config["colour_dim"],
            "class": self.class_branch.classifier.out_features,
        }
        return [
            {"name": name, "size": sizes[name], "share": share}
            for name, share in self.shares.items()
        ]

    @property
    def shares(self) -> dict[str, float]:
        """Return the share of each part of an embedding; a class share of 0 leaves the part out."""
        rest = 1 - self.class_share
        shares = {
            "features": round(rest * (1 - self.colour_share), 6),
            "colour": round(rest * self.colour_share, 6),
        }
        return shares | ({"class": self.class_share} if self.class_share else {})

    def expanding(self) -> list[Block]:
        """Return the blocks that expand: of trunk, search branch and class branch, in order."""
        blocks = (module for module in self.modules() if isinstance(module, Block))
        return [block for block in blocks if block.expand is not None]

    def forward(self, x: Tensor) -> Output:
        """Return search features, logits and saliency of images (N, 3, s, s) in [-1, 1]."""
        shared = self.trunk(x)
        seen = self.search_tail(shared)
        return Output(
            self.search_projection(seen.mean((2, 3))), self.class_branch(shared), saliency(seen)
        )

    def classify(self, x: Tensor) -> Tensor:
        """Return logits (N, classes) of images (N, 3, s, s) in [-1, 1]; skip the search branch."""
        return self.class_branch(self.trunk(x))

    def embed(self, features: Tensor, histogram: Tensor, logits: Tensor) -> Tensor:
        """Join the network's outputs for N images to embeddings (N, dim) of unit length.

        ``logits`` (N, classes) are calibrated: divided by the temperature that fits validation.
        They are softened once more, so that the second most probable class counts.
        """
        found = {
            "features": features,
            "colour": self.colour_projection(histogram),
            "class": (logits / SOFTER).softmax(1).sqrt(),
        }
        return torch.cat([found[name] * math.sqrt(share) for name, share in self.shares.items()], 1)


def saliency(seen: Tensor) -> Tensor:
    """Return each position's distance from the border's mean: (N, c, h, w) -> (N, h, w).

    Relative to the largest of the photo, so 0…1. Subjects seldom reach the border of a photo, while
    backgrounds usually do.
    """
    border = torch.ones(seen.shape[2:], device=seen.device, dtype=seen.dtype)
    border[1:-1, 1:-1] = 0
    # One product instead of four slices, because fewer nodes are faster.
    around = seen.flatten(2) @ (border / border.sum()).flatten()[:, None]
    distance = (seen - around[..., None]).square().sum(1).sqrt()
    return distance / distance.amax((1, 2), keepdim=True).clamp_min(1e-6)
