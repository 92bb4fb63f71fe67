"""Make a trained network faster: remove its weakest channels, and fine-tune the rest.

    python -m ml_models.lab.prune --run RUN --ratio 0.3 --data TRAIN --validation V --out RUN2

Whole channels inside the inverted residuals are removed, which reduces computation, not just adds
zeros; inputs and outputs of blocks and network keep their sizes. The rest is fine-tuned with the
losses of training, and its search features are kept close to those of the original network. RUN2 is
a run for ``export``.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from pathlib import Path

import torch
import torch_pruning

from .benchmarking.footprint import measure_footprint, table
from .exceptions import Refused
from .networks.shopnet import ShopNet
from .photos.pixels import SERVED_SIDE
from .training.derived_runs import (
    begin_report,
    derived_settings,
    fit_run,
    read_photos,
    write_report,
)
from .training.run import Run
from .training.stored_runs import load_run

# ONNX Runtime's convolutions process this many channels at a time.
ROUND_TO = 16
MOST = 0.9
REPORT = "pruning.json"
OWN = ["epochs", "lr", "distil", "bf16"]


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; exit with an error for values out of range."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--run", type=Path, required=True, help="folder that train wrote")
    parser.add_argument("--ratio", type=float, default=0.3, help="share of channels to remove")
    parser.add_argument("--data", type=Path, required=True, help="the training photos of that run")
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the new run; resumed if it exists"
    )
    parser.add_argument("--epochs", type=int, default=5)
    parser.add_argument("--lr", type=float, default=1e-4)
    parser.add_argument("--batch", type=int, help="photos per step; default: as in the run")
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
    """Return a copy without the weakest share ``ratio`` of the channels inside its blocks.

    A channel is a row of ``expand``, a filter of ``depthwise`` and a column of ``project``, which
    are ranked by their magnitude and removed together.
    """
    pruned = copy.deepcopy(model).cpu().eval()
    torch_pruning.pruner.BasePruner(
        pruned,
        torch.zeros(1, 3, SERVED_SIDE, SERVED_SIDE),
        importance=torch_pruning.importance.GroupMagnitudeImportance(p=2),
        pruning_ratio=0.0,
        pruning_ratio_dict={block.expand: ratio for block in pruned.expanding()},
        round_to=ROUND_TO,
        # Without the saliency, whose positions the tracer would take for channels.
        output_transform=lambda output: output[:2],
    ).step()
    pruned.config["hidden"] = hidden(pruned)
    return pruned


def hidden(model: ShopNet) -> list[int]:
    """Return the number of channels inside each expanding block, as :class:`ShopNet` takes it."""
    return [block.depthwise.out_channels for block in model.expanding()]


def main(argv: list[str] | None = None) -> None:
    """Prune a run's network, fine-tune it, and print cost and accuracy before and after."""
    args = parse_args(argv)
    original, stored = load_run(args.run)
    parents = stored.get("parents", {})
    recipe = {"pruned": args.run.name, "ratio": args.ratio}
    settings = derived_settings(args, stored, OWN, recipe)
    origin = {"ratio": args.ratio, "run": args.run.name}
    photos, held_out = read_photos(args, stored["classes"])
    begin_report(args.out / REPORT, origin)
    torch.manual_seed(settings.seed)
    model = prune(original, args.ratio)
    package = args.out / "package"
    rows = {
        name: measure_footprint(m, held_out, package, parents)
        for name, m in (("before", original), ("pruned", model))
    }
    model.requires_grad_(True)
    for fitted in (model.search_projection, model.colour_projection):
        fitted.requires_grad_(False)
    tuned = fit_run(Run(settings, photos, model, [original], parents), held_out)
    rows["fine-tuned"] = measure_footprint(tuned, held_out, package, parents)
    report = {**origin, "hidden": hidden(model), **rows}
    write_report(args.out / REPORT, report)
    print(json.dumps(report) if args.json else table(rows))


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"prune: {error}")
