"""Round the weights of int8 convolutions so that their outputs change least."""

from __future__ import annotations

import torch
from torch import Tensor

from ..photos.pixels import scale
from .convolutions import ConvLayer, Convolutions
from .int8_convolutions import Int8Convolutions, whole

# Share of the mean input variance that is added to each variance, so that the matrix is invertible
# even if inputs never vary.
DAMPING = 0.001
CHUNK = 4


def rows_of(layer: ConvLayer, x: Tensor, kernel: int) -> Tensor:
    """Return the values that each weight of a channel is multiplied by, a column per position.

    ``x`` (N, cin, h, w): the layer's input. ``kernel``: its side k. The result is (1, cin, N·h·w)
    for a 1 × 1 convolution, (cin, k², N·h'·w') for a depthwise one.
    """
    if layer.groups == 1:
        return x.transpose(0, 1).flatten(1)[None]
    windows = layer.pad(x)
    for axis in (2, 3):
        windows = windows.unfold(axis, kernel, layer.strides[axis - 2])
    return windows.permute(1, 4, 5, 0, 2, 3).reshape(x.shape[1], kernel * kernel, -1)


def covariance(layer: ConvLayer, x: Tensor, kernel: int) -> Tensor:
    """Return the covariance of a layer's inputs, (1, cin, cin) or, depthwise, (cin, k², k²).

    ``x`` (N, cin, h, w): the layer's input. ``kernel``: its side k.
    """
    parts = x.split(CHUNK)
    mean = sum(rows_of(layer, part, kernel).mean(2, keepdim=True) * len(part) for part in parts)
    mean = mean / len(x)
    total = 0.0
    for part in parts:
        centred = rows_of(layer, part, kernel) - mean
        total = total + centred @ centred.transpose(1, 2) * (len(part) / centred.shape[2])
    covariances: Tensor = total / len(x)
    return covariances


def round_one_by_one(weight: Tensor, low: Tensor, high: Tensor, moments: Tensor) -> Tensor:
    """Round weights (G, R, K) to integers; each compensates the errors of those before it.

    ``low``, ``high`` (G, R, K): bounds of the integers. ``moments`` (G, K, K): covariance of the
    inputs in each of G groups. Source: Frantar et al., "GPTQ: accurate post-training quantization
    for generative pre-trained transformers" (2022).
    """
    size = weight.shape[2]
    moments = moments.double()
    ridge = DAMPING * moments.diagonal(dim1=1, dim2=2).mean(1).clamp_min(1e-9)
    moments = moments + ridge[:, None, None] * torch.eye(size, dtype=torch.float64)
    inverse = torch.cholesky_inverse(torch.linalg.cholesky(moments))
    upper = torch.linalg.cholesky(inverse, upper=True).float()
    weight, rounded = weight.clone(), torch.empty_like(weight)
    for k in range(size):
        rounded[:, :, k] = weight[:, :, k].round().clamp(low[:, :, k], high[:, :, k])
        error = (weight[:, :, k] - rounded[:, :, k]) / upper[:, k, k, None]
        weight[:, :, k + 1 :] -= error[:, :, None] * upper[:, None, k, k + 1 :]
    return rounded


def round_weights(int8: Int8Convolutions, layer: ConvLayer, x: Tensor) -> None:
    """Set the weights of a layer of ``int8`` to the integers that change its outputs least.

    ``x`` (N, cin, h, w): the layer's input for sample photos.
    """
    weight = int8.weights[layer.number]
    axis = 1 if layer.groups > 1 else 0
    low, high, rows = (
        each.flatten(1).unsqueeze(axis) for each in (*int8.bounds[layer.number], weight)
    )
    moments = covariance(layer, x, weight.shape[-1])
    int8.weights[layer.number] = round_one_by_one(rows, low, high, moments).view_as(weight)


def fit_rounding(network: Convolutions, int8: Int8Convolutions, pixels: Tensor) -> None:
    """Round all weights of ``int8``, and correct its biases by the mean error of each channel.

    ``network``: the float32 original. ``pixels``: sample photos (N, 3, s, s) uint8. Layers are
    fitted in order, each to the outputs of those before it. Source of the correction: Nagel et al.,
    "Data-free quantization through weight equalization and bias correction" (2019), section 4.2.
    """
    means = {}

    def note(layer: ConvLayer, inputs: list[Tensor], y: Tensor) -> None:
        if not layer.is_sum:
            means[layer.number] = y.mean((0, 2, 3)) * int8.units[layer.output]

    def mend(layer: ConvLayer, inputs: list[Tensor], y: Tensor) -> Tensor | None:
        if layer.is_sum:
            return None
        if layer.number:
            round_weights(int8, layer, inputs[0])
            y = int8.compute(layer, inputs)
        error = means[layer.number] - y.mean((0, 2, 3))
        int8.biases[layer.number] = int8.biases[layer.number] + error / int8.steps[layer.output]
        return int8.compute(layer, inputs)

    network(scale(pixels), note)
    int8(whole(pixels), mend)
