"""Find garments on people in the street."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from PIL import Image

from benchmarks.objects.scenes import iou
from benchmarks.photos.catalog import encoder, limits
from ml_models.lab.photos.boxes import number_of
from visualsearch.encoders.objects import Object, find_objects
from visualsearch.photos.crops import Crop
from visualsearch.photos.decode import open_photo

# Least intersection over union of an object with the garment that it finds.
ENOUGH = 0.3
# Smaller garments, as shares of the photo's area, need not be found.
LEAST_AREA = 0.05


@dataclass(frozen=True, kw_only=True)
class Worn:
    """A garment in a photo: class, box x, y, w, h and area, in fractions of the photo."""

    label: str
    box: Crop
    area: float


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A photo, its garments, and the objects that were found."""

    name: str
    image: Image.Image
    garments: list[Worn]
    objects: list[Object]

    def finder_of(self, garment: Worn, classes: bool = True) -> Object | None:
        """Return the object that finds a garment, with ``classes`` one of its class, or None."""
        parents = encoder().package.parents
        for each in self.objects:
            alike = not classes or parents.get(each.label, each.label) == garment.label
            if alike and iou(each.box, garment.box) >= ENOUGH:
                return each
        return None

    def is_stray(self, found: Object) -> bool:
        """Return whether the middle of an object lies in the box of no garment."""
        x, y, w, h = found.box
        across, down = x + w / 2, y + h / 2
        boxes = (garment.box for garment in self.garments)
        return not any(
            left <= across <= left + width and top <= down <= top + height
            for left, top, width, height in boxes
        )

    @property
    def wanted(self) -> list[Worn]:
        """The garments that should be found."""
        return [
            each
            for each in self.garments
            if each.area >= LEAST_AREA and each.label in encoder().labels
        ]


def look(boxes: Path, hold_out: int, held_out: bool = True) -> Iterator[Seen]:
    """Yield the photos of a CSV ``image,label,tag,x,y,w,h,area`` that training has not seen.

    These are the photos whose number is divisible by ``hold_out``; the others unless ``held_out``.
    """
    with boxes.open(newline="", encoding="utf-8-sig") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["image"])
    for name, group in groupby(rows, lambda row: row["image"]):
        path = boxes.parent / name
        if (number_of(path) % hold_out == 0) != held_out:
            continue
        image = open_photo(path.read_bytes(), limits=limits()).image
        _, cells = encoder().see(image)
        assert cells is not None  # the shipped model has a region model
        yield Seen(
            name=path.stem,
            image=image,
            garments=[garment_of(row) for row in group],
            objects=find_objects(encoder(), cells),
        )


def garment_of(row: Mapping[str, str]) -> Worn:
    """Return the garment of a row."""
    x, y, w, h = (float(row[name]) for name in "xywh")
    return Worn(label=row["label"], box=(x, y, w, h), area=float(row["area"]))


def figures(photos: Sequence[Seen]) -> dict[str, float]:
    """Return counts, the shares of garments that are found, and of dots on no garment."""
    wanted = [(photo, garment) for photo in photos for garment in photo.wanted]
    dots = [photo.is_stray(each) for photo in photos for each in photo.objects]
    return {
        "photos": len(photos),
        "garments": len(wanted),
        "found": sum(photo.finder_of(each) is not None for photo, each in wanted) / len(wanted),
        "found, any class": sum(photo.finder_of(each, False) is not None for photo, each in wanted)
        / len(wanted),
        "dots": len(dots),
        "dots on no garment": sum(dots) / max(1, len(dots)),
    }
