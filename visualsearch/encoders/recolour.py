"""Replace the colour in an embedding."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from .base import Encoder

Float32 = NDArray[np.float32]

# Name of the part of an embedding that holds colour.
COLOUR = "colour"
# Side of the picture of a colour, and the lightness of its lit and shaded sides.
SIDE = 224
SHADES = (1.15, 0.8)


def recolour(encoder: Encoder, embedding: Float32, colour: tuple[int, int, int]) -> Float32:
    """Return an embedding (dim,) float32 whose colour part is that of a thing in one colour.

    ``colour``: red, green and blue, 0…255. Returns the embedding itself if the encoder has no part
    for colour. Raises ModelUnavailable if the model cannot be loaded.
    """
    place = colour_place(encoder)
    if place is None:
        return embedding
    found = embedding.copy()
    found[place] = plain_colour(encoder, colour)[place]
    return found


def colour_place(encoder: Encoder) -> slice | None:
    """Return the dimensions of an embedding that hold colour, None if the encoder has none."""
    start = 0
    for part in encoder.parts:
        if part.name == COLOUR:
            return slice(start, start + part.size)
        start += part.size
    return None


@lru_cache(maxsize=128)
def plain_colour(encoder: Encoder, colour: tuple[int, int, int]) -> Float32:
    """Return the embedding (dim,) of a plain thing in one colour on white."""
    thing = np.linspace(*SHADES, SIDE // 2)[None, :, None] * np.array(colour, float)
    picture = np.full((SIDE, SIDE, 3), 255, np.uint8)
    inside = slice(SIDE // 4, SIDE // 4 + SIDE // 2)
    picture[inside, inside] = np.broadcast_to(thing.clip(0, 255), (SIDE // 2, SIDE // 2, 3))
    embedding: Float32 = encoder.encode([Image.fromarray(picture)]).embeddings[0]
    embedding.flags.writeable = False
    return embedding
