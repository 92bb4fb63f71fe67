"""List and decode photos for training, from folders or a catalog."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from visualsearch.encoders.preprocess import InputSpec, prepare
from visualsearch.exceptions import PhotoError
from visualsearch.photos.decode import ACCEPTED_SUFFIXES, open_photo

from .catalog import Listing, Refused, read_catalog


@dataclass(frozen=True, kw_only=True)
class PhotoSet:
    """Decoded photos: ``pixels`` (N, 3, s, s) uint8, ``labels`` (N,) int64, class names.

    ``groups``: N names of the product that each photo shows, or none if not needed; each photo of a
    folder is a separate product.
    """

    pixels: Tensor
    labels: Tensor
    classes: list[str]
    groups: list[str] = field(default_factory=list)


def list_photos(source: Path) -> Listing:
    """List the photos of a folder per class, or of a catalog CSV, in a fixed order."""
    if source.is_dir():
        return list_folder(source)
    if source.is_file():
        return read_catalog(source)
    raise Refused(f"there is no {source}: give a folder with one folder per class, or a catalog")


def list_folder(folder: Path) -> Listing:
    """List the photos of a folder per class, sorted."""
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    found = [
        (path, label)
        for label, name in enumerate(classes)
        for path in sorted((folder / name).iterdir())
        if path.suffix.lower() in ACCEPTED_SUFFIXES
    ]
    if not found:
        raise Refused(f"{folder} holds no photos: one folder per class is expected")
    return Listing(
        paths=[path for path, _ in found],
        labels=[label for _, label in found],
        groups=[path.relative_to(folder).as_posix() for path, _ in found],
        classes=classes,
    )


def load_photos(source: Path, spec: InputSpec) -> PhotoSet:
    """Decode a folder per class, or a catalog, exactly as serving does."""
    return decode_photos(list_photos(source), spec, source.name)


def decode_photos(listing: Listing, spec: InputSpec, name: str) -> PhotoSet:
    """Decode the listed photos; ``name`` stands beside the progress bar."""

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


def batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Yield shuffled batches of indices; drop a last batch smaller than half."""
    order = torch.randperm(count, generator=generator)
    for chunk in order.split(size):
        if len(chunk) * 2 >= size:
            yield chunk
