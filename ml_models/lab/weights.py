"""Initial weights: a MobileNetV2 1.0 trained on ImageNet, stored per channel as int8."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from .network import Backbone, Branch, Conv


def load_backbone(path: Path) -> Backbone:
    """Read ``k.weight_int8``, ``k.weight_scale`` and ``k.bias`` for the layers k = 00…51."""
    backbone = Backbone()
    layers = convolutions(backbone)
    with np.load(path) as archive, torch.no_grad():
        for k, layer in enumerate(layers):
            scale = archive[f"{k:02d}.weight_scale"].astype(np.float32)
            weight = archive[f"{k:02d}.weight_int8"].astype(np.float32)
            weight *= scale.reshape(-1, 1, 1, 1)
            layer.weight.copy_(torch.from_numpy(weight).reshape(layer.weight.shape))
            layer.bias.copy_(torch.from_numpy(archive[f"{k:02d}.bias"].astype(np.float32)))
    return backbone


def convolutions(module: nn.Module) -> list[Conv]:
    """All convolutions in network order, which is their order of definition."""
    return [layer for layer in module.modules() if isinstance(layer, Conv)]


def narrow(branch: Branch, width: int) -> Branch:
    """A copy of a pretrained branch that keeps every n-th of its wide channels."""
    small = Branch(width)
    step = branch.wide.out_channels // width
    with torch.no_grad():
        small.block.load_state_dict(branch.block.state_dict())
        small.wide.weight.copy_(branch.wide.weight[::step])
        small.wide.bias.copy_(branch.wide.bias[::step])
    return small
