"""Run the convolutions of an exported ONNX graph in PyTorch."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from onnx import GraphProto, NodeProto, helper
from torch import Tensor

from ..networks.onnx_graph import constants
from ..photos.pixels import scale

BATCH = 8


@dataclass(frozen=True, kw_only=True)
class ConvLayer:
    """A convolution with the ReLU6 that follows it, if any; or a sum of two maps.

    ``inputs`` and ``output``: names in the graph. The other fields are for convolutions only:
    ``name`` is the output before the ReLU6, ``number`` the index among convolutions, ``rectified``
    whether a ReLU6 follows.
    """

    inputs: tuple[str, ...]
    output: str
    name: str = ""
    number: int = -1
    strides: tuple[int, int] = (1, 1)
    pads: tuple[int, int, int, int] = (0, 0, 0, 0)
    groups: int = 1
    rectified: bool = False

    @property
    def is_sum(self) -> bool:
        """Whether the layer adds two maps."""
        return self.number < 0

    def pad(self, x: Tensor) -> Tensor:
        """Pad maps (N, c, h, w) with zeros, by ONNX's order: top, left, bottom, right."""
        top, left, bottom, right = self.pads
        return F.pad(x, (left, right, top, bottom))

    def convolve(self, x: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
        """Return the convolution (N, cout, h', w') of maps (N, cin, h, w), before its ReLU6."""
        padding = self.pads[:2]
        if padding != self.pads[2:]:
            x, padding = self.pad(x), (0, 0)
        return F.conv2d(x, weight, bias, self.strides, padding, groups=self.groups)


Watch = Callable[[ConvLayer, list[Tensor], Tensor], "Tensor | None"]


def attributes(node: NodeProto) -> dict[str, Any]:
    """Return a node's attributes by name, as Python values."""
    return {each.name: helper.get_attribute_value(each) for each in node.attribute}


def read_layers(graph: GraphProto) -> list[ConvLayer]:
    """Read the convolutions with their ReLU6, and the sums of their outputs, in graph order.

    Raises ValueError without convolutions, or for a ``Clip`` after one that is not 0…6.
    """
    stored = constants(graph)
    clips = {node.input[0]: node for node in graph.node if node.op_type == "Clip"}
    layers: list[ConvLayer] = []
    made: set[str] = set()
    for node in graph.node:
        if node.op_type == "Conv":
            given, clip = attributes(node), clips.get(node.output[0])
            if clip is not None and [float(stored[each]) for each in clip.input[1:]] != [0, 6]:
                raise ValueError(f"{clip.output[0]} does not clip to 0…6")
            layers.append(
                ConvLayer(
                    inputs=(node.input[0],),
                    output=(clip or node).output[0],
                    name=node.output[0],
                    number=sum(not layer.is_sum for layer in layers),
                    strides=tuple(given.get("strides", (1, 1))),
                    pads=tuple(given.get("pads", (0, 0, 0, 0))),
                    groups=given.get("group", 1),
                    rectified=clip is not None,
                )
            )
        elif node.op_type == "Add" and made.issuperset(node.input):
            layers.append(ConvLayer(inputs=tuple(node.input), output=node.output[0]))
        else:
            continue
        made.add(layers[-1].output)
    if not layers:
        raise ValueError("the graph has no convolutions")
    return layers


def leaving(graph: GraphProto, layers: list[ConvLayer]) -> list[str]:
    """Return the names of outputs of these layers that other nodes of the graph read, in order."""
    inside = {name for layer in layers for name in (layer.name, layer.output)}
    read = {name for node in graph.node if node.output[0] not in inside for name in node.input}
    return [layer.output for layer in layers if layer.output in read]


class Convolutions:
    """The convolutions of a float32 graph, as a function of images (N, 3, s, s) in [-1, 1].

    It returns the maps that the rest of the graph reads, whose names are in ``leaving``.
    """

    def __init__(self, graph: GraphProto):
        self.layers = read_layers(graph)
        self.leaving = leaving(graph, self.layers)
        self.image = self.layers[0].inputs[0]
        stored = constants(graph)
        nodes = {node.output[0]: node for node in graph.node}
        self.weights: list[Tensor] = []
        self.biases: list[Tensor] = []
        for layer in self.convolving:
            _, weight, bias = nodes[layer.name].input
            self.weights.append(torch.tensor(stored[weight]))
            self.biases.append(torch.tensor(stored[bias]))

    @property
    def convolving(self) -> list[ConvLayer]:
        """The layers with weights, by their number."""
        return [layer for layer in self.layers if not layer.is_sum]

    def compute(self, layer: ConvLayer, inputs: list[Tensor]) -> Tensor:
        """Return a layer's output before its ReLU6, from its input maps."""
        if layer.is_sum:
            return inputs[0] + inputs[1]
        return layer.convolve(inputs[0], self.weights[layer.number], self.biases[layer.number])

    def finish(self, layer: ConvLayer, y: Tensor) -> Tensor:
        """Apply the layer's ReLU6, if it has one."""
        return y.clamp(0, 6) if layer.rectified else y

    @torch.no_grad()
    def __call__(self, x: Tensor, watch: Watch | None = None) -> list[Tensor]:
        """Return the maps that the rest of the graph reads, in the order of ``leaving``.

        ``watch(layer, inputs, output)`` is called for each layer, with its output before the ReLU6.
        It may return a tensor to replace that output.
        """
        last = {name: n for n, layer in enumerate(self.layers) for name in layer.inputs}
        maps = {self.image: x}
        for n, layer in enumerate(self.layers):
            inputs = [maps[name] for name in layer.inputs]
            y = self.compute(layer, inputs)
            if watch is not None:
                seen = watch(layer, inputs, y)
                y = y if seen is None else seen
            maps[layer.output] = self.finish(layer, y)
            for name in layer.inputs:
                if last[name] == n and name not in self.leaving:
                    maps.pop(name, None)
        return [maps[name] for name in self.leaving]


Ranges = dict[str, tuple[Tensor, Tensor]]
"""Least and greatest value of each channel (C,) of an output, by the output's name."""


def extremes(network: Convolutions, pixels: Tensor) -> Ranges:
    """Return the least and greatest value of each channel before its ReLU6, by output name.

    ``pixels``: photos (N, 3, s, s) uint8 to measure them on.
    """
    found: Ranges = {}

    def watch(layer: ConvLayer, inputs: list[Tensor], y: Tensor) -> None:
        low, high = y.amin((0, 2, 3)), y.amax((0, 2, 3))
        before = found.get(layer.output, (low, high))
        found[layer.output] = low.minimum(before[0]), high.maximum(before[1])

    for batch in pixels.split(BATCH):
        network(scale(batch), watch)
    return found
