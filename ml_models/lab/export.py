"""Turn a training run into a model package: ONNX, model.json, checked against PyTorch.

    python -m ml_models.lab.export --run RUN --validation VALIDATION --out ml_models/shopnet

The graph takes the decoder's pixels (uint8, NHWC). It includes normalisation and softmax, so that
serving cannot get them wrong.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import warnings
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
import torch
from torch import Tensor, nn

from visualsearch.encoders.preprocess import InputSpec

from .calibrate import match_calibration
from .catalog import Refused
from .data import PhotoSet, load_photos
from .graph import fuse_padding
from .known_answers import answers_of
from .network import ShopNet
from .parents import coarse, fold
from .region_temperature import fit_region_temperature
from .reliability import calibration_error, reliability
from .served import OUTPUTS, Region, Served
from .temperature import calibrate, load_worn
from .views import random_views

TOLERANCE = 1e-4
REGION = "region.onnx"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder that train wrote")
    parser.add_argument("--validation", type=Path, required=True, help="photos, a folder per class")
    parser.add_argument(
        "--people",
        type=Path,
        metavar="BOXES.csv",
        help="garments on people, to calibrate on too (see people)",
    )
    parser.add_argument(
        "--hold-out",
        type=int,
        default=3,
        metavar="N",
        help="as given to fine_tune: only boxes of the photos that it held out; 0: all",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the model package")
    parser.add_argument("--version", default="1.0")
    parser.add_argument("--size", type=int, default=224)
    return parser.parse_args(argv)


def load_run(folder: Path) -> tuple[ShopNet, dict[str, Any]]:
    """Return the trained network of a run, and everything stored with it."""
    stored = torch.load(folder / "model.pt", map_location="cpu")
    model = ShopNet(len(stored["classes"]), **stored["config"])
    model.load_state_dict(stored["weights"])
    return model.eval(), stored


def write_onnx(served: nn.Module, size: int, path: Path) -> None:
    """Export the served network with a free batch size."""
    write_graph(served, (torch.zeros(1, size, size, 3, dtype=torch.uint8),), path)


def write_graph(module: nn.Module, example: tuple[Tensor, ...], path: Path) -> None:
    """Export with a free batch size; ``module`` names its ``inputs`` and ``outputs``."""
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
    """Export the graph that embeds a part of a photo from the cells of the whole photo."""
    *_, cells, colours, _ = served(torch.zeros(1, size, size, 3, dtype=torch.uint8))
    weights = torch.ones(cells.shape[:3])
    write_graph(region, (cells, colours, weights, weights), path)


def fold_constants(path: Path) -> None:
    """Fold nodes that do not depend on the image into constants; keep standard ONNX operators."""
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = str(path)
    onnxruntime.InferenceSession(path.read_bytes(), options, providers=["CPUExecutionProvider"])


def run_onnx(path: Path, pixels: Tensor, batch: int = 32) -> list[np.ndarray]:
    """Run the file at ``path`` on photos (N, 3, s, s) uint8; return all of its outputs."""
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    outputs = [
        session.run(None, {"image": chunk.permute(0, 2, 3, 1).numpy()})
        for chunk in pixels.split(batch)
    ]
    return [np.concatenate(parts) for parts in zip(*outputs, strict=True)]


@torch.no_grad()
def check_against_torch(served: nn.Module, path: Path, pixels: Tensor) -> float:
    """Return the largest difference of any output; raise ValueError above 1e-4."""
    wanted = served(pixels.permute(0, 2, 3, 1))
    return compare([each.numpy() for each in wanted], run_onnx(path, pixels))


@torch.no_grad()
def check_region(region: Region, served: Served, path: Path, pixels: Tensor) -> float:
    """Check the graph of regions likewise, on the upper left quarter of photos."""
    *_, cells, colours, _ = served(pixels.permute(0, 2, 3, 1))
    inside = torch.zeros(cells.shape[:3])
    inside[:, : inside.shape[1] // 2, : inside.shape[2] // 2] = 1
    given = (cells, colours, inside, 1 - inside)
    session = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_inputs()]
    got = session.run(None, {name: each.numpy() for name, each in zip(names, given, strict=True)})
    return compare([each.numpy() for each in region(*given)], got)


def compare(wanted: Sequence[np.ndarray], got: Sequence[np.ndarray]) -> float:
    """Return the largest difference, relative to the output's largest value or 1.

    Raises ValueError above 1e-4, or for integers that differ by more than 1.
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


