"""Train a network derived from a trained one, as pruning does: settings, photos, report."""

from __future__ import annotations

import argparse
import json
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from visualsearch.encoders.preprocess import InputSpec

from ..exceptions import Refused
from ..networks.shopnet import ShopNet
from ..photos.listings import list_photos
from ..photos.photo_sets import PhotoSet, decode_photos, numbered_as
from ..photos.pixels import SERVED_SIDE
from .run import Run
from .stored_runs import load_run
from .train_options import STORED_SIDE, parse_args


def derived_settings(
    args: argparse.Namespace, stored: dict[str, Any], own: list[str], origin: dict[str, Any]
) -> argparse.Namespace:
    """Return the settings of the original training, changed by the command's options.

    ``stored``: the original run's ``model.pt``. ``own``: names of options that replace its
    settings. ``origin``: what the new run is derived from, to be stored in its recipe.
    """
    paths = {"--data": args.data, "--validation": args.validation, "--out": args.out}
    given = [str(word) for pair in paths.items() for word in pair]
    defaults = parse_args([*given, "--weights", "unknown"])
    kept = {name: value for name, value in stored["recipe"].items() if name in vars(defaults)}
    same = {name: getattr(defaults, name) for name in ("data", "validation", "out")}
    whole = {"patience": 0, "ship": "last", "device": "cpu"}
    mine = {name: getattr(args, name) for name in own}
    if args.batch:
        mine["batch"] = args.batch
    return argparse.Namespace(**vars(defaults) | kept | same | whole | mine | origin)


def read_photos(args: argparse.Namespace, classes: list[str]) -> tuple[PhotoSet, PhotoSet]:
    """Decode (training, validation) photos, labelled as indices into the model's ``classes``.

    Raises Refused if they have a class that the model lacks.
    """
    listings = [list_photos(args.data), list_photos(args.validation)]
    if any(not {*listing.classes} <= {*classes} for listing in listings):
        raise Refused(f"the run was trained for {', '.join(classes)}: give photos of these")
    sets = (
        decode_photos(listings[0], InputSpec(size=STORED_SIDE), "training photos"),
        decode_photos(listings[1], InputSpec(size=SERVED_SIDE), "validation photos"),
    )
    training, held_out = (numbered_as(classes, photos) for photos in sets)
    return training, held_out


def begin_report(path: Path, origin: dict[str, Any]) -> None:
    """Create the JSON report at ``path`` with ``origin``, unless it exists.

    ``origin``: what the run is derived from, by name. Raises Refused if the existing report has
    another origin.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    begun = json.loads(path.read_text()) if path.exists() else origin
    if any(begun[name] != value for name, value in origin.items()):
        was = ", ".join(f"{name} {begun[name]}" for name in origin)
        raise Refused(f"{path.parent} was begun with {was}: give the same, or a new --out")
    write_report(path, begun)


def write_report(path: Path, report: dict[str, Any]) -> None:
    """Write a report as JSON."""
    path.write_text(json.dumps(report, indent=2) + "\n", "utf-8")


def fit_run(run: Run, held_out: PhotoSet) -> ShopNet:
    """Train the remaining epochs of a run, and return the resulting network.

    ``held_out``: validation photos. Progress goes to stderr.
    """
    run.resume()
    # Fitting prints progress, which must not mix with the report on stdout.
    with redirect_stdout(sys.stderr):
        run.fit(held_out)
    run.ship()
    return load_run(run.args.out)[0]
