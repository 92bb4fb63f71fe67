"""The network: a MobileNetV2 with two heads on one trunk, and colour beside them.

Batch normalisation is folded into the convolutions, in training too: the weights that training
starts from come that way, and what is trained is then exactly what is exported.

Source of the architecture: Sandler et al., "MobileNetV2: Inverted Residuals and Linear
Bottlenecks" (2018), table 2.
"""

from __future__ import annotations

import math
from typing import Literal

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
FEATURES = 1280
CLASS_FEATURES = 640

# Of the photos that torchvision's weights were trained on: red, green, blue in [0, 1].
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


def make_blocks() -> nn.ModuleList:
    """The seventeen blocks of width 1.0, in network order."""
    blocks, cin = [], 32
    for expansion, cout, repeats, stride in STAGES:
        for repeat in range(repeats):
            blocks.append(Block(cin, cout, expansion, stride if repeat == 0 else 1))
            cin = cout
    return nn.ModuleList(blocks)


class Branch(nn.Module):
    """The last block and the wide 1x1 convolution, mean-pooled: (N, 160, h, w) -> (N, width)."""

    def __init__(self, width: int):
        super().__init__()
        self.block = Block(160, 320, 6, 1)
        self.wide = Conv(320, width)

    def forward(self, x: Tensor) -> Tensor:
        return F.relu6(self.wide(self.block(x))).mean((2, 3))


class Trunk(nn.Module):
    """Stem and the first sixteen blocks: (N, 3, s, s) in [-1, 1] -> (N, 160, s/32, s/32).

    ``convention`` says what the initial weights were trained on. ``tensorflow``: pixels in
    [-1, 1], stride 2 padded right and bottom. ``torchvision``: pixels less ImageNet's mean, by its
    deviation, padded evenly. That is a step of its own here: folded into the stem it would change
    the border, because what pads is zero after it and not before.
    """

    def __init__(self, convention: Convention = "tensorflow") -> None:
        super().__init__()
        self.stem = Conv(3, 32, kernel=3, stride=2)
        self.blocks = make_blocks()[:-1]
        mean, std = torch.tensor([IMAGENET_MEAN, IMAGENET_STD]).view(2, 3, 1, 1)
        # Constants, not weights: a state dict has none of them.
        self.register_buffer("scale", 0.5 / std, persistent=False)
        self.register_buffer("shift", (0.5 - mean) / std, persistent=False)
        self.follow(convention)

    def follow(self, convention: Convention) -> None:
        """Treat pixels and borders by this convention from now on."""
        self.convention = convention
        for layer in self.modules():
            if isinstance(layer, Conv):
                layer.symmetric = convention == "torchvision"

    def forward(self, x: Tensor) -> Tensor:
        if self.convention == "torchvision":
            x = x * self.scale + self.shift
        x = F.relu6(self.stem(x))
        for block in self.blocks:
            x = block(x)
        return x


class Backbone(nn.Module):
    """Trunk and one branch: the pretrained network without its classifier, used as teacher."""

    def __init__(self, convention: Convention = "tensorflow") -> None:
        super().__init__()
        self.trunk = Trunk(convention)
        self.branch = Branch(FEATURES)

    def forward(self, x: Tensor) -> Tensor:
        """(N, 3, s, s) in [-1, 1] -> pooled features (N, 1280)."""
        return self.branch(self.trunk(x))


class Projection(nn.Module):
    """Centre, project and L2-normalise: (N, cin) -> (N, cout)."""

    def __init__(self, cin: int, cout: int):
        super().__init__()
        self.linear = nn.Linear(cin, cout)

    def set(self, mean: Tensor, basis: Tensor) -> None:
        """Load a fitted projection: mean (cin,), basis (cout, cin) with orthonormal rows."""
        with torch.no_grad():
            self.linear.weight.copy_(basis)
            self.linear.bias.copy_(-basis @ mean)

    def forward(self, x: Tensor) -> Tensor:
        return F.normalize(self.linear(x), dim=1)


class ShopNet(nn.Module):
    """What ships: one trunk, a class branch, a search branch with the pretrained features, colour.

    The two branches are separate because fine-tuning on ten classes makes all trousers alike: the
    class branch may do that, the search branch is held to the features of the frozen teacher.
    The embedding joins search features and colour so that its inner product is
    ``(1 - colour_share) * cos(features) + colour_share * cos(colour)``.
    """

    def __init__(
        self,
        classes: int,
        semantic_dim: int,
        colour_dim: int,
        colour_share: float,
        convention: Convention = "tensorflow",
        hidden: list[int] | None = None,
    ):
        """``hidden``: channels inside each of :meth:`expanding`, of a network that was pruned."""
        super().__init__()
        self.trunk = Trunk(convention)
        self.search_branch = Branch(FEATURES)
        self.search_projection = Projection(FEATURES, semantic_dim)
        self.class_branch = Branch(CLASS_FEATURES)
        self.classifier = nn.Linear(CLASS_FEATURES, classes)
        self.histogram = ColourHistogram()
        self.colour_projection = Projection(self.histogram.bins, colour_dim)
        self.colour_share = colour_share
        if hidden:
            for block, width in zip(self.expanding(), hidden, strict=True):
                block.resize(width)
            self.trunk.follow(convention)

    def expanding(self) -> list[Block]:
        """The blocks that expand: those of the trunk, the search branch's, the class branch's."""
        blocks = (module for module in self.modules() if isinstance(module, Block))
        return [block for block in blocks if block.expand is not None]

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """(N, 3, s, s) in [-1, 1] -> search features (N, semantic_dim), L2-normalised; logits."""
        shared = self.trunk(x)
        features = self.search_projection(self.search_branch(shared))
        return features, self.classifier(self.class_branch(shared))

    def embed(self, features: Tensor, x: Tensor) -> Tensor:
        """Search features and image -> embedding (N, semantic_dim + colour_dim), unit length."""
        colour = self.colour_projection(self.histogram(x))
        return torch.cat(
            [
                features * math.sqrt(1 - self.colour_share),
                colour * math.sqrt(self.colour_share),
            ],
            dim=1,
        )
