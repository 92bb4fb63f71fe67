"""Load garments for fine-tuning as tensors: pixels, bounding boxes and allowed classes."""

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
# Smallest share of the photo that a held-out garment covers in an evaluation.
JUDGED_AREA = 0.01

Pixels = NDArray[np.uint8]
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Garments:
    """N garments, each in a square crop of its photo.

    ``pixels`` (N, 3, 256, 256) uint8. ``places`` (N, 4): left, top, width and height of the
    garment, as fractions of the crop. ``allowed`` (N, 15): 1 for each class that the label allows,
    all 0 without a label. ``kinds`` (N,): values of :class:`Kind`. ``train``, ``judged``: indices
    of the garments for training and for evaluation. ``pairs`` (P, 2): indices of a garment worn and
    the same one alone.
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
        """Indices (T,) of the training garments that have a label."""
        return self.train[self.allowed[self.train].sum(1) > 0]

    @property
    def boxed(self) -> Tensor:
        """Boolean (N,): true for a garment with a box in a larger photo."""
        return self.kinds != Kind.FLOOR


@dataclass(frozen=True, kw_only=True)
class Tagged:
    """M photos labelled as a whole: ``pixels`` (M, 3, 384, 256) uint8.

    ``allowed`` (M, 15): 1 for each class that the photo may show.
    """

    pixels: Tensor
    allowed: Tensor


def load_garments(examples: Sequence[Example], margin: float, device: str) -> Garments:
    """Decode all examples except those of kind ``TAGGED`` to tensors on ``device``.

    ``margin``: surroundings kept on each side of a garment's box, as a share of its size. Raises
    Refused for a photo that cannot be decoded.
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
    """Decode the examples of kind ``TAGGED`` to tensors on ``device``, or return None without any.

    Photos are stretched to 256 × 384. Raises Refused for a photo that cannot be decoded.
    """
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
    """Open the photo of each row in threads, and return the results of ``make(photo, row)``.

    ``name`` labels the progress bar. Raises Refused for a photo that cannot be decoded.
    """

    def decode(example: Example) -> T:
        try:
            return make(open_photo(example.image.read_bytes()).image, example)
        except PhotoError as error:
            raise Refused(f"{example.image} cannot be used ({error}): mend or remove it") from error

    with ThreadPoolExecutor() as pool:
        return list(tqdm(pool.map(decode, rows), total=len(rows), desc=f"decode {name}"))


def stacked(pixels: Sequence[Pixels]) -> Tensor:
    """Stack pictures (h, w, 3) to one tensor (N, 3, h, w)."""
    return torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()


def crop_around(image: Image.Image, example: Example, margin: float) -> tuple[Pixels, Place]:
    """Crop a photo to an example's box with its surroundings, squashed to (256, 256, 3) uint8.

    Also return the box in the crop: left, top, width, height as fractions. ``margin``: surroundings
    kept on each side, as a share of the box's size; a photo of a garment alone stays whole.
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
    """Return relative sampling weights (N,), about 1 for a labelled photo of a garment alone.

    Rarer classes weigh more: the weight is the inverse square root of the class's share among
    labelled photos of the same kind. An unlabelled photo weighs 0.5. ``street`` and ``worn``
    multiply the weights of garments in street photos and on drawn people.
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
