"""Split photos into training and held-out ones, stratified by class and grouped by product."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from ..exceptions import Refused
from .catalog import Listing, read_catalog, write_catalog

HELD_OUT = "validation.csv"


def check_classes(listing: Listing, name: str) -> None:
    """Raise Refused if there is only one class, or a class without photos.

    ``name``: the source of the photos, for the error message.
    """
    if len(listing.classes) < 2:
        raise Refused(f"{name} has one class only ({listing.classes[0]}): two at least are needed")
    empty = [label for label, count in listing.groups_per_class().items() if not count]
    if empty:
        raise Refused(
            f"{name} has no photos of {', '.join(empty)}: add some, or remove the class everywhere"
        )


def folds(listing: Listing, count: int, seed: int) -> Iterator[tuple[Listing, Listing]]:
    """Yield ``count`` pairs (training, held out) for cross-validation; each photo is held out once.

    Photos of a product stay together. Raises Refused for a class with fewer than ``count``
    products.
    """
    few = {name: n for name, n in listing.groups_per_class().items() if n < count}
    if few:
        shown = ", ".join(f"{name} ({n})" for name, n in few.items())
        raise Refused(
            f"too few products or single photos for {count} parts: {shown}; add photos, hold out"
            " more with --holdout, ask for fewer --folds, or give --validation"
        )
    splitter = StratifiedGroupKFold(n_splits=count, shuffle=True, random_state=seed)
    labels = np.array(listing.labels)
    for train, held_out in splitter.split(labels, labels, listing.groups):
        yield listing.select(train.tolist()), listing.select(held_out.tolist())


def hold_out(listing: Listing, share: float, seed: int) -> tuple[Listing, Listing]:
    """Return (training, held out): the first of ``round(1 / share)`` cross-validation folds.

    Raises Refused for a class with too few products.
    """
    return next(folds(listing, round(1 / share), seed))


def keep_split(held_out: Listing, folder: Path) -> None:
    """Write the held-out photos to ``validation.csv`` in the folder of a run.

    Raises Refused if that file lists other products: a run resumed with another split would train
    on its own validation photos.
    """
    path = folder / HELD_OUT
    if path.exists() and set(read_catalog(path).groups) != set(held_out.groups):
        raise Refused(
            f"{folder} was begun with another split: give the same --data, --seed and --holdout or"
            " --folds as then, or a new --out"
        )
    write_catalog(held_out, path)
