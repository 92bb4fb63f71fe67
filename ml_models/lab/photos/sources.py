"""Read the data sets for fine-tuning a whole network, from folders and CSV files."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from ..exceptions import Refused
from .boxes import number_of
from .label_sets import shop_set, street_set
from .listings import list_folder

Place = tuple[float, float, float, float]
"""A box: x, y, width and height as fractions of the upright photo."""

WHOLE: Place = (0.0, 0.0, 1.0, 1.0)
# Smaller garments, as a share of the photo's area, cannot be recognised.
LEAST_AREA = 0.004


class Kind(IntEnum):
    """The type of a photo, which decides its augmentation and sampling weight.

    ``FLOOR``: a garment alone (flat, hanging, or a product photo). ``STREET``: a garment with a box
    on a person. ``WORN``: a garment put on a drawn person. ``TAGGED``: a photo labelled as a whole.
    """

    FLOOR = 0
    STREET = 1
    WORN = 2
    TAGGED = 3


@dataclass(frozen=True, kw_only=True)
class Example:
    """A labelled garment in a photo on disk, or a photo labelled as a whole."""

    image: Path
    kind: Kind
    allowed: tuple[str, ...]
    """The classes that the label allows; empty: unknown."""
    label: str = ""
    """The label as its source writes it, in lower case."""
    place: Place = WHOLE
    area: float = 1.0
    """Share of the photo's area that the garment covers."""
    held_out: bool = False
    """Whether the example is for evaluation only, never for training."""
    alone: Path | None = None
    """The photo of the garment alone, if the example shows it on a drawn person."""


@dataclass(frozen=True, kw_only=True)
class Sources:
    """Paths of the data sets for fine-tuning; only ``data`` is required.

    ``data``: a folder with a subfolder of photos per class. ``more``: a CSV ``image,label,kids`` of
    garments alone. ``boxes``: a CSV ``image,label,tag,x,y,w,h,area`` of garments in street photos.
    ``tagged``: a CSV ``image,labels,tags`` of street photos labelled as a whole.
    """

    data: Path
    more: Path | None = None
    boxes: Path | None = None
    tagged: Path | None = None
    hold_out: int = 3
    """Hold out the photos of ``boxes`` whose number is divisible by this; 0: none."""


def read_sources(sources: Sources) -> list[Example]:
    """Read the examples of all data sets, without training examples of held-out photos.

    Raises Refused for a missing file, an invalid row or an unknown label.
    """
    found = read_folder(sources.data)
    found += read_more(sources.more) if sources.more else []
    found += read_boxed(sources.boxes, sources.hold_out) if sources.boxes else []
    found += read_tagged(sources.tagged) if sources.tagged else []
    judged = {example.image.resolve() for example in found if example.held_out}
    return [each for each in found if each.held_out or each.image.resolve() not in judged]


def read_folder(folder: Path) -> list[Example]:
    """Read a folder with a subfolder of photos per class. Raises Refused for an unknown class."""
    if not folder.is_dir():
        raise Refused(f"there is no folder {folder}: give one with a folder per class")
    listing = list_folder(folder)
    names = [listing.classes[label] for label in listing.labels]
    return [
        floor_photo(path, name, str(folder / name))
        for path, name in zip(listing.paths, names, strict=True)
    ]


def read_more(path: Path) -> list[Example]:
    """Read garments alone from a CSV ``image,label,kids``; the column ``kids`` is ignored."""
    return read_examples(
        path,
        ("image", "label"),
        lambda row, where: floor_photo(path.parent / row["image"], row["label"], where),
    )


def floor_photo(path: Path, label: str, where: str) -> Example:
    """Describe a photo of a garment alone: laid flat, hanging, or a product photo.

    ``where``: file and line for the error message. Raises Refused for an unknown label.
    """
    with refused_at(where):
        allowed = shop_set(label)
    return Example(image=path, kind=Kind.FLOOR, allowed=allowed, label=label.strip().lower())


def read_boxed(path: Path, hold_out: int) -> list[Example]:
    """Read garments in street photos from a CSV ``image,label,tag,x,y,w,h,area``.

    Leave out garments below 0.4 % of the photo. ``hold_out`` n: hold out photos whose number is
    divisible by n; 0: none. Raises Refused for an invalid row.
    """

    def read(row: dict[str, str], where: str) -> Example:
        image = path.parent / row["image"]
        with refused_at(where):
            x, y, w, h, area = (float(row[name]) for name in ("x", "y", "w", "h", "area"))
            if not (x >= 0 < w and y >= 0 < h and x + w <= 1.001 and y + h <= 1.001):
                raise ValueError("a box is x, y, w, h in fractions of the photo")
            return Example(
                image=image,
                kind=Kind.STREET,
                allowed=street_set(row["label"], row["tag"]),
                label=row["label"].strip().lower(),
                place=(x, y, w, h),
                area=area,
                held_out=bool(hold_out) and number_of(image) % hold_out == 0,
            )

    columns = ("image", "label", "tag", "x", "y", "w", "h", "area")
    return [each for each in read_examples(path, columns, read) if each.area >= LEAST_AREA]


def read_tagged(path: Path) -> list[Example]:
    """Read photos labelled as a whole from a CSV ``image,labels,tags``.

    Labels are separated by ``|``; ``tags`` is ignored.
    """

    def read(row: dict[str, str], where: str) -> Example:
        with refused_at(where):
            sets = [street_set(label) for label in row["labels"].split("|") if label.strip()]
        allowed = tuple(sorted({name for names in sets for name in names}))
        return Example(image=path.parent / row["image"], kind=Kind.TAGGED, allowed=allowed)

    return read_examples(path, ("image", "labels"), read)


def read_examples(
    path: Path, columns: Sequence[str], read: Callable[[dict[str, str], str], Example]
) -> list[Example]:
    """Convert each row of a CSV with these columns by ``read(row, where)``.

    ``where``: “file, line n” for error messages. Raises Refused for a missing file, column or
    photo.
    """
    if not path.is_file():
        raise Refused(f"there is no file {path}: give a CSV with the columns {', '.join(columns)}")
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        missing = [name for name in columns if name not in (reader.fieldnames or ())]
        if missing:
            raise Refused(f"{path}: the first line lacks {', '.join(missing)}: add these columns")
        rows = [(reader.line_num, row) for row in reader]
    found = []
    for line, row in rows:
        where = f"{path}, line {line}"
        example = read({name: value or "" for name, value in row.items() if name}, where)
        if not example.image.is_file():
            raise Refused(f"{where}: there is no {example.image}; paths start at the CSV's folder")
        found.append(example)
    return found


@contextmanager
def refused_at(where: str) -> Iterator[None]:
    """Convert a ValueError of the block to Refused, with ``where`` (file and line) in its text."""
    try:
        yield
    except ValueError as error:
        raise Refused(f"{where}: {error}") from error
