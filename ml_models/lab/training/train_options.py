"""Command-line options of ``train``, also used by runs derived from a trained network."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from .class_weights import KINDS

# Side of the training photos in memory, in pixels, from which views are cut.
STORED_SIDE = 256


def parse_args(
    argv: Sequence[str] | None = None, description: str | None = None
) -> argparse.Namespace:
    """Parse the command line; the defaults are the recipe of the shipped model.

    ``argv`` None: the process's arguments. ``description``: text of ``--help``. Exits with an error
    for values out of range.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--data",
        type=Path,
        required=True,
        help="photos: a subfolder per class, or a catalog (CSV) with the columns sku, category (the"
        " class), image and optionally images (more photos of the product, separated by |)",
    )
    held_out = parser.add_mutually_exclusive_group()
    held_out.add_argument(
        "--validation", type=Path, help="held-out photos: a subfolder per class, or a catalog"
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
        help="cross-validation: K runs in OUT/fold-1 to OUT/fold-K, each holds out another K-th of"
        " the photos; mean and deviation of their accuracies are written to OUT/folds.json",
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
    parser.add_argument("--side", type=int, default=192, help="pixels of a training view's side")
    parser.add_argument(
        "--least", type=float, default=0.25, help="least share of the photo that a view covers"
    )
    parser.add_argument(
        "--stretch",
        type=float,
        default=1.333,
        help="greatest factor by which a view's aspect ratio changes",
    )
    parser.add_argument("--lr", type=float, default=6e-4)
    parser.add_argument("--weight-decay", type=float, default=0.02)
    parser.add_argument("--smoothing", type=float, default=0.1)
    parser.add_argument(
        "--class-weights",
        choices=KINDS,
        default="none",
        help="balanced: weigh photos by the inverse of their class's share; sqrt: by its root",
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
        help="epoch whose weights become model.pt (default: the last, so that validation chooses"
        " nothing; the best if --patience ended the run)",
    )
    parser.add_argument(
        "--mixup", type=float, default=0.2, help="alpha of mixup's Beta distribution; 0: no mixup"
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
