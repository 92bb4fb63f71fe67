"""Replace the convolutions of a float32 ONNX graph by int8 ones."""

from __future__ import annotations

import numpy as np
import torch
from onnx import GraphProto, NodeProto, helper, numpy_helper

from ..networks.onnx_graph import constants, drop_unused
from .convolutions import ConvLayer
from .int8_convolutions import PIXEL, Int8Convolutions


def double_pixels(graph: GraphProto, image: str) -> None:
    """Change the graph's input ``image`` from pixel / 127.5 - 1 to ``2 · pixel - 255``.

    Integers make exact sums. Nodes that pool ``image`` divide by 255 afterwards. Raises ValueError
    if the graph prepares its image differently.
    """
    stored = constants(graph)
    makers = {node.output[0]: node for node in graph.node}
    less = makers.get(image)
    ratio = makers.get(less.input[0]) if less is not None else None
    prepared = (
        less is not None
        and ratio is not None
        and (less.op_type, ratio.op_type) == ("Sub", "Div")
        and (stored[less.input[1]].item(), stored[ratio.input[1]].item()) == (1, 127.5)
    )
    readers = [node for node in graph.node if image in node.input]
    if not prepared or {node.op_type for node in readers} - {"Conv", "AveragePool"}:
        raise ValueError(
            "the first convolution reads something else than pixels / 127.5 - 1: int8 of this"
            " network would differ from processor to processor; serve it in float32"
        )
    assert less is not None
    assert ratio is not None
    two, whole = store(graph, "two", np.float32(2)), store(graph, "whole", np.float32(PIXEL))
    ratio.op_type, ratio.input[1], less.input[1] = "Mul", two, whole
    for node in [node for node in readers if node.op_type == "AveragePool"]:
        pooled = node.output[0]
        node.output[0] = f"{pooled}_whole"
        place = [*graph.node].index(node) + 1
        graph.node.insert(place, helper.make_node("Div", [node.output[0], whole], [pooled]))
    drop_unused(graph)


def put_int8(graph: GraphProto, int8: Int8Convolutions) -> None:
    """Replace the convolutions of a float32 graph by int8 ones, as quantise-dequantise nodes."""
    double_pixels(graph, int8.image)
    nodes = {node.output[0]: node for node in graph.node}
    for layer in int8.convolving:
        put_weights(graph, nodes[layer.name], layer, int8)
        if layer.rectified:
            # Quantisation clips like the ReLU6.
            graph.node.remove(nodes[layer.output])
            nodes[layer.name].output[0] = layer.output
    inside = {layer.output for layer in int8.layers}
    for layer in int8.layers:
        put_activation(graph, layer, int8, inside)
    drop_unused(graph)


def put_weights(
    graph: GraphProto, node: NodeProto, layer: ConvLayer, int8: Int8Convolutions
) -> None:
    """Store a convolution's weights as int8 with their steps, and its bias as floats.

    ``node``: the convolution. The weights of the first one are stored as floats, times their step.
    """
    weight, bias = int8.integers(layer)
    step, name = int8.weight_steps[layer.number], f"w{layer.number}"
    stored = {f"{name}_bias": bias * int8.bias_steps(layer)}
    if layer.number == 0:
        stored[name] = weight * step.view(-1, 1, 1, 1)
    else:
        stored |= {f"{name}_int8": weight.to(torch.int8), f"{name}_step": step}
        place = [*graph.node].index(node)
        given = [f"{name}_int8", f"{name}_step"]
        graph.node.insert(place, helper.make_node("DequantizeLinear", given, [name], axis=0))
    graph.initializer.extend(
        numpy_helper.from_array(each.numpy(), key) for key, each in stored.items()
    )
    node.input[1:] = [name, f"{name}_bias"]


def put_activation(
    graph: GraphProto, layer: ConvLayer, int8: Int8Convolutions, inside: set[str]
) -> None:
    """Quantise a layer's output to uint8, and dequantise it for the nodes that read it.

    ``inside``: outputs of all int8 layers. Those layers read the map multiplied by its unit; other
    nodes read it without.
    """
    name, step, zero = layer.output, int8.steps[layer.output], int8.zeros[layer.output]
    made = next(n for n, node in enumerate(graph.node) if name in node.output)
    readers = [node for node in graph.node if name in node.input]
    given = (
        store(graph, f"step_{step:g}", np.float32(step)),
        store(graph, f"zero_{zero}", np.uint8(zero)),
    )
    new = [helper.make_node("QuantizeLinear", [name, *given], [f"{name}_uint8"])]
    for purpose in ("inside", "outside"):
        those = [node for node in readers if (node.output[0] in inside) == (purpose == "inside")]
        if not those:
            continue
        for node in those:
            node.input[:] = [f"{name}_{purpose}" if each == name else each for each in node.input]
        if purpose == "outside":
            unit = int8.units[name].numpy()
            given = (
                store(graph, f"{name}_steps", (step / unit).astype(np.float32)),
                store(graph, f"{name}_zeros", np.full(len(unit), zero, np.uint8)),
            )
        read = [f"{name}_uint8", *given]
        new.append(helper.make_node("DequantizeLinear", read, [f"{name}_{purpose}"], axis=1))
    for n, node in enumerate(new, 1):
        graph.node.insert(made + n, node)


def store(graph: GraphProto, name: str, value: np.generic | np.ndarray) -> str:
    """Store a tensor in the graph unless the name exists; return the name."""
    if all(each.name != name for each in graph.initializer):
        graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return name
