"""Distil trained networks into a smaller one, or several into one.

    python -m ml_models.lab.distil --run RUN --width 0.5 --data TRAIN --validation V --out RUN2
    python -m ml_models.lab.distil --run A --run B --run C --width 1 --data ... --out RUN2

Classes are learned from the labels and from the teachers' mean probabilities for the same views. A
narrower student is trained whole, and also learns the first teacher's search features. A student as
wide as the first teacher starts as a copy of it and trains only its class branch, so that its
search features equal the teacher's bit for bit. RUN2 is a run for ``export``.
"""

from __future__ import annotations

import argparse
import copy
import json
import sys
from pathlib import Path

import torch

from .benchmarking.footprint import measure_footprint, table
from .exceptions import Refused
from .networks.narrowing import take_channels
from .networks.shopnet import ShopNet
from .photos.photo_sets import PhotoSet
from .photos.pixels import scale
from .training.derived_runs import (
    begin_report,
    derived_settings,
    fit_run,
    read_photos,
    write_report,
)
from .training.run import Run
from .training.stored_runs import load_run
from .training.teachers import Teachers
from .training.validation import validate

# Photos used to measure the teacher's channels.
EXAMPLES = 32
REPORT = "distillation.json"
OWN = ["epochs", "lr", "distil", "soft", "bf16"]


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; exit with an error for values out of range."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--run",
        type=Path,
        action="append",
        required=True,
        help="folder of a teacher's run; repeatable. The student learns the first teacher's search"
        " features, and the mean of all class probabilities",
    )
    parser.add_argument(
        "--width",
        type=float,
        default=0.5,
        help="channels of the student, as a share of those of MobileNetV2 1.0; if as wide as the"
        " first teacher, only the class branch is trained",
    )
    parser.add_argument("--data", type=Path, required=True, help="the training photos of that run")
    parser.add_argument("--validation", type=Path, required=True)
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of the new run; resumed if it exists"
    )
    parser.add_argument("--epochs", type=int, default=16)
    parser.add_argument("--lr", type=float, default=6e-4)
    parser.add_argument("--batch", type=int, help="photos per step; default: as in the run")
    parser.add_argument("--distil", type=float, default=10.0, help="weight of the feature distance")
    parser.add_argument(
        "--soft",
        type=float,
        default=0.7,
        help="share of the class loss towards the teachers' probabilities instead of the labels",
    )
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16 where the CPU can")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    args = parser.parse_args(argv)
    if not 0 < args.width <= 1:
        parser.error("--width is a share of the channels: above 0, at most 1")
    if not 0 <= args.soft <= 1:
        parser.error("--soft is a share of the loss: 0 to 1")
    if args.epochs < 1:
        parser.error("--epochs needs at least 1")
    return args


def make_student(teacher: ShopNet, width: float, photos: PhotoSet) -> ShopNet:
    """Return the network to train: narrower than the teacher, or a copy of it.

    A narrower one keeps the teacher's colour projection and starts with its strongest channels.
    With the teacher's ``width`` it is a copy of which only the class branch is trained. ``photos``:
    to measure channels on. Raises Refused for a greater width.
    """
    if width == teacher.config["width"]:
        student = copy.deepcopy(teacher).requires_grad_(False)
        student.class_branch.requires_grad_(True)
        return student
    if width > teacher.config["width"]:
        raise Refused(f"a student is no wider than its teacher: --width {teacher.config['width']}")
    classes = teacher.class_branch.classifier.out_features
    student = ShopNet(classes, **teacher.config | {"width": width, "hidden": None})
    student.colour_projection.load_state_dict(teacher.colour_projection.state_dict())
    some = torch.linspace(0, len(photos.labels) - 1, EXAMPLES).long().unique()
    take_channels(student, teacher, scale(photos.pixels[some]))
    student.colour_projection.requires_grad_(False)
    return student


@torch.no_grad()
def ensemble_accuracy(networks: list[ShopNet], photos: PhotoSet) -> float:
    """Return the accuracy, 0…1, of the networks' mean class probabilities on photos."""
    teachers, right = Teachers(networks, networks[0]), 0
    for chunk in torch.arange(len(photos.labels)).split(64):
        x = scale(photos.pixels[chunk])
        probabilities = teachers.probabilities(teachers.look(x, networks[0].trunk(x)))
        right += int((probabilities.argmax(1) == photos.labels[chunk]).sum())
    return round(right / len(photos.labels), 4)


def main(argv: list[str] | None = None) -> None:
    """Train a student, and print its cost and accuracy beside its teacher's."""
    args = parse_args(argv)
    runs = [load_run(run) for run in args.run]
    networks, stored = [network for network, _ in runs], runs[0][1]
    if any(other["classes"] != stored["classes"] for _, other in runs):
        raise Refused("the teachers know different classes: give runs that share them")
    parents = stored.get("parents", {})
    origin = {"width": args.width, "teachers": [run.name for run in args.run]}
    settings = derived_settings(args, stored, OWN, origin)
    photos, held_out = read_photos(args, stored["classes"])
    begin_report(args.out / REPORT, origin)
    torch.manual_seed(settings.seed)
    run = Run(settings, photos, make_student(networks[0], args.width, photos), networks, parents)
    student = fit_run(run, held_out)
    rows = {
        name: measure_footprint(network, held_out, args.out / "package", parents)
        for name, network in (("teacher", networks[0]), ("student", student))
    }
    agreement = validate(student, networks[0], held_out, "cpu")["agreement"]
    report = {**origin, **rows, "agreement": round(agreement, 4)}
    if len(networks) > 1:
        report["ensemble_accuracy"] = ensemble_accuracy(networks, held_out)
    write_report(args.out / REPORT, report)
    print(json.dumps(report) if args.json else table(rows))


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"distil: {error}")
