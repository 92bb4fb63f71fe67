"""Garments as tensors: pixels of crops, places of the garments, and allowed classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor
from tqdm import tqdm

from visualsearch.encoders.preprocess import InputSpec, prepare
from visualsearch.exceptions import PhotoError
from visualsearch.photos.decode import open_photo

from ..exceptions import Refused
from .class_masks import mask
from .sources import Example, Kind, Place

SIDE = 256
# Width and height of a tagged photo in memory.
TAGGED_SIZE = (256, 384)
# Smallest held-out garments to judge: smaller ones are not searched for.
JUDGED_AREA = 0.01

Pixels = NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Garments:
    """N garments, each in a square crop of its photo.

    ``pixels`` (N, 3, 256, 256) uint8; ``places`` (N, 4): x, y, w, h of the garment in fractions of
    the crop; ``allowed`` (N, 15): 1 for each allowed class, all 0 if unlabelled; ``kinds``
    (N,): numbers of :class:`Kind`; ``train`` and ``judged``: rows for training and for evaluation.
    ``pairs`` (P, 2): rows of the same garment worn and alone.
    """

    pixels: Tensor
    places: Tensor
    allowed: Tensor
    kinds: Tensor
    train: Tensor
    judged: Tensor
    pairs: Tensor

    @property
    def labelled(self) -> Tensor:
        """The labelled training rows (T,)."""
        return self.train[self.allowed[self.train].sum(1) > 0]

    @property
    def boxed(self) -> Tensor:
        """Whether each garment (N,) is a box in a larger photo, with views around it."""
        return self.kinds != Kind.FLOOR


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """M photos (M, 3, 384, 256) uint8 with the classes (M, 15) that may be in them."""

    pixels: Tensor
    allowed: Tensor


def load_garments(examples: Sequence[Example], margin: float, device: str) -> Garments:
    """Decode all examples but the tagged photos.

    ``margin``: margin of a crop on each side, as a share of the garment's size.
    """
    rows = [example for example in examples if example.kind is not Kind.TAGGED]
    cut = decode_all(rows, lambda image, example: crop_around(image, example, margin), "garments")
    row_of = {
        example.image.resolve(): row
        for row, example in enumerate(rows)
        if example.kind is Kind.FLOOR
    }
    pairs = [
        (row, row_of[example.alone])
        for row, example in enumerate(rows)
        if example.alone is not None and example.alone in row_of
    ]
    judged = [
        row
        for row, example in enumerate(rows)
        if example.held_out and example.area >= JUDGED_AREA and example.allowed
    ]
    return Garments(
        pixels=stacked([pixels for pixels, _ in cut]).to(device),
        places=torch.tensor([place for _, place in cut]).to(device),
        allowed=torch.stack([mask(example.allowed) for example in rows]).to(device),
        kinds=torch.tensor([int(example.kind) for example in rows]).to(device),
        train=torch.tensor([k for k, each in enumerate(rows) if not each.held_out]).to(device),
        judged=torch.tensor(judged, dtype=torch.long).to(device),
        pairs=torch.tensor(pairs, dtype=torch.long).reshape(-1, 2).to(device),
    )


def load_tagged(examples: Sequence[Example], device: str) -> Tagged | None:
    """Decode the tagged photos; None if there are none."""
    rows = [example for example in examples if example.kind is Kind.TAGGED]
    if not rows:
        return None

    def resize(image: Image.Image, _: Example) -> Pixels:
        small = image.resize(TAGGED_SIZE, Image.Resampling.BILINEAR, reducing_gap=3)
        return np.asarray(small)

    return Tagged(
        pixels=stacked(decode_all(rows, resize, "tagged photos")).to(device),
        allowed=torch.stack([mask(example.allowed) for example in rows]).to(device),
    )


def decode_all(
    rows: Sequence[Example], make: Callable[[Image.Image, Example], T], name: str
) -> list[T]:
    """Open each photo and return what ``make`` does with it. Raises Refused for a bad file."""

    def decode(example: Example) -> T:
        try:
            return make(open_photo(example.image.read_bytes()).image, example)
        except PhotoError as error:
            raise Refused(f"{example.image} cannot be used ({error}): mend or remove it") from error

    with ThreadPoolExecutor() as pool:
        return list(tqdm(pool.map(decode, rows), total=len(rows), desc=f"decode {name}"))


def stacked(pixels: Sequence[Pixels]) -> Tensor:
    """Return pictures (h, w, 3) as one tensor (N, 3, h, w)."""
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()


def crop_around(image: Image.Image, example: Example, margin: float) -> tuple[Pixels, Place]:
    """Return a garment's crop with surroundings (256, 256, 3), and its place in the crop.

    A floor photo is not cropped, and its place is the whole photo.
    """
    (width, height), (x, y, w, h) = image.size, example.place
    left, top = max(0.0, x - margin * w), max(0.0, y - margin * h)
    right, bottom = min(1.0, x + (1 + margin) * w), min(1.0, y + (1 + margin) * h)
    first, second = round(left * width), round(top * height)
    third = max(first + 1, round(right * width))
    fourth = max(second + 1, round(bottom * height))
    place = ((x - left) / (right - left), (y - top) / (bottom - top))
    crop = prepare(image.crop((first, second, third, fourth)), InputSpec(size=SIDE))
    inside = (*place, w / (right - left), h / (bottom - top))
    return crop.astype(np.uint8, copy=False), inside


def sampling_weights(garments: Garments, street: float, worn: float) -> Tensor:
    """Return relative sampling weights (N,), 1 for an average floor photo.

    A class has the square root of the inverse of its share among labelled photos of its kind. An
    unlabelled photo has half the weight; garments in streets are multiplied by ``street``, those on
    drawn people by ``worn``.
    """
    classes = garments.allowed.shape[1]
    first = garments.allowed.argmax(1)
    weights = torch.full(first.shape, 0.5, device=first.device)
    for kind in (Kind.FLOOR, Kind.STREET, Kind.WORN):
        rows = garments.labelled[garments.kinds[garments.labelled] == kind]
        if len(rows):
            counts = torch.bincount(first[rows], minlength=classes).float()
            own = counts[first[rows]]
            weights[rows] = (own.mean() / own).sqrt()
    weights[garments.kinds == Kind.STREET] *= street
    weights[garments.kinds == Kind.WORN] *= worn
    return weights
