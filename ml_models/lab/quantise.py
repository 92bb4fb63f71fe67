"""Convert an exported model to int8: smaller, faster, and the same on every processor.

    python -m ml_models.lab.quantise --model DIR --data TRAIN --validation VALIDATION --out DIR

Static quantisation: unsigned 8-bit activations, signed 8-bit weights per output channel, with steps
and weights that give every kernel the same result (:mod:`.int8_convolutions`). Weights are rounded
and biases corrected on photos of ``--data`` so that outputs change least. The layers after the
convolutions store int8 weights but compute in floats, because they cost little and determine the
embedding's precision.

The command compares the result with its reference arithmetic and with float32, and writes no
package if their embeddings differ too much.
"""

from __future__ import annotations

import argparse
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import ModelProto
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import Tensor

from visualsearch.encoders.preprocess import InputSpec

from .exceptions import Refused
from .networks.onnx_graph import factors, shorten_names, store_as_int8
from .packages.model_json import REGION, describe_package
from .photos.photo_sets import load_photos, numbered_as
from .quantising.agreement import Agreement, agreement
from .quantising.convolutions import Convolutions, extremes
from .quantising.int8_convolutions import Int8Convolutions
from .quantising.int8_graph import put_int8
from .quantising.rounding import fit_rounding

# Number of validation photos for measuring agreement.
MEASURED = 300


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; the defaults are those of the shipped model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="float32 model package")
    parser.add_argument(
        "--data", type=Path, required=True, help="photos to calibrate on, a subfolder per class"
    )
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--version", help="version of the int8 package; default: that of --model")
    parser.add_argument("--photos", type=int, default=96, help="number of photos to calibrate on")
    parser.add_argument("--seed", type=int, default=0, help="seed of their choice")
    return parser.parse_args(argv)


def quantise(source: Path, target: Path, pixels: Tensor) -> None:
    """Convert the ONNX file ``source`` to int8 and write it to ``target``.

    ``pixels``: photos (N, 3, s, s) uint8 to fit it to. Raises ValueError if the graph cannot be
    made exact in int8.
    """
    with tempfile.TemporaryDirectory() as folder:
        prepared = Path(folder) / "prepared.onnx"
        quant_pre_process(str(source), str(prepared))
        model = onnx.load(str(prepared))
    network = Convolutions(model.graph)
    int8 = Int8Convolutions(model.graph, extremes(network, pixels))
    fit_rounding(network, int8, pixels)
    int8.check()
    put_int8(model.graph, int8)
    shrink(model, target)


def shrink(model: ModelProto, target: Path) -> None:
    """Write a graph to ``target`` with the matrices of linear layers as int8 and short names."""
    for name in factors(model.graph):
        store_as_int8(model.graph, name)
    shorten_names(model.graph)
    onnx.checker.check_model(model)
    onnx.save(model, str(target))


def write_package(args: argparse.Namespace, folder: Path) -> dict[str, Any]:
    """Write the int8 package into ``folder``; return the contents of its ``model.json``.

    Raises Refused if it cannot be made exact, or differs too much from the float32 model.
    """
    described = json.loads((args.model / "model.json").read_text("utf-8"))
    spec = InputSpec(size=described["input"]["size"])
    train = load_photos(args.data, spec)
    held_out = numbered_as(described["labels"], load_photos(args.validation, spec))
    chosen = np.random.default_rng(args.seed).choice(len(train.labels), args.photos, replace=False)
    source, target = args.model / described["file"], folder / "model.onnx"
    try:
        quantise(source, target, train.pixels[chosen])
    except ValueError as error:
        raise Refused(f"{source}: {error}") from error
    shrink(onnx.load(str(args.model / REGION)), folder / REGION)
    stored = {
        "classes": described["labels"],
        "parts": described["parts"],
        "parents": described.get("parents", {}),
        **described["provenance"],
    }
    result = describe_package(
        target,
        version=args.version or described["version"],
        size=spec.size,
        stored=stored,
        photos=held_out,
    )
    result["id"] = args.out.name
    measured = agreement(source, target, held_out.pixels[:MEASURED])
    result["provenance"]["quantised"] = {
        "from_sha256": described["sha256"],
        "photos": args.photos,
        "seed": args.seed,
        "float32_validation_accuracy": described["scores"]["validation_accuracy"],
        "agreement": measured.as_json(),
    }
    (folder / "model.json").write_text(json.dumps(result, indent=2) + "\n", "utf-8")
    refuse_disagreement(measured)
    return result


def refuse_disagreement(measured: Agreement) -> None:
    """Raise Refused if the measured cosines to other arithmetic are too low."""
    failures = measured.failures()
    if failures:
        raise Refused(
            f"the int8 model {'; '.join(failures)}: no package was written. Calibrate on more or"
            " other photos (--data, --photos, --seed)"
        )


def main(argv: list[str] | None = None) -> None:
    """Write the int8 package, and print its scores and its agreement with float32."""
    args = parse_args(argv)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        result = write_package(args, folder)
        args.out.mkdir(parents=True, exist_ok=True)
        for path in folder.iterdir():
            shutil.move(path, args.out / path.name)
    target = args.out / "model.onnx"
    print(f"{target}: {target.stat().st_size / 1e6:.2f} MB")
    print(json.dumps({"scores": result["scores"], **result["provenance"]["quantised"]}))


if __name__ == "__main__":
    main()
