"""Turn a float32 model package back into a run, to prune, distil or export it again.

    python -m ml_models.lab.unpack --model ml_models/shopnet-fp32 --out RUN

The graph stores the weights under their names in the network, as written by ``export``.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import Any

import onnx
import torch
from onnx import numpy_helper

from visualsearch.encoders.package import load_package

from .exceptions import Refused
from .networks.shopnet import ShopNet

PREFIX = "model."


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="package that export wrote")
    parser.add_argument("--out", type=Path, required=True, metavar="RUN", help="a new folder")
    return parser.parse_args(argv)


def unpack(folder: Path) -> dict[str, Any]:
    """Return the contents of a run's ``model.pt``, from the package that was exported from it.

    ``folder``: the package. Raises Refused for packages not written by ``export``, and for int8 or
    narrower ones.
    """
    package = load_package(folder)
    weights = {
        each.name.removeprefix(PREFIX): torch.from_numpy(numpy_helper.to_array(each).copy())
        for each in onnx.load(str(package.model.path)).graph.initializer
        if each.name.startswith(PREFIX)
    }
    parts = {part.name: part for part in package.parts}
    origin = package.provenance
    try:
        class_share = parts["class"].share if "class" in parts else 0.0
        model = ShopNet(
            len(package.labels),
            semantic_dim=parts["features"].size,
            colour_dim=parts["colour"].size,
            colour_share=round(parts["colour"].share / (1 - class_share), 6),
            class_share=class_share,
        )
        model.load_state_dict(weights)
    except (KeyError, RuntimeError) as error:
        raise Refused(
            f"{folder} holds no network that export wrote in float32 and of full width"
            f" ({str(error).splitlines()[0]}): give such a package, as ml_models/shopnet-fp32"
        ) from error
    return {
        "weights": model.state_dict(),
        "config": model.config,
        "classes": list(package.labels),
        "parents": package.parents,
        "recipe": origin.get("recipe", {}),
        "epoch": origin.get("epoch", 0),
        "validation": {"accuracy": package.scores.get("validation_accuracy")},
        **{name: origin[name] for name in ("data", "licence") if name in origin},
    }


def main(argv: list[str] | None = None) -> None:
    """Write ``model.pt`` of a new run; raise Refused if it exists."""
    args = parse_args(argv)
    path = args.out / "model.pt"
    if path.exists():
        raise Refused(f"{path} exists: give a new folder with --out")
    found = unpack(args.model)
    args.out.mkdir(parents=True, exist_ok=True)
    torch.save(found, path)
    print(f"{path}: {len(found['weights'])} tensors, classes {', '.join(found['classes'])}")


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"unpack: {error}")
