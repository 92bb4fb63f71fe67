"""Load pretrained weights of a MobileNetV2 1.0 (ImageNet), of this project or torchvision."""

from __future__ import annotations

import pickle
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from ..exceptions import Refused
from .mobilenet import Backbone, Conv

# PyTorch's default, which torchvision's MobileNetV2 keeps.
BATCH_NORM_EPS = 1e-5


def load_backbone(path: Path) -> Backbone:
    """Load a pretrained network from ``.npz`` (this project) or ``.pth``, ``.pt`` (torchvision).

    Its ``trunk.convention`` says how photos are normalised and padded. Raises Refused if the file
    is missing or does not fit.
    """
    readers = {".npz": read_int8, ".pth": read_torchvision, ".pt": read_torchvision}
    if path.suffix not in readers:
        raise Refused(f"{path.name}: initial weights come as {', '.join(readers)}")
    if not path.is_file():
        raise Refused(f"there is no file {path}: give initial weights with --weights")
    return readers[path.suffix](path)


def read_int8(path: Path) -> Backbone:
    """Read int8 weights from an ``.npz``.

    Layer k = 00…51 has the arrays ``k.weight_int8``, ``k.weight_scale`` and ``k.bias``.
    """
    backbone = Backbone()
    with np.load(path) as archive, torch.no_grad():
        for k, layer in enumerate(conv_layers(backbone)):
            scale = archive[f"{k:02d}.weight_scale"].astype(np.float32)
            weight = archive[f"{k:02d}.weight_int8"].astype(np.float32)
            weight *= scale.reshape(-1, 1, 1, 1)
            layer.weight.copy_(torch.from_numpy(weight).reshape(layer.weight.shape))
            layer.bias.copy_(torch.from_numpy(archive[f"{k:02d}.bias"].astype(np.float32)))
    return backbone


def read_torchvision(path: Path) -> Backbone:
    """Read a state dict of torchvision's ``mobilenet_v2``, with batch norm folded; no classifier.

    Raises Refused if the file is not such a state dict.
    """
    backbone = Backbone("torchvision")
    layers = conv_layers(backbone)
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        # Fold in double precision, so that only the final rounding costs accuracy.
        folded = [fold_batch_norm(state, *names) for names in torchvision_names()]
        with torch.no_grad():
            for layer, (weight, bias) in zip(layers, folded, strict=True):
                if weight.shape != layer.weight.shape:
                    raise ValueError(f"{tuple(weight.shape)} for {tuple(layer.weight.shape)}")
                layer.weight.copy_(weight)
                layer.bias.copy_(bias)
    except (KeyError, TypeError, ValueError, pickle.UnpicklingError, RuntimeError) as error:
        raise Refused(
            f"{path.name} is no state dict of torchvision's mobilenet_v2 of width 1.0 ({error}):"
            " write one with torch.save(model.state_dict(), PATH)"
        ) from error
    return backbone


def torchvision_names() -> list[tuple[str, str]]:
    """Return torchvision's (convolution, batch norm) names of each layer, in network order."""
    names = [("features.0.0", "features.0.1")]
    for block in range(1, 18):
        # All blocks but the first have an expanding convolution.
        wide = 1 if block == 1 else 2
        conv = f"features.{block}.conv"
        names += [(f"{conv}.{k}.0", f"{conv}.{k}.1") for k in range(wide)]
        names.append((f"{conv}.{wide}", f"{conv}.{wide + 1}"))
    return [*names, ("features.18.0", "features.18.1")]


def fold_batch_norm(state: dict[str, Tensor], conv: str, norm: str) -> tuple[Tensor, Tensor]:
    """Return weight and bias of a convolution with its batch norm folded in, in float64.

    ``conv`` and ``norm``: prefixes of their names in ``state``.
    """
    gamma, beta, mean, variance = (
        state[f"{norm}.{part}"].double()
        for part in ("weight", "bias", "running_mean", "running_var")
    )
    gain = gamma / (variance + BATCH_NORM_EPS).sqrt()
    weight = state[f"{conv}.weight"].double() * gain.view(-1, 1, 1, 1)
    return weight, beta - mean * gain


def conv_layers(module: nn.Module) -> list[Conv]:
    """Return all convolutions of a module in network order, which is their order of definition."""
    return [layer for layer in module.modules() if isinstance(layer, Conv)]
