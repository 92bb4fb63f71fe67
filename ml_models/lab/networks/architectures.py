"""The classifiers that the benchmark compares, untrained or with pretrained weights."""

from __future__ import annotations

import pickle
from importlib import import_module
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..exceptions import Refused
from .initial_weights import load_backbone
from .lite_teacher import PACKAGES
from .lite_teacher import architecture as lite_architecture
from .served import OUTPUTS

# Name -> module and function of the library pytorchcv.
LIBRARY = {
    "mobilenetv2": ("mobilenetv2", "mobilenetv2_w1"),
    "mobilenetv3-large": ("mobilenetv3", "mobilenetv3_large_w1"),
    "efficientnet-b0": ("efficientnet", "efficientnet_b0"),
    "resnet50": ("resnet", "resnet50"),
}
ARCHITECTURES = (*LIBRARY, *PACKAGES)


class Classifier(nn.Module):
    """A network whose ``features`` give pooled features, and whose ``head`` gives logits."""

    def __init__(self, features: nn.Module, head: nn.Module):
        super().__init__()
        self.features, self.head = features, head

    def forward(self, x: Tensor) -> Tensor:
        """Return logits (N, classes) of images (N, 3, s, s) in [-1, 1]."""
        return self.head(self.features(x))


class ServedClassifier(nn.Module):
    """A classifier as a model package needs it: with normalisation and softmax inside."""

    inputs, outputs = ("image",), OUTPUTS[:2]

    def __init__(self, model: Classifier):
        super().__init__()
        self.model = model

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (N, d) of length 1 and probabilities (N, classes) of photos.

        ``image``: uint8 RGB (N, s, s, 3).
        """
        x = image.permute(0, 3, 1, 2).float() / 127.5 - 1
        features = self.model.features(x)
        return F.normalize(features.flatten(1)), self.model.head(features).softmax(1)


class LiteFeatures(nn.Module):
    """The pooled features (N, 1280) of an EfficientNet-Lite for images (N, 3, s, s)."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        return self.net.extract_features(x).mean((2, 3))


def make(name: str, classes: int, side: int, weights: Path | None = None) -> Classifier:
    """Build a classifier by its name in :data:`ARCHITECTURES`; its head is never pretrained.

    ``side``: pixels of the photos, for which an EfficientNet-Lite pads. ``weights``: pretrained
    weights; for mobilenetv2 a file of :mod:`.initial_weights`, for an EfficientNet-Lite the file in
    its package, for the others a state dict of pytorchcv. Raises Refused if they do not fit the
    network.
    """
    if name in PACKAGES:
        return make_lite(name, classes, side, weights)
    if weights and name == "mobilenetv2":
        backbone = load_backbone(weights)
        features = backbone(torch.zeros(1, 3, 32, 32)).shape[1]
        return Classifier(backbone, nn.Linear(features, classes))
    module, function = LIBRARY[name]
    library = import_module(f"pytorchcv.models.{module}")
    net = getattr(library, function)(num_classes=classes)
    if weights:
        load_features(net, weights)
    # The library pools windows of 7 × 7, which cover the whole map at 224 pixels only.
    net.features.final_pool = nn.AdaptiveAvgPool2d(1)
    layers = (layer for layer in net.output.modules() if isinstance(layer, nn.Conv2d | nn.Linear))
    if isinstance(next(layers), nn.Conv2d):
        head = nn.Sequential(net.output, nn.Flatten())
    else:
        head = nn.Sequential(nn.Flatten(), net.output)
    return Classifier(net.features, head)


def make_lite(name: str, classes: int, side: int, weights: Path | None) -> Classifier:
    """Build an EfficientNet-Lite for photos of ``side`` pixels.

    Raises Refused if its package is not installed, or if ``weights`` do not fit.
    """
    net = lite_architecture().from_name(name, image_size=side)
    if weights:
        try:
            net.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
        except (OSError, TypeError, RuntimeError, pickle.UnpicklingError) as error:
            raise Refused(f"{weights} holds no weights of {name} ({error})") from error
    return Classifier(LiteFeatures(net), nn.Linear(net._fc.in_features, classes))


def load_features(net: nn.Module, path: Path) -> None:
    """Load a pytorchcv state dict into ``net``, except its head.

    Raises Refused if the file does not fit the network.
    """
    try:
        stored = torch.load(path, map_location="cpu", weights_only=True)
        own = net.state_dict()
        features = {name: stored[name] for name in own if not name.startswith("output.")}
        net.load_state_dict(own | features)
    except (OSError, KeyError, TypeError, RuntimeError, pickle.UnpicklingError) as error:
        raise Refused(f"{path} holds no weights of this network in pytorchcv ({error})") from error
