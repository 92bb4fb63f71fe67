"""A photo as it goes to a search worker: plain values, without metadata, and small."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from .encoders.preprocess import InputSpec, square
from .photos import Photo

# Bytes of a picture at most; 224 × 224 pixels, the input of the model that ships, are 150,528.
SMALL = 160_000
QUALITIES = (90, 75, 50)


def pack(photo: Photo, spec: InputSpec | None) -> dict[str, Any]:
    """A photo as values that :func:`unpack` takes, with at most :data:`SMALL` bytes of picture.

    ``spec`` is the input of the model that will read it: brought to that here, nothing of what
    the model sees is lost, and nobody has to compress and decode it. Without one, or for a larger
    input, it becomes a JPEG.
    """
    image = square(photo.image, spec) if spec else photo.image
    values = {"crop": photo.crop, "warnings": photo.warnings}
    if image.width * image.height * 3 <= SMALL:
        return {**values, "shape": image.size, "pixels": image.tobytes()}
    return {**values, "jpeg": jpeg(photo.image)}


def unpack(values: dict[str, Any]) -> Photo:
    """The photo of :func:`pack`, after its way through msgpack or JSON."""
    if "pixels" in values:
        image = Image.frombytes("RGB", tuple(values["shape"]), values["pixels"])
    else:
        image = Image.open(io.BytesIO(values["jpeg"]), formats=["JPEG"])
        image.load()
    crop = tuple(values["crop"]) if values["crop"] else None
    return Photo(image=image, warnings=tuple(values["warnings"]), crop=crop)


def jpeg(image: Image.Image) -> bytes:
    """An RGB image as at most :data:`SMALL` bytes of JPEG."""
    while True:
        for quality in QUALITIES:
            small = io.BytesIO()
            image.save(small, "JPEG", quality=quality)
            if small.tell() <= SMALL:
                return small.getvalue()
        image = image.reduce(2)  # long and thin, and full of noise
