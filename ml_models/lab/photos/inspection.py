"""Inspect photos before training: damaged files, duplicates, class balance, sizes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from visualsearch.exceptions import PhotoError
from visualsearch.photos.decode import ACCEPTED_SUFFIXES, Limits, identify, open_photo

from .duplicates import SIDE, same_pictures, thumbnail

# The same value as in :mod:`.pixels`, which cannot be imported without PyTorch.
SERVED_SIDE = 224


@dataclass(frozen=True, kw_only=True)
class PhotoFile:
    """A photo on disk, with its split (such as “train”) and class."""

    split: str
    label: str
    path: Path

    @property
    def name(self) -> str:
        """“split/class/file name”, as reports show it."""
        return f"{self.split}/{self.label}/{self.path.name}"


@dataclass(frozen=True, kw_only=True)
class Sample(PhotoFile):
    """A decoded photo: upright size in pixels and hash of the file.

    ``grey`` (32, 32): grey levels, 0 to 255, of the photo squashed to a square.
    """

    width: int
    height: int
    sha256: str
    grey: NDArray[np.float32]


@dataclass(frozen=True, kw_only=True)
class Unreadable(PhotoFile):
    """A photo that cannot be decoded: error code and reason."""

    code: str
    reason: str


def list_files(split: str, folder: Path) -> list[PhotoFile]:
    """List the photos of ``folder``, which holds a subfolder per class, sorted by path.

    ``split``: name to store with each, such as “train”.
    """
    return [
        PhotoFile(split=split, label=path.parent.name, path=path)
        for path in sorted(folder.glob("*/*"))
        if path.suffix.lower() in ACCEPTED_SUFFIXES
    ]


def read(source: PhotoFile) -> Sample | Unreadable:
    """Decode a photo as training and serving do; return Unreadable if that fails."""
    place = vars(source)
    try:
        data = source.path.read_bytes()
        image = open_photo(data).image
        width, height = identify(data, Limits()).size
    except PhotoError as error:
        return Unreadable(**place, code=error.code, reason=str(error))
    except OSError as error:
        return Unreadable(**place, code="file_error", reason=error.strerror or str(error))
    # The header has the size before the EXIF rotation.
    if (width > height) != (image.width > image.height):
        width, height = height, width
    return Sample(
        **place,
        width=width,
        height=height,
        sha256=hashlib.sha256(data).hexdigest(),
        grey=thumbnail(image),
    )


def spread(values: Iterable[float]) -> dict[str, float]:
    """Return ``min``, ``median`` and ``max`` of the values, rounded to 3 decimals."""
    numbers = np.fromiter(values, float)
    least, median, greatest = np.percentile(numbers, [0, 50, 100]).round(3).tolist()
    return {"min": least, "median": median, "max": greatest}


def sizes(samples: list[Sample]) -> dict[str, Any]:
    """Summarise widths, heights, shorter sides (pixels) and aspect ratios of photos.

    ``share_below_224``: share of photos whose shorter side is below the model's 224 pixels. Empty
    without photos.
    """
    if not samples:
        return {}
    short = np.array([min(sample.width, sample.height) for sample in samples])
    return {
        "width": spread(sample.width for sample in samples),
        "height": spread(sample.height for sample in samples),
        "short_side": spread(short),
        "aspect": spread(sample.width / sample.height for sample in samples),
        "share_below_224": round(float((short < SERVED_SIDE).mean()), 4),
    }


def balance(samples: list[Sample], labels: list[str]) -> dict[str, Any]:
    """Count the photos of each class, with its share of all.

    ``largest_to_smallest``: ratio of the largest class to the smallest; None if a class is empty.
    """
    counts = {label: sum(sample.label == label for sample in samples) for label in labels}
    least = min(counts.values())
    return {
        "photos": len(samples),
        "classes": {
            label: {"photos": count, "share": round(count / max(1, len(samples)), 4)}
            for label, count in counts.items()
        },
        "largest_to_smallest": round(max(counts.values()) / least, 2) if least else None,
    }


def duplicate_groups(samples: list[Sample]) -> list[dict[str, Any]]:
    """Return groups of photos that show the same picture, as dicts for the report.

    Groups across splits or classes come first. ``kind`` is ``exact`` (identical files) or ``near``.
    """
    grey = np.array([sample.grey for sample in samples], np.float32).reshape(-1, SIDE, SIDE)
    groups = []
    for members, similarity in same_pictures([sample.sha256 for sample in samples], grey):
        photos = [samples[k] for k in members]
        groups.append(
            {
                "kind": "exact" if len({photo.sha256 for photo in photos}) == 1 else "near",
                "across_splits": len({photo.split for photo in photos}) > 1,
                "across_classes": len({photo.label for photo in photos}) > 1,
                "similarity": round(similarity, 3),
                "photos": [photo.name for photo in photos],
            }
        )
    return sorted(groups, key=lambda group: -group["across_splits"] - group["across_classes"])


def make_report(samples: list[Sample], unreadable: list[Unreadable]) -> dict[str, Any]:
    """Return the report: counts and sizes per split, damaged photos, duplicates.

    ``ok`` is False if a photo is damaged, or if duplicates lie in different splits or classes.
    """
    everything: list[PhotoFile] = [*samples, *unreadable]
    labels = sorted({source.label for source in everything})
    groups = duplicate_groups(samples)
    splits = {}
    for split in dict.fromkeys(source.split for source in everything):
        own = [sample for sample in samples if sample.split == split]
        splits[split] = balance(own, labels) | {"sizes": sizes(own)}
    harmful = any(group["across_splits"] or group["across_classes"] for group in groups)
    return {
        "ok": not unreadable and not harmful,
        "splits": splits,
        "unreadable": [
            {"photo": photo.name, "code": photo.code, "reason": photo.reason}
            for photo in unreadable
        ],
        "duplicates": groups,
    }
