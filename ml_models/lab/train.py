"""Train the shop model: classes and search features together, from pretrained weights.

    python -m ml_models.lab.train --data PHOTOS --weights FILE --out RUN

First the embedding is fitted in closed form: pretrained features and colours, projected so that
differences between views of one photo count less. Then the class branch learns the labels from
random views with mixup; trunk and search branch are frozen, so that learning ten classes does not
harm the search. An interrupted run is resumed.

RUN gets ``model.pt``, the averaged weights to ship; ``best.pt``, those of the epoch with the best
validation; ``log.csv`` and ``curves.png``; ``checkpoint.pt``, for resuming; and
``validation.csv``, a catalog of the held-out photos, if the run chose them itself.
"""

from __future__ import annotations

import argparse
import json
import statistics
import sys
from collections.abc import Iterable
from pathlib import Path

import torch

from visualsearch.encoders.preprocess import InputSpec

from .catalog import Listing, Refused
from .class_weights import KINDS
from .curves import draw_curves
from .data import decode_photos, list_photos
from .history import Row
from .objective import SERVED_SIDE, build
from .run import Run
from .splits import check_classes, folds, hold_out, keep_split

STORED_SIDE = 256


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Parse the command line; the defaults are the recipe of the shipped model."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="photos: a folder per class, or a catalog (CSV) with the columns sku, category (the"
        " class), image and, if wanted, images (more of the product, separated by |)",
    )
    held_out = parser.add_mutually_exclusive_group()
    held_out.add_argument(
        "--validation", type=Path, help="photos kept apart, a folder per class or a catalog"
    )
    held_out.add_argument(
        "--holdout",
        type=float,
        default=0.1,
        metavar="SHARE",
        help="without --validation: hold out about this share of --data (default 0.1, at most"
        " 0.5), the same of each class, a product's photos together",
    )
    held_out.add_argument(
        "--folds",
        type=int,
        metavar="K",
        help="cross-validation: K runs in OUT/fold-1 and on, each holds out another K-th of the"
        " photos; mean and deviation of their accuracies go to OUT/folds.json",
    )
    parser.add_argument(
        "--weights",
        type=Path,
        required=True,
        help="initial weights: this project's (npz), or torchvision's mobilenet_v2 (pth, pt)",
    )
    parser.add_argument(
        "--out", type=Path, required=True, help="folder of this run; resumed if it exists"
    )
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--side", type=int, default=192, help="pixels of a training view")
    parser.add_argument(
        "--least", type=float, default=0.25, help="share of the photo that a view covers at least"
    )
    parser.add_argument(
        "--stretch",
        type=float,
        default=1.333,
        help="factor by which a view's proportions change at most: they tell a dress from a shirt",
    )
    parser.add_argument("--lr", type=float, default=6e-4)
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument(
        "--class-weights",
        choices=KINDS,
        default="none",
        help="balanced: a photo weighs the inverse of its class's share; sqrt: its square root",
    )
    parser.add_argument(
        "--patience",
        type=int,
        default=0,
        metavar="N",
        help="stop after N epochs without a better validation accuracy; 0 (default): never",
    )
    parser.add_argument(
        "--ship",
        choices=("last", "best"),
        help="which epoch becomes model.pt (default: the last, so that validation chooses"
        " nothing; the best where --patience ended the run)",
    )
    parser.add_argument(
        "--mixup", type=float, default=0.2, help="alpha of the Beta distribution; 0: off"
    )
    parser.add_argument("--ema", type=float, default=0.995, help="decay of the averaged weights")
    parser.add_argument("--semantic-dim", type=int, default=256)
    parser.add_argument("--colour-dim", type=int, default=64)
    parser.add_argument("--colour-share", type=float, default=0.3)
    parser.add_argument("--class-share", type=float, default=0.1)
    parser.add_argument("--bf16", action="store_true", help="compute in bfloat16 where the CPU can")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--seed", type=int, default=0)
    args = parser.parse_args(argv)
    if not 0 < args.holdout <= 0.5:
        parser.error("--holdout is a share of the photos: above 0, at most 0.5")
    if args.folds is not None and args.folds < 2:
        parser.error("--folds needs at least 2")
    if args.epochs < 1:
        parser.error("--epochs needs at least 1")
    if args.patience < 0:
        parser.error("--patience is a number of epochs, or 0 for never")
    return args


def main(argv: list[str] | None = None) -> None:
    """Train one run, or one for each fold."""
    args = parse_args(argv)
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
    """Raise Refused if validation has other classes, or shares products with training."""
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
    """Train one run per fold; write their accuracies to ``folds.json``."""
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
    """Train on a split made here; store it, so that a resumed run uses the same."""
    args.out.mkdir(parents=True, exist_ok=True)
    keep_split(held_out, args.out)
    return train(args, photos, held_out)


def train(args: argparse.Namespace, photos: Listing, held_out: Listing) -> Row:
    """Train or resume a run; return the log's row of the epoch that it ships."""
    torch.manual_seed(args.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    pixels = decode_photos(photos, InputSpec(size=STORED_SIDE), "training photos")
    # Validate on serving's pixels: resampling twice would cost a point of accuracy.
    validation = decode_photos(held_out, InputSpec(size=SERVED_SIDE), "validation photos")
    run = Run(args, pixels, build(args, pixels))
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
