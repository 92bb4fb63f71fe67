"""Compare architectures: the same photos, the same recipe, the same measurements.

    python -m ml_models.lab.benchmark --data TRAIN --validation VALIDATION --out DIR

An architecture that has pretrained weights (``--weights NAME=FILE``) is trained twice, from them
and from scratch: where a network starts from says more than which network it is. A finished one
is not trained again with the same settings.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from visualsearch.encoders.preprocess import InputSpec

from .architectures import ARCHITECTURES, Served, make
from .benchmark_measure import measure, write_package
from .benchmark_plots import plot_all, plot_entry
from .benchmark_report import markdown, summary
from .benchmark_train import train
from .catalog import Refused
from .data import PhotoSet, decode_photos, list_photos
from .splits import hold_out
from .tracking import tracked

STORED_SIDE = 256
# Share of the photos that is kept apart where there are no validation photos.
HELD_OUT = 0.2


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="photos, a folder per class")
    parser.add_argument("--validation", type=Path, help="default: a fifth of --data is held out")
    parser.add_argument("--out", type=Path, required=True, help="resumed if it exists")
    parser.add_argument(
        "--architectures",
        type=lambda text: text.split(","),
        default=list(ARCHITECTURES),
        help=f"of {','.join(ARCHITECTURES)}; default: all",
    )
    parser.add_argument(
        "--weights",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="train this one from pretrained weights too; may be repeated",
    )
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--side", type=int, default=128, help="pixels, in training and served")
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--lr", type=float, default=1e-3)
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16 where the CPU can")
    parser.add_argument("--threads", type=int, help="of training; default: all cores")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--tracking", metavar="URI", help="of MLflow; default: files in --out")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    args.weights = dict(text.partition("=")[::2] for text in args.weights)
    if unknown := {*args.architectures, *args.weights} - set(ARCHITECTURES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(ARCHITECTURES)}")
    if args.epochs < 1:
        parser.error("--epochs must be at least 1")
    args.tracking = args.tracking or (args.out / "mlruns").resolve().as_uri()
    return args


def load(args: argparse.Namespace) -> tuple[PhotoSet, PhotoSet]:
    """Photos to train on (at 256 pixels) and to validate with (at ``--side``)."""
    listing = list_photos(args.data)
    if args.validation:
        held_out = list_photos(args.validation)
        if held_out.classes != listing.classes:
            raise Refused(f"{args.data} and {args.validation} hold different classes")
    else:
        listing, held_out = hold_out(listing, HELD_OUT, args.seed)
    return (
        decode_photos(listing, InputSpec(size=STORED_SIDE), "training"),
        decode_photos(held_out, InputSpec(size=args.side), "validation"),
    )


def digest(photos: PhotoSet) -> str:
    """Names these very photos and labels."""
    found = hashlib.sha256(photos.pixels.numpy())
    found.update(photos.labels.numpy())
    found.update("/".join(photos.classes).encode())
    return found.hexdigest()[:16]


def entries(args: argparse.Namespace) -> Iterator[tuple[str, str, Path | None]]:
    """What is trained: name of the entry, architecture, pretrained weights or None."""
    for name in args.architectures:
        yield name, name, None
        if name in args.weights:
            yield f"{name}-pretrained", name, Path(args.weights[name])


def settings(
    args: argparse.Namespace, weights: Path | None, photos: PhotoSet, held_out: PhotoSet
) -> dict[str, Any]:
    """All that a result depends on: another value of any of these trains again."""
    names = (
        "epochs",
        "side",
        "batch",
        "lr",
        "weight_decay",
        "smoothing",
        "bf16",
        "threads",
        "seed",
    )
    return {name: getattr(args, name) for name in names} | {
        "weights": hashlib.sha256(weights.read_bytes()).hexdigest()[:16] if weights else None,
        "data": digest(photos),
        "validation": digest(held_out),
    }


def finished(folder: Path, wanted: dict[str, Any]) -> dict[str, Any] | None:
    """The result in ``folder`` if it was made with these settings."""
    path = folder / "result.json"
    found = json.loads(path.read_text()) if path.exists() else None
    return found if found and found["settings"] == wanted else None


def run_entry(
    args: argparse.Namespace,
    entry: tuple[str, str, Path | None],
    photos: PhotoSet,
    held_out: PhotoSet,
) -> dict[str, Any]:
    """Train, write the package, measure it; or what an earlier call found."""
    name, architecture, weights = entry
    folder = args.out / name
    wanted = settings(args, weights, photos, held_out)
    if found := finished(folder, wanted):
        return found
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    print(name, file=sys.stderr)
    torch.manual_seed(args.seed)
    model = make(architecture, len(photos.classes), weights)
    with tracked(args.tracking, name, {"architecture": architecture, **wanted}) as tracker:
        took = train(model, photos, held_out, args, tracker.metrics)
        write_package(Served(model), name, args.side, held_out, folder)
        result = {
            "name": name,
            "start": "pretrained" if weights else "scratch",
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            **took,
            **measure(folder, held_out),
            "settings": wanted,
        }
        numbers = {key: value for key, value in result.items() if isinstance(value, int | float)}
        tracker.metrics(numbers, args.epochs)
        plot_entry(result, folder)
        # Last: its presence says that all the rest is there.
        (folder / "result.json").write_text(json.dumps(result, indent=2) + "\n")
        tracker.artifacts(folder)
    return result


def main(argv: list[str] | None = None) -> None:
    """Train what is not finished, and write ``benchmark.json``, ``benchmark.md`` and plots."""
    args = parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    photos, held_out = load(args)
    results = [run_entry(args, entry, photos, held_out) for entry in entries(args)]
    report = summary(results, len(photos.labels))
    text = markdown(report)
    (args.out / "benchmark.json").write_text(json.dumps(report, indent=2) + "\n")
    (args.out / "benchmark.md").write_text(text)
    plot_all(report, args.out)
    print(json.dumps(report) if args.json else text)


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"benchmark: {error}")
