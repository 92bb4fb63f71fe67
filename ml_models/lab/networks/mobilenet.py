"""MobileNetV2 in parts: trunk, tail, and the pretrained backbone.

Batch norm is folded into the convolutions, in training too: the initial weights come that way, and
the trained network is exactly the exported one.

Source of the architecture: Sandler et al., "MobileNetV2: Inverted Residuals and Linear Bottlenecks"
(2018), table 2.
"""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

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

# Statistics of ImageNet, for torchvision's weights: red, green, blue in [0, 1].
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)

Convention = Literal["tensorflow", "torchvision"]


class Conv(nn.Conv2d):
    """A convolution with bias, padded as the initial weights expect.

    Stride 1 pads evenly. Stride 2 pads right and bottom only, so that a window starts on the first
    pixel; with ``symmetric`` it pads evenly.
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
    """Make all convolutions pad as weights of this origin expect, TensorFlow or torchvision."""
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
        """Replace the layers by untrained ones with ``hidden`` channels inside.

        Raises ValueError for a block that does not expand.
        """
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
    """Return ``count`` × ``width`` channels, rounded to a multiple of 8 at most a tenth smaller."""
    if width == 1:
        return count
    scaled = max(8, int(count * width + 4) // 8 * 8)
    return scaled + 8 if scaled < 0.9 * count * width else scaled


def make_blocks(width: float = 1.0) -> nn.ModuleList:
    """Return the seventeen blocks in network order; ``width`` multiplies their channels."""
    blocks, cin = [], channels(32, width)
    for expansion, count, repeats, stride in STAGES:
        cout = channels(count, width)
        for repeat in range(repeats):
            blocks.append(Block(cin, cout, expansion, stride if repeat == 0 else 1))
            cin = cout
    return nn.ModuleList(blocks)


class Tail(nn.Module):
    """The last four blocks: maps (N, 96, h, w) to (N, 320, h/2, w/2) at width 1."""

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


class Trunk(nn.Module):
    """The stem and the first thirteen blocks: images (N, 3, s, s) to maps (N, 96, s/16, s/16).

    Images are in [-1, 1]. ``convention`` is the preprocessing of the initial weights.
    ``tensorflow``: pixels in [-1, 1], stride 2 padded right and bottom. ``torchvision``: pixels
    standardised by ImageNet's mean and deviation, padded evenly. Standardisation is a separate step
    here: folded into the stem it would change the border, because the zeros of the padding come
    after it.
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
    """The pretrained network without its classifier, which initialises trunk and branches."""

    def __init__(self, convention: Convention = "tensorflow") -> None:
        super().__init__()
        self.trunk = Trunk(convention)
        self.tail = Tail()
        self.wide = Conv(self.tail.features, 1280)
        pad_like(self, convention)

    def forward(self, x: Tensor) -> Tensor:
        """Return the pooled features (N, 1280) of images (N, 3, s, s) in [-1, 1]."""
        return F.relu6(self.wide(self.tail(self.trunk(x)))).mean((2, 3))
