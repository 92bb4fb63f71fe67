"""Load the photos on which the benchmark trains and measures networks."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from visualsearch.encoders.preprocess import InputSpec

from ..exceptions import Refused
from ..photos.garments import SIDE, crop_around, decode_all, stacked
from ..photos.label_sets import PARENTS
from ..photos.listings import list_photos
from ..photos.photo_sets import PhotoSet, decode_photos, load_crops
from ..photos.sources import Example, Sources, read_boxed, read_more
from ..photos.splits import hold_out

# Share of the photos that is held out if there are no validation photos.
HELD_OUT = 0.2
# Margin of a training crop around a box, as a share of the box.
MARGIN = 0.25


@dataclass(frozen=True, kw_only=True)
class BenchmarkPhotos:
    """Photos for training (256 pixels) and for validation (the networks' input size).

    ``floors``: garments alone. ``people``: garments on people, cropped; None without boxes. All
    have the same classes.
    """

    train: PhotoSet
    floors: PhotoSet
    people: PhotoSet | None

    @property
    def digests(self) -> dict[str, str | None]:
        """A hash of each set's photos and labels, by name; None for a missing set."""
        sets = {"data": self.train, "validation": self.floors, "people": self.people}
        return {name: digest(photos) if photos else None for name, photos in sets.items()}


def load(sources: Sources, validation: Path | None, side: int, seed: int) -> BenchmarkPhotos:
    """Decode the photos of all data sets except those labelled as a whole.

    ``validation``: a folder or catalog; None: hold out a fifth of ``sources.data``. ``side``:
    pixels of validation photos. Garments of ``more`` and ``boxes`` count as their class or its
    coarser one; those of other classes are left out. Raises Refused if the classes differ.
    """
    listing = list_photos(sources.data)
    if validation:
        held_out = list_photos(validation)
        if held_out.classes != listing.classes:
            raise Refused(f"{sources.data} and {validation} hold different classes")
    else:
        listing, held_out = hold_out(listing, HELD_OUT, seed)
    spec, classes = InputSpec(size=side), listing.classes
    train = decode_photos(listing, InputSpec(size=SIDE), "training")
    more = read_more(sources.more) if sources.more else []
    if sources.boxes:
        more += [each for each in read_boxed(sources.boxes, sources.hold_out) if not each.held_out]
    return BenchmarkPhotos(
        train=joined(train, more),
        floors=decode_photos(held_out, spec, "validation"),
        people=load_crops(sources.boxes, classes, PARENTS, spec, sources.hold_out)
        if sources.boxes
        else None,
    )


def joined(photos: PhotoSet, examples: Sequence[Example]) -> PhotoSet:
    """Return ``photos`` with the examples added whose label allows just one of their classes."""
    labels = [(example, class_of(example, photos.classes)) for example in examples]
    known = [(example, label) for example, label in labels if label is not None]
    if not known:
        return photos
    rows = [example for example, _ in known]
    crops = decode_all(rows, lambda image, row: crop_around(image, row, MARGIN)[0], "more photos")
    return replace(
        photos,
        pixels=torch.cat([photos.pixels, stacked(crops)]),
        labels=torch.cat([photos.labels, torch.tensor([label for _, label in known])]),
        groups=[],
    )


def class_of(example: Example, classes: Sequence[str]) -> int | None:
    """Return the index of the one class that an example's label allows; None if not just one.

    Finer classes count as their coarser class.
    """
    allowed = {PARENTS.get(name, name) for name in example.allowed}
    return classes.index(allowed.pop()) if len(allowed) == 1 and allowed <= {*classes} else None


def digest(photos: PhotoSet) -> str:
    """Return a short hash of pixels, labels and class names, in hexadecimal."""
    found = hashlib.sha256(photos.pixels.numpy())
    found.update(photos.labels.numpy())
    found.update("/".join(photos.classes).encode())
    return found.hexdigest()[:16]
