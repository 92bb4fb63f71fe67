"""Name the colour of what a customer's photo shows, by the stored colours of its cells."""

from __future__ import annotations

import numpy as np

from ..encoders.base import Encoder
from ..encoders.cells import Cells
from ..photos.colour_names import WORDS, names_of
from ..photos.crops import Crop

WHOLE: Crop = (0.0, 0.0, 1.0, 1.0)
# Least share of the subject that has the colour; with less, a photo has no colour of its own.
ENOUGH = 0.4


def photo_colour(encoder: Encoder, cells: Cells | None, subject: Crop | None) -> str:
    """Return the most frequent colour of a photo's subject, a key of :data:`colour_names.WORDS`.

    ``subject``: its box as x, y, w, h in fractions of the photo, None for the whole photo. Returns
    "" for a photo of many colours, or if the encoder computes no cells.
    """
    if cells is None:
        return ""
    weights = np.square(encoder.focus(cells, subject or WHOLE)).ravel()
    names = names_of(cells.colours.reshape(-1, 3).astype(np.float32))
    counts = np.bincount(names, np.repeat(weights, cells.colours.shape[2]), len(WORDS))
    best = int(counts.argmax())
    return list(WORDS)[best] if counts[best] > ENOUGH * counts.sum() else ""