def numbered_as(classes: Sequence[str], photos: PhotoSet) -> PhotoSet:
    """Renumber the labels of photos as a model's classes; raise Refused for an unknown class."""
    unknown = sorted(set(photos.classes) - set(classes))
    if unknown:
        raise Refused(f"the model has no class {unknown[0]}: its classes are {', '.join(classes)}")
    numbers = torch.tensor([classes.index(name) for name in photos.classes])
    return replace(photos, labels=numbers[photos.labels], classes=list(classes))


def sha256(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    return hashlib.sha256(path.read_bytes()).hexdigest()


def describe(
    path: Path, *, version: str, size: int, stored: dict[str, Any], photos: PhotoSet
) -> dict[str, Any]:
    """Return the contents of ``model.json``; measure scores on ``photos`` by the written file.

    ``region.onnx`` must be beside it. Finer classes count for their parents.
    """
    region, parents = path.with_name(REGION), stored.get("parents", {})
    _, numbers = coarse(stored["classes"], parents)
    true = numbers[photos.labels.numpy()]
    embeddings, probabilities, *_ = run_onnx(path, photos.pixels)
    views = random_views(photos.pixels, size, torch.Generator().manual_seed(0))
    distorted, *_ = run_onnx(path, views.add(1).mul(127.5).round().to(torch.uint8))
    folded = fold(probabilities, numbers)
    right = folded.argmax(1) == true
    return {
        "id": path.parent.name,
        "version": version,
        "file": path.name,
        "sha256": sha256(path),
        "input": {
            "name": "image",
            "size": size,
            "layout": "NHWC",
            "dtype": "uint8",
            "mean": [0, 0, 0],
            "std": [1, 1, 1],
            "resample": "bilinear",
            "fit": "squash",
        },
        "outputs": {name: name for name in OUTPUTS},
        "region": {"file": region.name, "sha256": sha256(region)},
        "labels": stored["classes"],
        **({"parents": parents} if parents else {}),
        "embedding_dim": int(embeddings.shape[1]),
        "parts": stored["parts"],
        "known_answers": answers_of(path, InputSpec(size=size)).as_json(),
        "match": match_calibration(embeddings, distorted, true),
        "scores": {
            "validation_accuracy": round(float(right.mean()), 4),
            "expected_calibration_error": calibration_error(reliability(folded, true)),
            "photos": len(right),
        },
        "provenance": {
            **{name: stored[name] for name in ("data", "licence") if name in stored},
            "initial_weights": "MobileNetV2 1.0 224, ImageNet",
            "epoch": stored["epoch"],
            "recipe": stored["recipe"],
            "temperature": stored["temperature"],
        },
    }


def main(argv: list[str] | None = None) -> None:
    """Write ``model.onnx``, ``region.onnx`` and ``model.json``."""
    args = parse_args(argv)
    model, stored = load_run(args.run)
    photos = numbered_as(stored["classes"], load_photos(args.validation, InputSpec(size=args.size)))
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "model.onnx"
    worn = None
    if args.people:
        spec = InputSpec(size=args.size)
        parents = stored.get("parents", {})
        worn = load_worn(args.people, stored["classes"], parents, spec, args.hold_out)
    temperature, stored["temperature"] = calibrate(model, stored, photos, worn)
    stored["parts"] = model.parts
    served = Served(model, temperature)
    _, numbers = coarse(stored["classes"], stored.get("parents", {}))
    again = fit_region_temperature(served, [photos, worn] if worn else [photos], numbers)
    stored["temperature"]["region"] = again
    region = Region(model, again)
    write_onnx(served, args.size, path)
    write_region(region, served, args.size, args.out / REGION)
    worst = max(
        check_against_torch(served, path, photos.pixels[:16]),
        check_region(region, served, args.out / REGION, photos.pixels[:16]),
    )
    described = describe(path, version=args.version, size=args.size, stored=stored, photos=photos)
    (args.out / "model.json").write_text(json.dumps(described, indent=2) + "\n", "utf-8")
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, differs from PyTorch by {worst:.1e}")
    print(json.dumps({"scores": described["scores"], "match": described["match"]}))


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"export: {error}")
