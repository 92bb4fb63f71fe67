"""Measure and compare networks by cost and accuracy."""

from __future__ import annotations

import math
import shutil
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from ..networks.served import Served
from ..networks.shopnet import ShopNet
from ..photos.photo_sets import PhotoSet
from ..photos.pixels import SERVED_SIDE
from .package_figures import measure_package, write_plain_package


@torch.no_grad()
def multiply_adds(model: nn.Module, side: int) -> int:
    """Count the multiply-adds of convolutions and linear layers for an image of this side."""
    total = 0

    def count(layer: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal total
        total += layer.weight.numel() * math.prod(output.shape[2:])

    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    model(torch.zeros(1, 3, side, side))
    for hook in hooks:
        hook.remove()
    return total


def measure_footprint(
    model: ShopNet, photos: PhotoSet, folder: Path, parents: dict[str, str]
) -> dict[str, Any]:
    """Return multiply-adds, parameters, latency, size and accuracy of a network.

    Its package is written to ``folder`` and deleted afterwards. ``parents``: coarser class of each
    finer one, as which it counts.
    """
    write_plain_package(Served(model), folder.name, SERVED_SIDE, photos, folder, parents)
    found = measure_package(folder, photos)
    shutil.rmtree(folder)
    return {
        "multiply_adds": multiply_adds(model, SERVED_SIDE),
        "parameters": sum(p.numel() for p in model.parameters()),
        **{name: found[name] for name in ("latency_ms", "size_mb", "accuracy")},
    }


def table(rows: dict[str, dict[str, Any]]) -> str:
    """Format results of :func:`measure_footprint` as a text table; ``rows``: by network name."""
    lines = [f"{'':<11} multiply-adds  parameters  latency     size  accuracy"]
    for name, row in rows.items():
        lines.append(
            f"{name:<11} {row['multiply_adds'] / 1e6:>11.1f} M {row['parameters'] / 1e6:>9.2f} M"
            f" {row['latency_ms']:>5.2f} ms {row['size_mb']:>5.2f} MB  {row['accuracy']:>8.4f}"
        )
    return "\n".join(lines)
