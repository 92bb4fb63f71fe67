"""Measure size, contrast and colour of a picture while it is indexed, for the catalog check."""

from __future__ import annotations

import io
from contextlib import suppress
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .colour_names import SIDE, name_colour


def traits_of(data: bytes, image: Image.Image) -> dict[str, Any]:
    """Return the traits of a picture: ``data`` is its file, ``image`` the decoded RGB image.

    ``side``: pixels of the file's shorter side. ``contrast``: standard deviation of the brightness,
    0…127. ``colour``: a name of :mod:`visualsearch.photos.colour_names`, and ``share``, 0…1, of the
    subject that has it.
    """
    side = min(image.size)
    with suppress(OSError), Image.open(io.BytesIO(data)) as file:  # else a format of a plugin
        side = min(file.size)
    small = image.resize((SIDE, SIDE), Image.Resampling.BOX)
    colour, share = name_colour(small)
    contrast = float(np.asarray(small.convert("L"), np.float32).std())
    return {
        "side": side,
        "contrast": round(contrast, 1),
        "colour": colour,
        "share": round(share, 3),
    }


def class_traits(labels: list[str], probabilities: NDArray[np.float32]) -> dict[str, Any]:
    """Return the most probable class of a picture as ``label``, and its ``probability``."""
    best = int(probabilities.argmax())
    return {"label": labels[best], "probability": round(float(probabilities[best]), 4)}
