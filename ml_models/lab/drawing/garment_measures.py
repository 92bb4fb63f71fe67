"""Measure the trunk and the sleeves of a garment laid flat."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .bodies import SIDES
from .painting import Floats

# Half the width of a trunk, relative to its length.
WIDEST = 0.37


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Measures of a garment laid flat, in pixels of its cut-out.

    ``middle``: column of its centre. ``trunk``: half the trunk's width. ``sleeves``, left and
    right: distance of the sleeve's end from the trunk's edge and from the top; (0, 0) without a
    sleeve.
    """

    middle: float
    trunk: float
    sleeves: list[tuple[float, float]]


def measure_garment(alpha: Floats) -> Measures:
    """Measure a garment by its mask ``alpha`` (h, w), 0 to 1.

    A sleeve extends beyond the trunk in the upper half, or is separated from it by a gap, or runs
    beside it for most of its length.
    """
    mask = alpha > 0.5
    height, width = mask.shape
    columns, rows = np.arange(width), np.arange(height)[:, None]
    middle = float(np.nonzero(mask)[1].mean()) if mask.any() else width / 2
    left, right = runs(mask, int(middle))
    halves = ((right - left) / 2)[int(height * 0.5) : int(height * 0.88)]
    trunk = float(np.percentile(halves[halves > 0], 20)) if (halves > 0).any() else width / 2
    # Ignore sleeves that touch the trunk, which would make it too wide.
    trunk = min(trunk, WIDEST * height)
    loose = (columns < left[:, None]) | (columns >= right[:, None]) | (rows < 0.5 * height)
    sleeves = []
    for side in SIDES:
        far = (columns - middle) * side - trunk
        beyond = mask & (far > 0.06 * trunk)
        attached = beyond.any(1).mean() > 0.6
        found_rows, places = np.nonzero(beyond if attached else beyond & loose)
        out = far[places]
        if len(out) < 0.004 * mask.size or out.max() < 0.12 * trunk:
            sleeves.append((0.0, 0.0))
            continue
        away = out + 0.7 * found_rows
        end = away >= np.percentile(away, 90)
        sleeves.append((float(out[end].mean()), float(found_rows[end].mean())))
    return Measures(middle=middle, trunk=trunk, sleeves=sleeves)


def runs(mask: NDArray[np.bool_], middle: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return first and last column + 1 of each row's run of True around column ``middle``, (h,).

    Both are equal where there is no run.
    """
    width = mask.shape[1]
    gap = ~mask
    before, after = gap[:, middle::-1], gap[:, middle:]
    left = np.where(before.any(1), middle - before.argmax(1) + 1, 0)
    right = np.where(after.any(1), middle + after.argmax(1), width)
    return left, np.maximum(left, right)
