"""Find the box of a photo's subject."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ..photos.crops import Crop
from .base import Encoder, Encoding
from .cells import Cells

# Half a side, in standard deviations of the salient positions; 1.73 spans a uniform block exactly.
SPREAD = 1.75
# A box of nearly the whole photo, or of next to nothing, is ignored.
SMALLEST_SIDE, LARGEST_AREA = 0.15, 0.8


def encode_subject(encoder: Encoder, cells: Cells) -> tuple[Encoding, Crop] | None:
    """Encode the subject of a photo whose cells the encoder has computed.

    Returns the encoding and the subject's box, on a person the box of the garment that the classes
    name; None if no subject stands out.
    """
    part = suggest_box(cells.saliency)
    if part is None:
        return None
    return encoder.pool(cells, part), suggest_box(encoder.focus(cells, part)) or part


def suggest_box(saliency: NDArray[np.float32]) -> Crop | None:
    """Return the subject's box as x, y, w, h in fractions of the photo.

    ``saliency`` (h, w), at least 0, is high where the subject is. The box is centred on the centre
    of mass of the squared saliency, and its size follows the spread; unlike with a threshold, it
    changes little when a single value does. None if the box would be nearly the whole photo, or
    next to nothing.
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
    """Return start and length of the interval in which most of the mass lies.

    Both are fractions of the axis. ``mass`` (n,): at n equal steps along the axis; it sums to 1.
    """
    places = (np.arange(len(mass)) + 0.5) / len(mass)
    mean = float(np.dot(mass, places))
    variance = float(np.dot(mass, (places - mean) ** 2))
    half = SPREAD * variance**0.5
    start, end = max(0.0, mean - half), min(1.0, mean + half)
    return round(start, 4), round(end - start, 4)
