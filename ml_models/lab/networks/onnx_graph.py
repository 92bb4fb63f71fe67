"""Make an ONNX graph faster or smaller; its outputs stay equal or nearly so."""

from __future__ import annotations

import numpy as np
from onnx import GraphProto, NodeProto, helper, numpy_helper
from onnx import TensorProto as Kind

# Smaller tensors are not worth storing as int8.
FEWEST_FACTORS = 2048


def fuse_padding(graph: GraphProto) -> None:
    """Merge zero padding into the convolutions; PyTorch exports uneven padding as separate nodes.

    A separate node copies the whole map, and in an int8 graph converts it to floats and back.
    """
    values = constants(graph)
    makers = {node.output[0]: node for node in graph.node}
    for node in [node for node in graph.node if node.op_type == "Conv"]:
        pad = makers.get(node.input[0])
        if pad is None or pad.op_type != "Pad" or pad.input[1] not in values:
            continue
        begin, end = np.split(values[pad.input[1]].astype(int), 2)
        attribute = next(each for each in node.attribute if each.name == "pads")
        attribute.ints[:] = np.add(attribute.ints, [*begin[2:], *end[2:]]).tolist()
        node.input[0] = pad.input[0]
        graph.node.remove(pad)
    drop_unused(graph)


def drop_unused(graph: GraphProto) -> None:
    """Remove stored tensors that no node reads."""
    used = {name for node in graph.node for name in node.input}
    for each in [each for each in graph.initializer if each.name not in used]:
        graph.initializer.remove(each)


def constants(graph: GraphProto) -> dict[str, np.ndarray]:
    """Return all constants of a graph by name, stored tensors as well as nodes."""
    stored = {each.name: numpy_helper.to_array(each) for each in graph.initializer}
    for node in graph.node:
        if node.op_type == "Constant":
            stored[node.output[0]] = numpy_helper.to_array(node.attribute[0].t)
    return stored


def factors(graph: GraphProto) -> list[str]:
    """Return the names of large constant factors: matrices and windows to store as int8.

    They are the matrices of linear layers, one row per output, and the windows of the colour
    histogram.
    """
    stored = {each.name: each for each in graph.initializer}
    names = [
        name
        for node in graph.node
        if (node.op_type == "Gemm" and is_transposed(node)) or node.op_type == "Mul"
        for name in node.input[:2]
    ]
    return [
        name
        for name in dict.fromkeys(names)
        if name in stored
        and stored[name].data_type == Kind.FLOAT
        and np.prod(stored[name].dims) >= FEWEST_FACTORS
    ]


def is_transposed(node: NodeProto) -> bool:
    """Return whether a ``Gemm`` node transposes its second matrix."""
    return any(each.name == "transB" and each.i == 1 for each in node.attribute)


def store_as_int8(graph: GraphProto, name: str) -> None:
    """Store the float tensor ``name`` as int8 with a scale, one per row of a matrix.

    The graph still computes with floats. The runtime evaluates the inserted cast and product once,
    when it loads the graph; it would evaluate a ``DequantizeLinear`` for every image.
    """
    stored = next(each for each in graph.initializer if each.name == name)
    values = numpy_helper.to_array(stored)
    rows = values if values.ndim == 2 else values.reshape(1, -1)
    scale = np.abs(rows).max(1).clip(1e-12) / 127
    integers = np.round(rows / scale[:, None]).astype(np.int8).reshape(values.shape)
    graph.initializer.remove(stored)
    per_row = scale[:, None] if values.ndim == 2 else scale
    graph.initializer.extend(
        [
            numpy_helper.from_array(integers, f"{name}_int8"),
            numpy_helper.from_array(per_row.astype(np.float32), f"{name}_scale"),
        ]
    )
    wide = f"{name}_wide"
    graph.node.insert(0, helper.make_node("Mul", [wide, f"{name}_scale"], [name]))
    graph.node.insert(0, helper.make_node("Cast", [f"{name}_int8"], [wide], to=Kind.FLOAT))


def shorten_names(graph: GraphProto) -> None:
    """Replace all inner names by short ones, since names are a tenth of the file."""
    short = {each.name: each.name for each in (*graph.input, *graph.output)}
    for node in graph.node:
        node.name = ""
        for names in (node.input, node.output):
            names[:] = [name and short.setdefault(name, f"t{len(short)}") for name in names]
    for each in graph.initializer:
        each.name = short[each.name]
    del graph.value_info[:]
