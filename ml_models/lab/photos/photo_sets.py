"""Decode photos for training into tensors."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from visualsearch.encoders.preprocess import InputSpec, prepare
from visualsearch.exceptions import PhotoError
from visualsearch.photos.decode import open_photo

from ..exceptions import Refused
from .boxes import crops, read_boxes
from .catalog import Listing
from .listings import list_photos


@dataclass(frozen=True, kw_only=True)
class PhotoSet:
    """N decoded photos: ``pixels`` (N, 3, s, s) uint8, ``labels`` (N,) int64.

    Labels are indices into ``classes``. ``groups``: product name of each photo; empty if not
    needed. Each photo of a folder is its own product.
    """

    pixels: Tensor
    labels: Tensor
    classes: list[str]
    groups: list[str] = field(default_factory=list)


def load_photos(source: Path, spec: InputSpec) -> PhotoSet:
    """Decode the photos of a folder or a catalog CSV, as serving does.

    A folder holds a subfolder per class. ``spec``: size and fit of the model's input. Raises
    Refused for a photo that cannot be decoded.
    """
    return decode_photos(list_photos(source), spec, source.name)


def decode_photos(listing: Listing, spec: InputSpec, name: str) -> PhotoSet:
    """Decode the listed photos as serving does; ``name`` labels the progress bar.

    ``spec``: size and fit of the model's input. Raises Refused for a photo that cannot be decoded.
    """

    def decode(path: Path) -> np.ndarray:
        try:
            return prepare(open_photo(path.read_bytes()).image, spec)
        except PhotoError as error:
            raise Refused(f"{path} cannot be used ({error}): mend or remove it") from error

    paths: Sequence[Path] = listing.paths
    with ThreadPoolExecutor() as pool:
        pixels = list(tqdm(pool.map(decode, paths), total=len(paths), desc=f"decode {name}"))
    return PhotoSet(
        pixels=torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous(),
        labels=torch.tensor(listing.labels),
        classes=listing.classes,
        groups=listing.groups,
    )


def load_crops(
    path: Path,
    classes: Sequence[str],
    parents: dict[str, str],
    spec: InputSpec,
    hold_out: int = 0,
) -> PhotoSet:
    """Load the garments of a CSV of bounding boxes, each cropped to its box.

    Labels are indices into ``classes``; ``parents`` maps finer to coarser classes. ``hold_out`` n:
    only photos whose number is divisible by n; 0: all. Raises ValueError for an invalid CSV.
    """
    boxes = read_boxes(path, classes, parents, hold_out)
    pixels = np.stack([prepare(part, spec) for part in crops(boxes)])
    return PhotoSet(
        pixels=torch.from_numpy(pixels).permute(0, 3, 1, 2).contiguous(),
        labels=torch.tensor([classes.index(box.label) for box in boxes]),
        classes=list(classes),
    )


def numbered_as(classes: Sequence[str], photos: PhotoSet) -> PhotoSet:
    """Return the photos with labels that are indices into a model's ``classes``.

    Raises Refused if the model lacks a class of the photos.
    """
    unknown = sorted(set(photos.classes) - set(classes))
    if unknown:
        raise Refused(f"the model has no class {unknown[0]}: its classes are {', '.join(classes)}")
    numbers = torch.tensor([classes.index(name) for name in photos.classes])
    return replace(photos, labels=numbers[photos.labels], classes=list(classes))


def shuffled_batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield random batches of the indices 0 … count - 1.

    A last batch of less than half of ``size`` is dropped.
    """
    order = torch.randperm(count, generator=generator)
    for chunk in order.split(size):
        if len(chunk) * 2 >= size:
            yield chunk
