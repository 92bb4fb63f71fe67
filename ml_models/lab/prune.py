"""Make a trained network faster: take out the channels that do least, and fine-tune the rest.

    python -m ml_models.lab.prune --run RUN --ratio 0.3 --data TRAIN --validation V --out RUN2

What goes are whole channels inside the inverted residuals, so that there is less to compute and
not only more zeros; what comes in and out of a block, and of the network, keeps its size. While
the rest is fine-tuned with the losses of training, its search features are held to those of the
network as it was. RUN2 is a run as training leaves it, for ``export``.
"""

from __future__ import annotations

import argparse
import copy
import json
import math
import shutil
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import torch
import torch_pruning
from torch import Tensor, nn

from visualsearch.encoders.preprocess import InputSpec

from . import export, train
from .benchmark_measure import measure, write_package
from .catalog import Refused
from .data import PhotoSet, decode_photos, list_photos
from .network import ShopNet
from .objective import SERVED_SIDE
from .run import Run

# Convolutions of ONNX Runtime work on so many channels at a time.
ROUND_TO = 16
MOST = 0.9
REPORT = "pruning.json"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder that train wrote")
    parser.add_argument("--ratio", type=float, default=0.3, help="share of channels to take out")
    parser.add_argument("--data", type=Path, required=True, help="the photos of that training")
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="resumed if it exists")
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--distil", type=float, default=10.0, help="weight of the feature distance")
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16 where the CPU can")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    if not 0 < args.ratio <= MOST:
        parser.error(f"--ratio is a share of the channels: above 0, at most {MOST}")
    if args.epochs < 1:
        parser.error("--epochs needs at least 1")
    return args


def prune(model: ShopNet, ratio: float) -> ShopNet:
    """A copy with this share of the hidden channels taken out, those of least magnitude.

    A channel is a row of ``expand``, a filter of ``depthwise`` and a column of ``project``; it is
    judged, and goes, as one.
    """
    pruned = copy.deepcopy(model).cpu().eval()
    torch_pruning.pruner.BasePruner(
        pruned,
        torch.zeros(1, 3, SERVED_SIDE, SERVED_SIDE),
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=0.0,
        pruning_ratio_dict={block.expand: ratio for block in pruned.expanding()},
        round_to=ROUND_TO,
    ).step()
    pruned.config["hidden"] = hidden(pruned)
    return pruned


def hidden(model: ShopNet) -> list[int]:
    """Channels inside each block that expands, as :class:`ShopNet` takes them."""
    return [block.depthwise.out_channels for block in model.expanding()]


@torch.no_grad()
def multiply_adds(model: nn.Module, side: int) -> int:
    """Multiply-adds of the convolutions and linear layers for one image of this side."""
    total = 0

    def count(layer: nn.Module, _: Any, output: Tensor) -> None:
        nonlocal total
        total += layer.weight.numel() * math.prod(output.shape[2:])

    layers = [layer for layer in model.modules() if isinstance(layer, nn.Conv2d | nn.Linear)]
    hooks = [layer.register_forward_hook(count) for layer in layers]
    model(torch.zeros(1, 3, side, side))
    for hook in hooks:
        hook.remove()
    return total


def recipe(args: argparse.Namespace, stored: dict[str, Any]) -> argparse.Namespace:
    """The settings that the network was trained with, but for those of this command."""
    paths = ["--data", str(args.data), "--validation", str(args.validation)]
    defaults = train.parse_args([*paths, "--weights", args.run.name, "--out", str(args.out)])
    own = {name: getattr(args, name) for name in ("epochs", "lr", "distil", "bf16")}
    kept = {name: value for name, value in stored["recipe"].items() if name in vars(defaults)}
    same = {name: getattr(defaults, name) for name in ("data", "validation", "weights", "out")}
    whole = {"patience": 0, "ship": "last", "device": "cpu"}
    origin = {"pruned": args.run.name, "ratio": args.ratio}
    return argparse.Namespace(**vars(defaults) | kept | own | same | whole | origin)


def describe(model: ShopNet, photos: PhotoSet, folder: Path) -> dict[str, Any]:
    """What a network costs and how right it is; its package is written to measure it."""
    write_package(export.Served(model), folder.name, SERVED_SIDE, photos, folder)
    found = measure(folder, photos)
    shutil.rmtree(folder)
    return {
        "multiply_adds": multiply_adds(model, SERVED_SIDE),
        "parameters": sum(p.numel() for p in model.parameters()),
        **{name: found[name] for name in ("latency_ms", "size_mb", "accuracy")},
    }


def begin(args: argparse.Namespace, model: ShopNet) -> dict[str, Any]:
    """The report's beginning; a folder that holds another pruned network is refused."""
    args.out.mkdir(parents=True, exist_ok=True)
    report = {"run": args.run.name, "ratio": args.ratio, "hidden": hidden(model)}
    path = args.out / REPORT
    begun = json.loads(path.read_text()) if path.exists() else report
    if any(begun[name] != report[name] for name in report):
        raise Refused(
            f"{args.out} was begun with ratio {begun['ratio']} of {begun['run']}: give the same, or"
            " a new --out"
        )
    return report


def table(report: dict[str, Any]) -> str:
    """Before, after pruning and after fine-tuning, a line each."""
    lines = [f"{'':<11} multiply-adds  parameters  latency     size  accuracy"]
    for name in ("before", "pruned", "fine-tuned"):
        row = report[name]
        lines.append(
            f"{name:<11} {row['multiply_adds'] / 1e6:>11.1f} M {row['parameters'] / 1e6:>9.2f} M"
            f" {row['latency_ms']:>5.2f} ms {row['size_mb']:>5.2f} MB  {row['accuracy']:>8.4f}"
        )
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Prune, fine-tune, and print what was won and lost."""
    args = parse_args(argv)
    original, stored = export.load_run(args.run)
    settings = recipe(args, stored)
    listings = [list_photos(args.data), list_photos(args.validation)]
    if any(listing.classes != stored["classes"] for listing in listings):
        raise Refused(f"{args.run} was trained for {', '.join(stored['classes'])}: give these")
    photos = decode_photos(listings[0], InputSpec(size=train.STORED_SIDE), "training photos")
    held_out = decode_photos(listings[1], InputSpec(size=SERVED_SIDE), "validation photos")
    torch.manual_seed(settings.seed)
    model = prune(original, args.ratio)
    report = begin(args, model)
    report["before"] = describe(original, held_out, args.out / "package")
    report["pruned"] = describe(model, held_out, args.out / "package")
    (args.out / REPORT).write_text(json.dumps(report, indent=2) + "\n")
    model.requires_grad_(True)
    for fitted in (model.search_projection, model.colour_projection):
        fitted.requires_grad_(False)
    run = Run(settings, photos, model, teacher=original)
    run.resume()
    # What fitting prints is progress here; the output is the report.
    with redirect_stdout(sys.stderr):
        run.fit(held_out)
    run.ship()
    tuned, _ = export.load_run(args.out)
    report["fine-tuned"] = describe(tuned, held_out, args.out / "package")
    (args.out / REPORT).write_text(json.dumps(report, indent=2) + "\n")
    print(json.dumps(report) if args.json else table(report))


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"prune: {error}")
