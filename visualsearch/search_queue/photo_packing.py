"""Pack a photo for a search worker: small, and without metadata."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image

from ..encoders.preprocess import InputSpec, square
from ..photos.crops import Crop
from ..photos.decode import Photo
from ..photos.small_jpeg import SMALL, jpeg


@dataclass(frozen=True, kw_only=True)
class PackedPhoto:
    """A photo as plain values: ``pixels`` of ``size`` (width, height) in RGB, or else a JPEG."""

    size: tuple[int, int]
    pixels: bytes = b""
    jpeg: bytes = b""
    crop: Crop | None
    warnings: tuple[str, ...]


def pack(photo: Photo, spec: InputSpec | None) -> PackedPhoto:
    """Pack a photo for :func:`unpack` in at most :data:`SMALL` bytes.

    ``spec``: the input of the model that will read the photo. If it is small enough, pack raw
    pixels of that size, which is lossless for the model; otherwise, or without ``spec``, a JPEG.
    """
    image = square(photo.image, spec) if spec else photo.image
    fits = image.width * image.height * 3 <= SMALL
    return PackedPhoto(
        size=image.size,
        pixels=image.tobytes() if fits else b"",
        jpeg=b"" if fits else jpeg(photo.image),
        crop=photo.crop,
        warnings=tuple(photo.warnings),
    )


def unpack(packed: PackedPhoto) -> Photo:
    """Return the photo that :func:`pack` packed."""
    if packed.pixels:
        image = Image.frombytes("RGB", packed.size, packed.pixels)
    else:
        image = Image.open(io.BytesIO(packed.jpeg), formats=["JPEG"])
        image.load()
    return Photo(image=image, warnings=packed.warnings, crop=packed.crop)
