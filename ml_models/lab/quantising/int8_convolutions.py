"""Int8 convolutions with the same result on every kernel.

Three constraints make integer kernels with and without VNNI, float kernels, and any order of
summation agree to the last bit:

- All steps of activations and weights are powers of two. A layer's outputs are rescaled to fit
  their step, and the next layer's weights reverse that.
- No two weights of a channel exceed ``PAIR`` together, so that the 16-bit sums of two products that
  x86 without VNNI adds up cannot overflow.
- No sum of products reaches 2^24, up to which float32 holds every integer.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from onnx import GraphProto
from torch import Tensor

from .convolutions import ConvLayer, Convolutions, Ranges, Watch

PAIR = 128
"""255 × 128 = 32,640 is less than 2^15."""
EXACT = 1 << 24
MIDDLE = 128
"""Zero point of signed activations: even, so that rounding half to even rounds alike around it."""
PIXEL = 255
"""The first convolution reads ``2 · pixel - 255``, which is 255 times a pixel in [-1, 1]."""
STRONGEST = 64.0
"""Ratio of channels' ranges up to which units take back the difference.

In flat areas, such as a black garment, all positions are rounded alike and errors do not average
out, so channels of a small range must not be rounded in the steps of those of a large one.
"""


def whole(pixels: Tensor) -> Tensor:
    """Return ``2 · pixel - 255`` as floats: integers centred on 0; photos (N, 3, s, s) uint8."""
    return pixels.contiguous(memory_format=torch.channels_last).float().mul(2).sub(PIXEL)


def power(x: float) -> float:
    """Return the smallest power of two that is at least ``x``."""
    return 2.0 ** math.ceil(math.log2(x) - 1e-9)


def strongest_pair(flat: Tensor) -> Tensor:
    """Return the greatest sum of two weights of the same sign in each channel.

    ``flat``: weights (cout, K); the result is (cout,).
    """
    sums = [
        part.clamp_min(0).topk(min(2, flat.shape[1]), 1).values.sum(1) for part in (flat, -flat)
    ]
    return sums[0].maximum(sums[1])


class Int8Convolutions(Convolutions):
    """The convolutions of a float32 graph in exact int8 arithmetic.

    As a function it takes images ``2 · pixel - 255`` (:func:`whole`), (N, 3, s, s), and returns the
    same maps as :class:`Convolutions`, nearly. ``weights`` are in multiples of their channel's
    step, ``biases`` in multiples of the output's step; both are rounded on use. The first
    convolution keeps wider weights and float arithmetic, which is faster for three channels; its
    sums are exact, too.
    """

    def __init__(self, graph: GraphProto, ranges: Ranges):
        """Choose all steps from the ranges of a float32 graph's outputs.

        ``ranges``: least and greatest value of each channel before its ReLU6, by output name.
        """
        super().__init__(graph)
        self.ranges = ranges
        self.steps: dict[str, float] = {self.image: 1.0}
        self.zeros: dict[str, int] = {self.image: 0}
        self.units: dict[str, Tensor] = {self.image: torch.full((3,), float(PIXEL))}
        for group in self.streams():
            self.choose_steps(group)
        self.weight_steps: list[Tensor] = []
        self.bounds: list[tuple[Tensor, Tensor]] = []
        for layer in self.convolving:
            self.rescale(layer)
            self.bounds.append(self.bounds_of(layer))

    def streams(self) -> list[list[ConvLayer]]:
        """Group the layers whose outputs are added; their steps must differ by powers of two."""
        group_of = {layer.output: layer.output for layer in self.layers}
        for layer in self.layers:
            if layer.is_sum:
                joined = {group_of[name] for name in (*layer.inputs, layer.output)}
                for name, group in group_of.items():
                    if group in joined:
                        group_of[name] = layer.output
        groups: dict[str, list[ConvLayer]] = {}
        for layer in self.layers:
            groups.setdefault(group_of[layer.output], []).append(layer)
        return list(groups.values())

    def choose_steps(self, group: list[ConvLayer]) -> None:
        """Set step, zero point and units of the outputs of a group of layers.

        A unit (C,) is the factor of each of an output's channels. Weak channels of signed outputs,
        which are not clipped, get a greater one. Source: Nagel et al., "Data-free quantization
        through weight equalization and bias correction" (2019), section 4.1.
        """
        ranges = {layer.output: self.ranges[layer.output] for layer in group}
        unit = torch.ones_like(next(iter(ranges.values()))[0])
        if not any(layer.rectified for layer in group):
            reach = torch.stack([low.abs().maximum(high) for low, high in ranges.values()]).amax(0)
            unit = (reach.max() / reach.clamp_min(1e-6)).clamp(max=STRONGEST)
        wanted = {}
        for layer in group:
            low, high = (each * unit for each in ranges[layer.output])
            if layer.rectified:
                step = min(float(high.max()), 6.0) / 255
            else:
                step = max(float(high.max()) / 127, -float(low.min()) / 128)
            wanted[layer.output] = max(step, 1e-6)
            self.zeros[layer.output] = 0 if layer.rectified else MIDDLE
        base = max(wanted.values())
        for name, step in wanted.items():
            self.units[name] = unit * (power(base) / base)
            self.steps[name] = power(step * power(base) / base)

    def rescale(self, layer: ConvLayer) -> None:
        """Rescale a layer's weights and bias to the units of its input and output, and to steps."""
        (source,), k = layer.inputs, layer.number
        given, unit = self.units[source], self.units[layer.output]
        given = given.view(-1, 1, 1, 1) if layer.groups > 1 else given.view(1, -1, 1, 1)
        weight, bias = self.weights[k] * unit.view(-1, 1, 1, 1) / given, self.biases[k] * unit
        step = torch.exp2(torch.ceil(torch.log2(self.least_step(layer, weight, bias)) - 1e-6))
        self.weight_steps.append(step)
        self.weights[k] = weight / step.view(-1, 1, 1, 1)
        self.biases[k] = bias / self.steps[layer.output]

    def least_step(self, layer: ConvLayer, weight: Tensor, bias: Tensor) -> Tensor:
        """Return the smallest step (cout,) of each channel's weights at which its sums stay exact.

        ``weight``, ``bias``: the layer's, in the units of its input and output.
        """
        flat = weight.flatten(1)
        # Products and bias may each use half of the exact integers.
        least = bias.abs() / (self.steps[layer.inputs[0]] * EXACT / 2)
        if layer.number == 0:
            return least.maximum(flat.abs().sum(1) * PIXEL / (EXACT / 2)).clamp_min(1e-12)
        least = least.maximum(flat.abs().amax(1) / 127)
        if layer.groups == 1:
            # Rounding may add half a step to each.
            least = least.maximum(strongest_pair(flat) / (PAIR - 1))
        return least.clamp_min(1e-12)

    def bounds_of(self, layer: ConvLayer) -> tuple[Tensor, Tensor]:
        """Return the least and greatest integer of each weight, (cout, cin, kh, kw) each.

        The strongest weight per channel and sign may keep its value; the others are limited to the
        rest of ``PAIR``.
        """
        weight = self.weights[layer.number]
        if layer.number == 0 or layer.groups > 1:
            limit = EXACT if layer.number == 0 else 127
            return torch.full_like(weight, -limit), torch.full_like(weight, limit)
        limits = []
        for sign in (-1, 1):
            flat = (sign * weight).flatten(1)
            strongest = flat.amax(1, keepdim=True).round().clamp(PAIR // 2, 127)
            first = F.one_hot(flat.argmax(1), flat.shape[1]).bool()
            limits.append(torch.where(first, strongest, PAIR - strongest).view_as(weight))
        return -limits[0], limits[1]

    def integers(self, layer: ConvLayer) -> tuple[Tensor, Tensor]:
        """Return a layer's integer weight (cout, cin, kh, kw) and bias (cout,), as floats."""
        k = layer.number
        finer = self.steps[layer.output] / self.bias_steps(layer)
        return self.weights[k].round().clamp(*self.bounds[k]), (self.biases[k] * finer).round()

    def bias_steps(self, layer: ConvLayer) -> Tensor:
        """Return the step (cout,) of a layer's sums of products."""
        return self.weight_steps[layer.number] * self.steps[layer.inputs[0]]

    def compute(self, layer: ConvLayer, inputs: list[Tensor]) -> Tensor:
        """Return a layer's output before rounding and clipping, from its input maps."""
        if layer.is_sum:
            return inputs[0] + inputs[1]
        weight, bias = self.integers(layer)
        weight = weight * self.weight_steps[layer.number].view(-1, 1, 1, 1)
        return layer.convolve(inputs[0], weight, bias * self.bias_steps(layer))

    def finish(self, layer: ConvLayer, y: Tensor) -> Tensor:
        """Round an output to its step and clip it to 8 bits, which includes the ReLU6."""
        step, zero = self.steps[layer.output], self.zeros[layer.output]
        return (y / step).round().clamp(-zero, 255 - zero) * step

    def __call__(self, x: Tensor, watch: Watch | None = None) -> list[Tensor]:
        """Return the maps that the rest of the graph reads, on the scale of the float32 network.

        ``x``: images ``2 · pixel - 255``. ``watch(layer, inputs, output)`` is called for each layer
        and may return a tensor to replace the output.
        """
        return [
            each / self.units[name].view(-1, 1, 1)
            for name, each in zip(self.leaving, super().__call__(x, watch), strict=True)
        ]

    def check(self) -> None:
        """Raise ValueError for a layer whose arithmetic is not exact on every processor."""
        for layer in self.convolving:
            weight, bias = self.integers(layer)
            flat = weight.flatten(1)
            if float((flat.abs().sum(1) * 255 + bias.abs()).max()) >= EXACT:
                raise ValueError(f"{layer.name}: sums of products reach 2^24")
            if layer.number and layer.groups == 1 and float(strongest_pair(flat).max()) > PAIR:
                raise ValueError(f"{layer.name}: two weights exceed {PAIR} together")
