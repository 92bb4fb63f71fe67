"""Turn an exported model into int8: smaller and faster, for a small loss.

    python -m ml_models.lab.quantise --model DIR --data TRAIN --validation VALIDATION --out DIR

Static quantisation with ONNX Runtime: unsigned 8-bit activations, signed 8-bit weights per output
channel. The first convolution stays as it is. Of the layers behind the convolutions the weights
alone become int8, and are multiplied as floats: that is next to no work, and the embedding's
precision is decided there.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto
from onnxruntime.quantization import (
    CalibrationDataReader,
    CalibrationMethod,
    QuantFormat,
    QuantType,
    quantize_static,
)
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor

from visualsearch.encoders.preprocess import InputSpec

from .data import load_photos
from .export import REGION, describe
from .graph import (
    drop_zero_points,
    factors,
    keep_biases_as_floats,
    shorten_names,
    store_as_int8,
)

# Kinds of nodes that are quantised, where they stand among convolutions.
IN_NETWORK = ("Conv", "Clip", "Add")

# Of the values of a layer; what lies outside is clipped, so that few do not coarsen all others.
PERCENTILE = 99.99


class Photos(CalibrationDataReader):
    """Feeds photos (N, 3, s, s) uint8 one by one."""

    def __init__(self, pixels: Tensor):
        self.photos: Iterator[np.ndarray] = iter(pixels.permute(0, 2, 3, 1).numpy())

    def get_next(self) -> dict[str, np.ndarray] | None:
        """One input, or None at the end."""
        photo = next(self.photos, None)
        return None if photo is None else {"image": photo[None]}


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="float32 model package")
    parser.add_argument("--data", type=Path, required=True, help="photos to calibrate on")
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--photos", type=int, default=32, help="how many to calibrate on")
    return parser.parse_args(argv)


def quantise(source: Path, target: Path, pixels: Tensor) -> None:
    """Write the int8 model; ``pixels`` (N, 3, s, s) uint8 set the ranges of the activations."""
    with tempfile.TemporaryDirectory() as folder:
        prepared, quantised = Path(folder) / "prepared.onnx", Path(folder) / "quantised.onnx"
        quant_pre_process(str(source), str(prepared))
        quantize_static(
            str(prepared),
            str(quantised),
            Photos(pixels),
            quant_format=QuantFormat.QDQ,
            op_types_to_quantize=list(IN_NETWORK),
            per_channel=True,
            activation_type=QuantType.QUInt8,
            weight_type=QuantType.QInt8,
            calibrate_method=CalibrationMethod.Percentile,
            extra_options={"CalibPercentile": PERCENTILE},
            nodes_to_exclude=[stem(prepared), *outside_the_network(prepared)],
        )
        model = onnx.load(str(quantised))
    keep_biases_as_floats(model.graph)
    drop_zero_points(model.graph)
    shrink(model, target)


def shrink(model: ModelProto, target: Path) -> None:
    """Write a graph with the factors of its linear layers as int8, and short names."""
    for name in factors(model.graph):
        store_as_int8(model.graph, name)
    shorten_names(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def stem(path: Path) -> str:
    """The first convolution: of three channels, over which int8 takes longer than float32."""
    nodes = onnx.load(str(path)).graph.node
    return str(next(node.name for node in nodes if node.op_type == "Conv"))


def outside_the_network(path: Path) -> list[str]:
    """Nodes of quantised kinds that no chain of such nodes links to a convolution before them.

    They belong to normalisation, to colour, or to what is made of pooled features.
    """
    inside: set[str] = set()
    outside = []
    for node in onnx.load(str(path)).graph.node:
        if node.op_type == "Conv" or (node.op_type in IN_NETWORK and inside & {*node.input}):
            inside |= {*node.output}
        elif node.op_type in IN_NETWORK:
            outside.append(node.name)
    return outside


def main(argv: list[str] | None = None) -> None:
    """Write the int8 package and print what it lost."""
    args = parse_args(argv)
    described = json.loads((args.model / "model.json").read_text("utf-8"))
    spec = InputSpec(size=described["input"]["size"])
    train, held_out = load_photos(args.data, spec), load_photos(args.validation, spec)
    chosen = np.random.default_rng(0).choice(len(train.labels), args.photos, replace=False)
    args.out.mkdir(parents=True, exist_ok=True)
    target = args.out / "model.onnx"
    quantise(args.model / described["file"], target, train.pixels[chosen])
    shrink(onnx.load(str(args.model / REGION)), args.out / REGION)
    provenance = described["provenance"]
    stored = {"classes": described["labels"], **provenance}
    result = describe(
        target, version=described["version"], size=spec.size, stored=stored, photos=held_out
    )
    result["provenance"]["quantised"] = {
        "from_sha256": described["sha256"],
        "photos": args.photos,
        "float32_validation_accuracy": described["scores"]["validation_accuracy"],
    }
    (args.out / "model.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB")
    print(json.dumps({"float32": described["scores"], "int8": result["scores"]}))


if __name__ == "__main__":
    main()
