"""Measure whether probabilities are reliable: of photos at 0.8, eight in ten should be right."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

BINS = 15


def reliability(
    probabilities: NDArray[np.float32], true: NDArray[np.int64], bins: int = BINS
) -> list[dict[str, Any]]:
    """Bin photos by their highest probability, in ``bins`` bins (low, high] of equal width.

    ``probabilities`` (N, classes), ``true`` (N,) class indices. Each bin has its number of photos,
    ``confidence``, their mean highest probability, and ``accuracy``, the share that is right; both
    None without photos.
    """
    top, right = probabilities.max(1), probabilities.argmax(1) == true
    # A float32 of 0.8 must fall into the same bin as the decimal 0.8.
    numbers = (np.ceil(np.round(top.astype(float) * bins, 5)).astype(int) - 1).clip(0, bins - 1)
    rows = []
    for number in range(bins):
        inside = numbers == number
        photos = int(inside.sum())
        rows.append(
            {
                "low": round(number / bins, 4),
                "high": round((number + 1) / bins, 4),
                "photos": photos,
                "confidence": float(top[inside].mean(dtype=float)) if photos else None,
                "accuracy": float(right[inside].mean()) if photos else None,
            }
        )
    return rows


def calibration_error(rows: list[dict[str, Any]]) -> float | None:
    """Return the expected calibration error, 0…1 (Guo et al., 2017); None without photos.

    ``rows``: bins with ``photos``, ``confidence`` and ``accuracy``, from :func:`reliability`.
    """
    photos = sum(row["photos"] for row in rows)
    if not photos:
        return None
    gaps = (
        row["photos"] * abs(row["confidence"] - row["accuracy"]) for row in rows if row["photos"]
    )
    return round(sum(gaps) / photos, 4)
