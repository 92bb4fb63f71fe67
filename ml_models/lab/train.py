"""Train the shop model: classes and search features together, from pretrained weights.

    python -m ml_models.lab.train --data PHOTOS --weights FILE --out RUN

First the embedding is fitted in closed form: pretrained features and colours, projected so that
differences between views of one photo count less. Then the class branch learns the labels from
random views with mixup; trunk and search branch are frozen, so that learning ten classes does not
harm the search. An interrupted run is resumed.

The folder RUN gets ``model.pt``, the averaged weights to ship; ``best.pt``, those of the epoch with
the best validation accuracy; ``log.csv`` and ``curves.png``; ``checkpoint.pt``, for resuming; and
``validation.csv``, a catalog of the held-out photos, if the run chose them itself.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterable

import torch

from visualsearch.encoders.preprocess import InputSpec

from .exceptions import Refused
from .photos.catalog import Listing
from .photos.listings import list_photos
from .photos.photo_sets import decode_photos
from .photos.pixels import SERVED_SIDE
from .photos.splits import check_classes, folds, hold_out, keep_split
from .reports.training_curves import draw_curves
from .training.best_epoch import Row
from .training.initial_network import build_network
from .training.run import Run
from .training.train_options import STORED_SIDE, parse_args


def main(argv: list[str] | None = None) -> None:
    """Train one run, or with ``--folds`` one for each fold."""
    args = parse_args(argv, __doc__.splitlines()[0])
    photos = list_photos(args.data)
    check_classes(photos, str(args.data))
    if args.folds:
        cross_validate(args, folds(photos, args.folds, args.seed))
    elif args.validation:
        held_out = list_photos(args.validation)
        check_apart(photos, held_out, args)
        train(args, photos, held_out)
    else:
        train_split(args, *hold_out(photos, args.holdout, args.seed))


def check_apart(photos: Listing, held_out: Listing, args: argparse.Namespace) -> None:
    """Raise Refused if ``held_out`` has other classes than ``photos``, or shares products."""
    if held_out.classes != photos.classes:
        raise Refused(
            f"{args.data} and {args.validation} hold different classes: give both photos of"
            f" each of {', '.join(sorted({*photos.classes, *held_out.classes}))}"
        )
    both = sorted({*photos.groups} & {*held_out.groups})
    # Names in folders identify nothing, because each folder numbers its photos from the start.
    if both and args.data.is_file() and args.validation.is_file():
        raise Refused(
            f"{len(both)} products are in {args.data} and in {args.validation}, such as {both[0]}:"
            " leave each in one of them"
        )


def cross_validate(args: argparse.Namespace, splits: Iterable[tuple[Listing, Listing]]) -> None:
    """Train a run for each (training, held out) pair of ``splits``, and write ``folds.json``.

    The file has the accuracy of each fold, their mean and standard deviation.
    """
    rows = []
    for fold, (photos, held_out) in enumerate(splits, 1):
        print(f"fold {fold} of {args.folds}")
        out = args.out / f"fold-{fold}"
        row = train_split(argparse.Namespace(**vars(args) | {"out": out}), photos, held_out)
        rows.append({"fold": fold, "epoch": int(row["epoch"]), "accuracy": row["accuracy"]})
    found = [row["accuracy"] for row in rows]
    report = {"folds": rows, "mean": statistics.mean(found), "std": statistics.stdev(found)}
    (args.out / "folds.json").write_text(json.dumps(report, indent=2) + "\n", "utf-8")
    print(f"accuracy {report['mean']:.4f} ± {report['std']:.4f} over {args.folds} folds")


def train_split(args: argparse.Namespace, photos: Listing, held_out: Listing) -> Row:
    """Store the held-out photos in the run's folder, and train.

    A run resumed with other held-out photos is refused. Return the row of ``log.csv`` of the epoch
    whose network becomes ``model.pt``.
    """
    args.out.mkdir(parents=True, exist_ok=True)
    keep_split(held_out, args.out)
    return train(args, photos, held_out)


def train(args: argparse.Namespace, photos: Listing, held_out: Listing) -> Row:
    """Train or resume a run on ``photos``, validate on ``held_out``, and plot its curves.

    Return the row of ``log.csv`` of the epoch whose network becomes ``model.pt``.
    """
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    pixels = decode_photos(photos, InputSpec(size=STORED_SIDE), "training photos")
    # Validate on serving's pixels: resampling twice would cost a point of accuracy.
    validation = decode_photos(held_out, InputSpec(size=SERVED_SIDE), "validation photos")
    run = Run(args, pixels, build_network(args, pixels))
    run.resume()
    run.fit(validation)
    row = run.ship()
    draw_curves(args.out)
    return row


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"train: {error}")
