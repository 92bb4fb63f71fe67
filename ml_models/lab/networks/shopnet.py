"""ShopNet, the shipped network: a MobileNetV2 with a branch for search and one for classes."""

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
    """A tail, a 1×1 convolution, the mean over positions, and a linear classifier.

    It maps the trunk's maps (N, cin, 2h, 2w) to logits (N, classes).
    """

    def __init__(self, classes: int, width: float = 1.0):
        super().__init__()
        self.tail = Tail(width)
        self.wide = Conv(self.tail.features, channels(CLASS_FEATURES, width))
        self.classifier = nn.Linear(self.wide.out_channels, classes)

    def map(self, x: Tensor) -> Tensor:
        """Return class features at each position, (N, c, h, w).

        ``x``: the trunk's maps (N, cin, 2h, 2w).
        """
        return F.relu6(self.wide(self.tail(x)))

    def forward(self, x: Tensor) -> Tensor:
        return self.classifier(self.map(x).mean((2, 3)))


class Projection(nn.Module):
    """Centres, projects and L2-normalises vectors: (N, cin) to (N, cout).

    It is not trained but fitted by ``training.whitening``, and loaded with :meth:`set`.
    """

    def __init__(self, cin: int, cout: int):
        super().__init__()
        self.linear = nn.Linear(cin, cout)

    def set(self, mean: Tensor, basis: Tensor) -> None:
        """Load a fitted projection: mean (cin,) and basis (cout, cin)."""
        with torch.no_grad():
            self.linear.weight.copy_(basis)
            self.linear.bias.copy_(-basis @ mean)

    def forward(self, x: Tensor) -> Tensor:
        projected = self.linear(x)
        return projected / projected.norm(dim=1, keepdim=True).clamp_min(1e-12)


def at_each_position(linear: nn.Linear, maps: Tensor) -> Tensor:
    """Apply a linear layer at each position of maps (N, c, h, w); return (N, h, w, cout).

    It is one matrix product, so that an exported graph stores the layer's matrix once, although the
    layer is also applied to pooled features.
    """
    _, c, h, w = maps.shape
    rows = maps.permute(0, 2, 3, 1).reshape(-1, c)
    return linear(rows).reshape(-1, h, w, linear.out_features)


class Output(NamedTuple):
    """The network's outputs for N images."""

    features: Tensor
    """Search features (N, semantic_dim), L2-normalised."""
    logits: Tensor
    """Class logits (N, classes)."""
    saliency: Tensor
    """(N, h, w), 0…1: how much each position differs from the border of its photo."""


class ShopNet(nn.Module):
    """The shipped network: a shared trunk, a branch for classes, a branch for search, and colour.

    The branches are separate because fine-tuning on ten classes makes all trousers alike. That
    suits classification; the search branch keeps the features of a thousand kinds of objects. Its
    features are taken before MobileNetV2's last 1×1 convolution, whose 1,280 channels are no better
    and cost more.

    An embedding joins search features, colour and, unless ``class_share`` is 0, the class
    probabilities. The inner product of two embeddings is the sum of each part's cosine times its
    share. The class part is the square root of the probabilities, whose inner product is the
    Bhattacharyya coefficient.
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
        """Build an untrained network for ``classes`` classes.

        ``semantic_dim``, ``colour_dim``: length of an embedding's search features and colour.
        ``colour_share``, ``class_share``: shares of colour and classes in an embedding, 0…1; colour
        takes its share of what classes leave. ``convention``: preprocessing of the initial weights,
        see :class:`.Trunk`. ``hidden``: channels inside each block of :meth:`expanding` of a pruned
        network. ``width`` multiplies all channels. ``config`` keeps these arguments, except
        ``classes``.
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
        """Copy pretrained weights into trunk and branches.

        The class branch's narrower convolution takes evenly spaced channels. The projections do not
        change.
        """
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
        """Name, size and share of each part of an embedding, as ``model.json`` lists them."""
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
        """Share of each part of an embedding by name; without ``class`` if its share is 0."""
        rest = 1 - self.class_share
        shares = {
            "features": round(rest * (1 - self.colour_share), 6),
            "colour": round(rest * self.colour_share, 6),
        }
        return shares | ({"class": self.class_share} if self.class_share else {})

    def expanding(self) -> list[Block]:
        """Return the blocks with an expanding convolution, in order of :meth:`modules`."""
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
        """Return embeddings (N, dim) of length 1 from the network's outputs for N images.

        ``features``: search features (N, semantic_dim). ``histogram``: of
        :class:`.ColourHistogram`. ``logits`` (N, classes): divided by the calibrated temperature.
        They are softened once more, so that the second most probable class counts.
        """
        found = {
            "features": features,
            "colour": self.colour_projection(histogram),
            "class": (logits / SOFTER).softmax(1).sqrt(),
        }
        return torch.cat([found[name] * math.sqrt(share) for name, share in self.shares.items()], 1)


def saliency(seen: Tensor) -> Tensor:
    """Return how much each position differs from the border, (N, h, w), 0…1.

    ``seen``: maps (N, c, h, w). The distance from the mean of the border's features is relative to
    the largest in the photo. Subjects seldom reach the border of a photo, while backgrounds usually
    do.
    """
    border = torch.ones(seen.shape[2:], device=seen.device, dtype=seen.dtype)
    border[1:-1, 1:-1] = 0
    # One product instead of four slices, because fewer nodes are faster.
    around = seen.flatten(2) @ (border / border.sum()).flatten()[:, None]
    distance = (seen - around[..., None]).square().sum(1).sqrt()
    return distance / distance.amax((1, 2), keepdim=True).clamp_min(1e-6)
