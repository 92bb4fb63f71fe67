"""Read bounding boxes of garments on people, and crop photos to them."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image
from tqdm import tqdm

from visualsearch.photos.decode import open_photo

# Smaller boxes, as shares of the photo, are distant details that are not searched for.
LEAST_AREA = 0.01
MARGIN = 0.08


@dataclass(frozen=True, kw_only=True)
class GarmentBox:
    """A garment on a person: photo, class and bounding box.

    ``place``: left, top, width and height of the box, as fractions of the photo's width and height.
    """

    image: Path
    label: str
    place: tuple[float, float, float, float]


def read_boxes(
    path: Path, labels: Sequence[str], parents: dict[str, str], hold_out: int = 0
) -> list[GarmentBox]:
    """Read garment boxes from a CSV ``image,label,x,y,w,h,area``.

    Keep only boxes whose class, or its coarser class in ``parents`` (finer to coarser), is in
    ``labels``, and that cover at least 1 % of the photo. ``hold_out`` n: keep only photos whose
    number is divisible by n, which ``fine_tune --hold-out n`` does not train on; 0: keep all.
    Raises ValueError for an invalid row, naming its line, or if no box is left.
    """
    with path.open(newline="", encoding="utf-8-sig") as file:
        rows = list(csv.DictReader(file))
    boxes = []
    for line, row in enumerate(rows, 2):
        try:
            x, y, w, h = (float(row[key]) for key in "xywh")
            area, label = float(row["area"]), parents.get(row["label"], row["label"])
            image = path.parent / row["image"]
        except (KeyError, TypeError, ValueError) as error:
            raise ValueError(
                f"{path}, line {line}: image,label,x,y,w,h,area must be filled ({error})"
            ) from error
        if hold_out and number_of(image) % hold_out:
            continue
        if label in labels and area >= LEAST_AREA:
            boxes.append(GarmentBox(image=image, label=label, place=(x, y, w, h)))
    if not boxes:
        raise ValueError(f"{path} has no boxes of the model's classes: {', '.join(labels)}")
    return boxes


def number_of(image: Path) -> int:
    """Return the number at the start of a file's name: 12 for ``12_a.jpg``.

    Raises ValueError if the name does not start with a digit.
    """
    found = re.match(r"\d+", image.name)
    if not found:
        raise ValueError(f"{image.name} starts with no number to hold out by: give --hold-out 0")
    return int(found[0])


def crop_to_box(image: Image.Image, place: tuple[float, float, float, float]) -> Image.Image:
    """Crop a photo to a box widened by 8 % of its size on each side, within the photo.

    ``place``: left, top, width and height, as fractions of the photo.
    """
    x, y, w, h = place
    left, top = max(0, x - MARGIN * w), max(0, y - MARGIN * h)
    right, bottom = min(1, x + (1 + MARGIN) * w), min(1, y + (1 + MARGIN) * h)
    ends = zip((left, top, right, bottom), image.size * 2, strict=True)
    first, second, third, fourth = (round(share * side) for share, side in ends)
    return image.crop((first, second, third, fourth))


def crops(boxes: Sequence[GarmentBox]) -> Iterator[Image.Image]:
    """Yield the crop of each box, in order; decode a photo once for consecutive boxes."""
    opened: tuple[Path, Image.Image] | None = None
    for box in tqdm(boxes, desc="Garments", unit=" boxes", disable=None):
        if opened is None or opened[0] != box.image:
            opened = box.image, open_photo(box.image.read_bytes()).image
        yield crop_to_box(opened[1], box.place)
