"""Fine-tune a whole network, to recognise garments on people as well as garments alone.

    python -m ml_models.lab.fine_tune --data PHOTOS --weights FILE --out RUN
        [--more CSV] [--boxes CSV] [--tagged CSV] [--device cuda --bf16]

There are four stages; each is skipped if RUN has its file. ``worn/worn.csv``: the garments of
``--data`` and ``--more`` on drawn people. ``teacher-head.pt`` and ``teacher.pt``: an
EfficientNet-Lite2 that learns the classes. ``student.pt``: the whole network, which learns from it.
``model.pt``: the run that ``export`` reads. An interrupted stage resumes from its checkpoint.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from .exceptions import Refused
from .training.recipe import add_options
from .training.stages import FineTuning

OPTIONS = "options.json"
# Options that do not affect results.
FREE = ("out", "device", "workers")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; exit with an error for a negative ``--hold-out``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="photos: a subfolder per class")
    parser.add_argument("--weights", type=Path, required=True, help="initial weights, as for train")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="RUN", help="resumed if it exists"
    )
    parser.add_argument("--more", type=Path, metavar="CSV", help="more photos: image,label,kids")
    parser.add_argument(
        "--boxes",
        type=Path,
        metavar="CSV",
        help="garments on people: image,label,tag,x,y,w,h,area, in fractions of the upright photo",
    )
    parser.add_argument(
        "--tagged", type=Path, metavar="CSV", help="photos with tags: image,labels,tags"
    )
    parser.add_argument(
        "--hold-out",
        type=int,
        default=3,
        metavar="N",
        help="hold out the photos of --boxes whose number is divisible by N, to measure with; 0:"
        " none",
    )
    parser.add_argument(
        "--workers", type=int, default=1, help="number of processes that draw people"
    )
    parser.add_argument("--device", default="cpu", help="cpu (hours) or cuda (minutes)")
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16")
    add_options(parser)
    args = parser.parse_args(argv)
    if args.hold_out < 0:
        parser.error("--hold-out is a number of photos, or 0 for none")
    return args


def check_options(args: argparse.Namespace) -> None:
    """Store the options in the run's folder; raise Refused if it was begun with others."""
    given = {name: str(each) for name, each in vars(args).items() if name not in FREE}
    path = args.out / OPTIONS
    args.out.mkdir(parents=True, exist_ok=True)
    begun = json.loads(path.read_text("utf-8")) if path.exists() else given
    other = sorted(name for name in {*given, *begun} if given.get(name) != begun.get(name))
    if other:
        was = ", ".join(f"--{name.replace('_', '-')} {begun.get(name)}" for name in other)
        raise Refused(f"{args.out} was begun with {was}: give the same, or a new --out")
    path.write_text(json.dumps(given, indent=2) + "\n", "utf-8")


def main(argv: list[str] | None = None) -> None:
    """Run the stages that are not finished, and print the accuracy on held-out garments."""
    args = parse_args(argv)
    check_options(args)
    tuning = FineTuning(args)
    stored = tuning.stage("model.pt", tuning.finish)
    print(json.dumps({"run": str(args.out), "held_out": stored["validation"]}))


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"fine_tune: {error}")
