"""Where in a photo is what it is of?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from .photos import Crop

# Half a side, in standard deviations of the salient positions: 1.73 spans a uniform block exactly.
SPREAD = 1.75
# A box that is nearly the whole photo, or next to nothing, says nothing.
SMALLEST_SIDE, LARGEST_AREA = 0.15, 0.8


def suggest_box(saliency: NDArray[np.float32]) -> Crop | None:
    """The subject's box: x, y, w, h in fractions of the photo; None where cropping is no use.

    ``saliency`` (h, w), at least 0, is high where the subject is. The box lies around its centre
    of mass and is as wide and high as the squared saliency spreads: unlike a threshold, that moves
    little when a single position changes.
    """
    mass = np.square(saliency.astype(float))
    if not mass.sum() > 0:
        return None
    mass /= mass.sum()
    x, w = span(mass.sum(0))
    y, h = span(mass.sum(1))
    if min(w, h) < SMALLEST_SIDE or w * h > LARGEST_AREA:
        return None
    return x, y, w, h


def span(mass: NDArray[np.float64]) -> tuple[float, float]:
    """Start and length, in fractions, of what a mass (n,) along an axis occupies; it sums to 1."""
    places = (np.arange(len(mass)) + 0.5) / len(mass)
    mean = float(np.dot(mass, places))
    variance = float(np.dot(mass, (places - mean) ** 2))
    half = SPREAD * variance**0.5
    start, end = max(0.0, mean - half), min(1.0, mean + half)
    return round(start, 4), round(end - start, 4)
