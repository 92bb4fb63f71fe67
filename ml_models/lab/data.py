"""Photos for training: a folder per class, decoded once."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from visualsearch.encoders.preprocess import InputSpec, prepare
from visualsearch.photos import ACCEPTED_SUFFIXES, open_photo


@dataclass(frozen=True, kw_only=True)
class PhotoSet:
    """Decoded photos: ``pixels`` (N, 3, s, s) uint8, ``labels`` (N,) int64, class names."""

    pixels: Tensor
    labels: Tensor
    classes: list[str]


def list_photos(folder: Path) -> tuple[list[Path], list[int], list[str]]:
    """Paths, labels and class names of a folder per class, sorted; ValueError if there are none."""
    classes = sorted(entry.name for entry in folder.iterdir() if entry.is_dir())
    found = [
        (path, label)
        for label, name in enumerate(classes)
        for path in sorted((folder / name).iterdir())
        if path.suffix.lower() in ACCEPTED_SUFFIXES
    ]
    if not found:
        raise ValueError(f"{folder} holds no photos: one folder per class is expected")
    return [path for path, _ in found], [label for _, label in found], classes


def load_photos(folder: Path, spec: InputSpec) -> PhotoSet:
    """Decode a folder per class exactly as serving does."""
    paths, labels, classes = list_photos(folder)

    def decode(path: Path) -> np.ndarray:
        return prepare(open_photo(path.read_bytes()).image, spec)

    with ThreadPoolExecutor() as pool:
        pixels = list(tqdm(pool.map(decode, paths), total=len(paths), desc=f"decode {folder.name}"))
    stacked = torch.from_numpy(np.stack(pixels)).permute(0, 3, 1, 2).contiguous()
    return PhotoSet(pixels=stacked, labels=torch.tensor(labels), classes=classes)


def batches(count: int, size: int, generator: torch.Generator) -> Iterator[Tensor]:
    """Shuffled index batches; a last one that is smaller than half is left out."""
    order = torch.randperm(count, generator=generator)
    for chunk in order.split(size):
        if len(chunk) * 2 >= size:
            yield chunk
