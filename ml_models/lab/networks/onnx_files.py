"""Write networks as ONNX files, run them, and compare them with PyTorch."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from .onnx_graph import fuse_padding
from .served import Region, Served

TOLERANCE = 1e-4


def write_onnx(served: nn.Module, size: int, path: Path) -> None:
    """Export a network to ``path`` for images of ``size`` × ``size`` pixels, any batch size.

    ``served``: maps uint8 (N, size, size, 3) to its ``outputs``.
    """
    write_graph(served, (torch.zeros(1, size, size, 3, dtype=torch.uint8),), path)


def write_graph(module: nn.Module, example: tuple[Tensor, ...], path: Path) -> None:
    """Export a module to ``path``, with any batch size.

    ``example``: tensors to trace it with. The module names its ``inputs`` and ``outputs``.
    """
    names = {"input_names": list(module.inputs), "output_names": list(module.outputs)}
    with warnings.catch_warnings():
        # The tracing exporter gives the simplest graph; it warns that a newer one exists.
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module,
            example,
            str(path),
            **names,
            dynamic_axes={name: {0: "batch"} for name in (*module.inputs, *module.outputs)},
            opset_version=17,
            dynamo=False,
        )
    fold_constants(path)
    model = onnx.load(str(path))
    fuse_padding(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, str(path))


@torch.no_grad()
def write_region(region: Region, served: Served, size: int, path: Path) -> None:
    """Export ``region``, the graph that embeds a part of a photo, to ``path``.

    ``served``: the network whose outputs it reads. ``size``: side of the photos in pixels.
    """
    *_, cells, colours, _ = served(torch.zeros(1, size, size, 3, dtype=torch.uint8))
    weights = torch.ones(cells.shape[:3])
    write_graph(region, (cells, colours, weights, weights), path)


def fold_constants(path: Path) -> None:
    """Replace nodes that do not depend on the input by constants, in the file at ``path``."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


def run_onnx(path: Path, pixels: Tensor, batch: int = 32) -> list[np.ndarray]:
    """Run an ONNX file on photos (N, 3, s, s) uint8, ``batch`` at a time; return all outputs."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = [
        session.run(None, {"image": chunk.permute(0, 2, 3, 1).numpy()})
        for chunk in pixels.split(batch)
    ]
    return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]


@torch.no_grad()
def check_against_torch(served: nn.Module, path: Path, pixels: Tensor) -> float:
    """Return the largest difference between the ONNX file at ``path`` and ``served``.

    ``pixels``: photos (N, 3, s, s) uint8. The difference is relative to each output's largest
    value, or 1. Raises ValueError above 1e-4.
    """
    wanted = served(pixels.permute(0, 2, 3, 1))
    return largest_difference([each.numpy() for each in wanted], run_onnx(path, pixels))


@torch.no_grad()
def check_region(region: Region, served: Served, path: Path, pixels: Tensor) -> float:
    """Return the largest difference between the ONNX file at ``path`` and ``region``.

    The region is the upper left quarter of photos (N, 3, s, s) uint8; ``served`` computes their
    cells. Raises ValueError above 1e-4.
    """
    *_, cells, colours, _ = served(pixels.permute(0, 2, 3, 1))
    inside = torch.zeros(cells.shape[:3])
    inside[:, : inside.shape[1] // 2, : inside.shape[2] // 2] = 1
    given = (cells, colours, inside, 1 - inside)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    got = session.run(None, {name: each.numpy() for name, each in zip(names, given, strict=True)})
    return largest_difference([each.numpy() for each in region(*given)], got)


@torch.no_grad()
def check_head(head: nn.Module, path: Path, given: tuple[Tensor, ...]) -> float:
    """Return the largest difference between the ONNX file at ``path`` and an object head.

    ``given``: its inputs. Raises ValueError above 1e-4.
    """
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    got = session.run(None, {name: each.numpy() for name, each in zip(names, given, strict=True)})
    return largest_difference([each.numpy() for each in head(*given)], got)


def largest_difference(wanted: Sequence[np.ndarray], got: Sequence[np.ndarray]) -> float:
    """Return the largest difference of the outputs ``got`` from the outputs ``wanted``.

    It is relative to an output's largest value, or 1. Raises ValueError above 1e-4, or for integers
    that differ by more than 1.
    """
    worst = 0.0
    for a, b in zip(wanted, got, strict=True):
        difference = float(np.abs(a.astype(np.float64) - b).max())
        if np.issubdtype(a.dtype, np.integer):
            if difference > 1:
                raise ValueError(f"ONNX differs from PyTorch by {difference:g} of 255")
            continue
        worst = max(worst, difference / max(1.0, float(np.abs(a).max())))
    if worst > TOLERANCE:
        raise ValueError(f"ONNX differs from PyTorch by {worst:.2e}, more than {TOLERANCE:.0e}")
    return worst
