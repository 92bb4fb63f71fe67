"""Crops and subject boxes: boxes as x, y, w, h in fractions of an upright photo."""

from __future__ import annotations

from typing import cast

from ..exceptions import InvalidCrop

Crop = tuple[float, float, float, float]
EDGE = 0.005


def as_stored(crop: Crop, turn: int) -> Crop:
    """Convert a crop of the upright photo to one of the pixels as stored in the file.

    ``turn``: EXIF orientation of the file, 1 to 8.
    """
    x, y, w, h = crop
    if turn in (2, 3, 7, 6):
        x = 1 - x - w
    if turn in (3, 4, 7, 8):
        y = 1 - y - h
    return (y, x, h, w) if turn >= 5 else (x, y, w, h)


def box_of(size: tuple[int, int], part: Crop) -> tuple[int, int, int, int]:
    """Convert a crop from fractions to pixels: left, top, right, bottom.

    ``size``: width and height of the image. ``part``: x, y, w, h of the crop.
    """
    (width, height), (x, y, w, h) = size, part
    left, top = max(0, round(x * width)), max(0, round(y * height))
    return left, top, min(width, round((x + w) * width)), min(height, round((y + h) * height))


def check_crop(crop: Crop) -> None:
    """Raise InvalidCrop if the crop is outside the photo, smaller than 1 %, or NaN."""
    x, y, w, h = crop
    inside = 0 <= x < 1 and 0 <= y < 1 and 0 < w <= 1 and 0 < h <= 1
    # Tolerate rounding errors of clients that add fractions.
    if not (inside and x + w <= 1 + 1e-6 and y + h <= 1 + 1e-6) or min(w, h) < 0.01:
        raise InvalidCrop


def part_of(whole: Crop | None, part: Crop) -> Crop:
    """Convert ``part`` from fractions of ``whole`` to fractions of the original photo."""
    if whole is None:
        return part
    (left, top, width, height), (x, y, w, h) = whole, part
    found = (left + x * width, top + y * height, w * width, h * height)
    return cast(Crop, tuple(round(each, 4) for each in found))


def relative_to(whole: Crop | None, crop: Crop) -> Crop | None:
    """Convert ``crop`` from fractions of the original photo to fractions of ``whole``.

    None if the crop exceeds ``whole``. Raises InvalidCrop if it exceeds the photo or is too small.
    """
    check_crop(crop)
    if whole is None:
        return crop
    (left, top, width, height), (x, y, w, h) = whole, crop
    x, y, w, h = (x - left) / width, (y - top) / height, w / width, h / height
    # Rounded fractions may stick out by a pixel.
    if min(x, y) < -EDGE or max(x + w, y + h) > 1 + EDGE:
        return None
    x, y = max(0.0, x), max(0.0, y)
    return x, y, min(w, 1 - x), min(h, 1 - y)
