"""Serialise a photo for a search worker: small plain values without metadata."""

from __future__ import annotations

import io
from typing import Any

from PIL import Image

from ..encoders.preprocess import InputSpec, square
from ..photos.decode import Photo
from ..photos.small_jpeg import SMALL, jpeg


def pack(photo: Photo, spec: InputSpec | None) -> dict[str, Any]:
    """Serialise a photo for :func:`unpack` in at most :data:`SMALL` bytes.

    ``spec``: the input of the model that will read the photo. If it is small enough, send raw
    pixels of that size, which is lossless for the model; otherwise, or without ``spec``, a JPEG.
    """
    image = square(photo.image, spec) if spec else photo.image
    values = {"crop": photo.crop, "warnings": photo.warnings}
    if image.width * image.height * 3 <= SMALL:
        return {**values, "shape": image.size, "pixels": image.tobytes()}
    return {**values, "jpeg": jpeg(photo.image)}


def unpack(values: dict[str, Any]) -> Photo:
    """Return the photo that :func:`pack` converted, also after a round trip through msgpack."""
    if "pixels" in values:
        image = Image.frombytes("RGB", tuple(values["shape"]), values["pixels"])
    else:
        image = Image.open(io.BytesIO(values["jpeg"]), formats=["JPEG"])
        image.load()
    crop = tuple(values["crop"]) if values["crop"] else None
    return Photo(image=image, warnings=tuple(values["warnings"]), crop=crop)
