"""The network: a MobileNetV2 whose last blocks exist twice, for search and for classes.

Batch normalisation is folded into the convolutions, in training too: the initial weights come that
way, and the trained network is exactly the exported one.

Source of the architecture: Sandler et al., "MobileNetV2: Inverted Residuals and Linear
Bottlenecks" (2018), table 2.
"""

from __future__ import annotations

import math
from typing import Any, Literal, NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from .colour import ColourHistogram

# expansion, output channels, repeats, stride of the first repeat
STAGES = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
]
# Blocks that both branches share: their features suit ten classes as well as a thousand.
SHARED = 13
CLASS_FEATURES = 320
# Temperature of the class probabilities that become part of an embedding.
SOFTER = 2.0

# Statistics of ImageNet, for torchvision's weights: red, green, blue in [0, 1].
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Convention = Literal["tensorflow", "torchvision"]


class Conv(nn.Conv2d):
    """A convolution with bias that pads as the initial weights expect.

    Stride 1 pads evenly; stride 2 pads right and bottom only, so that a window starts on the
    first pixel, or evenly where ``symmetric`` was set.
    """

    symmetric = False

    def __init__(self, cin: int, cout: int, kernel: int = 1, stride: int = 1, groups: int = 1):
        super().__init__(
            cin, cout, kernel, stride, padding=kernel // 2 if stride == 1 else 0, groups=groups
        )

    def forward(self, x: Tensor) -> Tensor:
        if self.stride[0] == 2:
            x = F.pad(x, (1, 1, 1, 1) if self.symmetric else (0, 1, 0, 1))
        return super().forward(x)


def pad_like(network: nn.Module, convention: Convention) -> None:
    """Make the convolutions pad as these initial weights expect."""
    for layer in network.modules():
        if isinstance(layer, Conv):
            layer.symmetric = convention == "torchvision"


class Block(nn.Module):
    """An inverted residual: expand (1x1), filter each channel (3x3), project back (1x1)."""

    def __init__(self, cin: int, cout: int, expansion: int, stride: int):
        super().__init__()
        wide = cin * expansion
        self.expand = Conv(cin, wide) if expansion != 1 else None
        self.depthwise = Conv(wide, wide, kernel=3, stride=stride, groups=wide)
        self.project = Conv(wide, cout)
        self.residual = stride == 1 and cin == cout

    def resize(self, hidden: int) -> None:
        """Replace the layers of a block that expands by untrained ones of this hidden width."""
        if self.expand is None:
            raise ValueError("a block that does not expand has no hidden width of its own")
        self.expand = Conv(self.expand.in_channels, hidden)
        stride = self.depthwise.stride[0]
        self.depthwise = Conv(hidden, hidden, kernel=3, stride=stride, groups=hidden)
        self.project = Conv(hidden, self.project.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        y = x if self.expand is None else F.relu6(self.expand(x))
        y = self.project(F.relu6(self.depthwise(y)))
        return x + y if self.residual else y


def channels(count: int, width: float) -> int:
    """Return ``count`` channels scaled by width, a multiple of 8 at most a tenth smaller."""
    if width == 1:
        return count
    scaled = max(8, int(count * width + 4) // 8 * 8)
    return scaled + 8 if scaled < 0.9 * count * width else scaled


def make_blocks(width: float = 1.0) -> nn.ModuleList:
    """Return the seventeen blocks, in network order."""
    blocks, cin = [], channels(32, width)
    for expansion, count, repeats, stride in STAGES:
        cout = channels(count, width)
        for repeat in range(repeats):
            blocks.append(Block(cin, cout, expansion, stride if repeat == 0 else 1))
            cin = cout
    return nn.ModuleList(blocks)


class Tail(nn.Module):
    """The last four blocks: (N, 96, h, w) -> (N, 320, h/2, w/2) at width 1."""

    def __init__(self, width: float = 1.0):
        super().__init__()
        self.blocks = make_blocks(width)[SHARED:]

    @property
    def features(self) -> int:
        """Number of output channels."""
        return self.blocks[-1].project.out_channels

    def forward(self, x: Tensor) -> Tensor:
        for block in self.blocks:
            x = block(x)
        return x


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


class Trunk(nn.Module):
    """Stem and the first thirteen blocks: (N, 3, s, s) in [-1, 1] -> (N, 96, s/16, s/16).

    ``convention`` is the preprocessing of the initial weights. ``tensorflow``: pixels in [-1, 1],
    stride 2 padded right and bottom. ``torchvision``: pixels standardised by ImageNet's mean and
    deviation, padded evenly. Standardisation is a separate step here: folded into the stem it would
    change the border, because the zeros of the padding come after it.
    """

    def __init__(self, convention: Convention = "tensorflow", width: float = 1.0) -> None:
        super().__init__()
        self.stem = Conv(3, channels(32, width), kernel=3, stride=2)
        self.blocks = make_blocks(width)[:SHARED]
        mean, std = torch.tensor([IMAGENET_MEAN, IMAGENET_STD]).view(2, 3, 1, 1)
        # Constants, not weights: they are not part of the state dict.
        self.register_buffer("scale", 0.5 / std, persistent=False)
        self.register_buffer("shift", (0.5 - mean) / std, persistent=False)
        self.convention = convention

    def forward(self, x: Tensor) -> Tensor:
        if self.convention == "torchvision":
            x = x * self.scale + self.shift
        x = F.relu6(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return x


class Backbone(nn.Module):
    """The pretrained network without its classifier: where trunk and branches start."""

    def __init__(self, convention: Convention = "tensorflow") -> None:
        super().__init__()
        self.trunk = Trunk(convention)
        self.tail = Tail()
        self.wide = Conv(self.tail.features, 1280)
        pad_like(self, convention)

    def forward(self, x: Tensor) -> Tensor:
        """Return the pooled features (N, 1280) of images (N, 3, s, s) in [-1, 1]."""
        return F.relu6(self.wide(self.tail(self.trunk(x)))).mean((2, 3))


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
