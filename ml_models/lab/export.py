"""Turn a training run into a model package: ONNX, model.json, checked against PyTorch.

    python -m ml_models.lab.export --run RUN --validation VALIDATION --out ml_models/shopnet

The graph takes decoded pixels (uint8, NHWC). Normalisation and softmax are inside the graph, so
that serving cannot get them wrong.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from visualsearch.encoders.preprocess import InputSpec

from .exceptions import Refused
from .measuring.parent_classes import coarse
from .networks.onnx_files import check_against_torch, check_region, write_onnx, write_region
from .networks.served import Region, Served
from .packages.model_json import REGION, describe_package
from .packages.region_temperature import fit_region_temperature
from .packages.temperature_scaling import calibrate
from .photos.photo_sets import load_crops, load_photos, numbered_as
from .training.stored_runs import load_run


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder that train wrote")
    parser.add_argument(
        "--validation", type=Path, required=True, help="photos: a subfolder per class"
    )
    parser.add_argument(
        "--people",
        type=Path,
        metavar="BOXES.csv",
        help="boxes of garments on people, to calibrate on too (as for the command people)",
    )
    parser.add_argument(
        "--hold-out",
        type=int,
        default=3,
        metavar="N",
        help="as given to fine_tune: use only photos that it held out; 0: all",
    )
    parser.add_argument("--out", type=Path, required=True, help="folder of the model package")
    parser.add_argument("--version", default="1.0")
    parser.add_argument("--size", type=int, default=224)
    return parser.parse_args(argv)


def main(argv: list[str] | None = None) -> None:
    """Write ``model.onnx``, ``region.onnx`` and ``model.json`` of a run."""
    args = parse_args(argv)
    model, stored = load_run(args.run)
    photos = numbered_as(stored["classes"], load_photos(args.validation, InputSpec(size=args.size)))
    args.out.mkdir(parents=True, exist_ok=True)
    path = args.out / "model.onnx"
    worn = None
    if args.people:
        spec = InputSpec(size=args.size)
        parents = stored.get("parents", {})
        worn = load_crops(args.people, stored["classes"], parents, spec, args.hold_out)
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
    described = describe_package(
        path, version=args.version, size=args.size, stored=stored, photos=photos
    )
    (args.out / "model.json").write_text(json.dumps(described, indent=2) + "\n", "utf-8")
    print(f"{path}: {path.stat().st_size / 1e6:.2f} MB, differs from PyTorch by {worst:.1e}")
    print(json.dumps({"scores": described["scores"], "match": described["match"]}))


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"export: {error}")
