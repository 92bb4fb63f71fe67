"""Encode a small JPEG, for queues and kept photos."""

from __future__ import annotations

import io

from PIL import Image

# Most bytes of an image; 224 × 224 pixels, the input of the shipped model, are 150,528.
SMALL = 160_000
QUALITIES = (90, 75, 50)


def jpeg(image: Image.Image) -> bytes:
    """Encode an RGB image as JPEG of at most :data:`SMALL` bytes."""
    while True:
        for quality in QUALITIES:
            small = io.BytesIO()
            image.save(small, "JPEG", quality=quality)
            if small.tell() <= SMALL:
                return small.getvalue()
        image = image.reduce(2)  # only needed for long, thin, noisy images
