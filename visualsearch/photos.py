"""From the bytes a customer sends to an upright RGB image, within limits.

The bytes are untrusted. What they are is decided by the decoder, never by a name or a declared
type; how large they are is decided from the header, before any pixel is decoded.
"""

from __future__ import annotations

import io
import logging
from dataclasses import dataclass, field
from typing import cast

import numpy as np
from PIL import Image, ImageOps, UnidentifiedImageError, features

from .exceptions import (
    ImageBadShape,
    ImageCorrupt,
    ImageEmpty,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageTooSmall,
    InvalidCrop,
    UnsupportedImage,
)

# At level DEBUG Pillow writes what a photo's metadata say into the log.
logging.getLogger("PIL").setLevel(logging.INFO)

# Pillow loads most decoders at the first file that needs them, but not those named in `formats`.
Image.init()

# A phone's JPEG with several pictures inside is opened as JPEG too, though Pillow calls it MPO.
FORMATS = ["JPEG", "PNG", "WEBP", "GIF", "BMP"] + (["AVIF"] if features.check("avif") else [])
ACCEPTED = ", ".join(FORMATS)
ACCEPTED_SUFFIXES = {".jpg", ".jpeg", ".png", ".webp", ".gif", ".bmp", ".avif"}

# A file that starts like a picture but cannot be opened is damaged, not of another kind.
SIGNATURES = (b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF8", b"BM", b"RIFF")

Crop = tuple[float, float, float, float]
EDGE = 0.005


@dataclass(frozen=True, kw_only=True)
class Limits:
    """What is read at most, and what is needed at least.

    ``max_bytes`` of the file; ``max_megapixels`` from its header; ``min_side`` pixels;
    ``max_aspect`` long side over short side. ``working_side``: the shorter side is shrunk while
    decoding to no less than this many pixels, since models read less, even of a crop. At 360 a
    phone's 12 megapixels are still decoded at an eighth of their size.
    """

    max_bytes: int = 12_000_000
    max_megapixels: float = 50.0
    min_side: int = 16
    max_aspect: float = 12.0
    working_side: int = 360


@dataclass(frozen=True, kw_only=True)
class Photo:
    """An upright RGB image, shrunk towards ``Limits.working_side``, and what was odd about it.

    ``crop``: the part of what was sent that it is, if it is not all of it.
    """

    image: Image.Image
    warnings: tuple[str, ...] = field(default=())
    crop: Crop | None = None


def open_photo(data: bytes, *, limits: Limits = Limits(), crop: Crop | None = None) -> Photo:
    """Decode a photo of any accepted format; ``crop`` is x, y, w, h in fractions of it upright.

    Raises ImageEmpty, ImageTooLarge, UnsupportedImage, ImageTooManyPixels, ImageBadShape,
    ImageTooSmall, ImageCorrupt or InvalidCrop.
    """
    if not data:
        raise ImageEmpty
    if len(data) > limits.max_bytes:
        raise ImageTooLarge(limit_mb=limits.max_bytes // 1_000_000)
    source = identify(data, limits)
    check_size(source.size, limits)
    share = 1.0
    if crop is not None:
        check_crop(crop)
        share = min(crop[2], crop[3])
    image = upright(decode(source, round(limits.working_side / share)))
    if crop is not None:
        image = cut(image, crop, limits)
    # A picture that is made of this one would have the comment of the file again.
    image.info = {}
    animated = source.format != "MPO" and getattr(source, "is_animated", False)
    warnings = ("animation_first_frame",) if animated else ()
    return Photo(image=image, warnings=warnings, crop=crop)


def identify(data: bytes, limits: Limits) -> Image.Image:
    """Open lazily: the header is read, no pixel is decoded."""
    try:
        return Image.open(io.BytesIO(data), formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooManyPixels(limit=f"{limits.max_megapixels:g}") from error
    except UnidentifiedImageError as error:
        if data.startswith(SIGNATURES):
            raise ImageCorrupt from error
        raise UnsupportedImage(accepted=ACCEPTED) from error
    except Exception as error:
        raise ImageCorrupt from error


def check_size(size: tuple[int, int], limits: Limits) -> None:
    """Refuse what is too large, too thin or too small, judged from the header alone."""
    width, height = size
    if width * height > limits.max_megapixels * 1e6:
        raise ImageTooManyPixels(limit=f"{limits.max_megapixels:g}")
    if max(size) > limits.max_aspect * max(1, min(size)):
        raise ImageBadShape(width=width, height=height)
    if min(size) < limits.min_side:
        raise ImageTooSmall(width=width, height=height, limit=limits.min_side)


def decode(source: Image.Image, side: int) -> Image.Image:
    """Decode to RGB, shrunk so that the shorter side stays at ``side`` pixels or more."""
    try:
        # libjpeg scales by 1/2, 1/4 or 1/8 while it decodes: most of a phone photo's cost.
        source.draft(None, (side, side))
        source.load()
        image = to_rgb(source)
        factor = min(image.size) // side
        return image.reduce(factor) if factor > 1 else image
    except Exception as error:
        raise ImageCorrupt from error


def to_rgb(image: Image.Image) -> Image.Image:
    """Any mode to RGB without losing what the eye sees: 16 bit is rescaled, alpha lies on white."""
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float32)
        top = 1.0 if image.mode == "F" else 65535.0
        return Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8)).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        layer = image.convert("RGBA")
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return image.convert("RGB")


def upright(image: Image.Image) -> Image.Image:
    """Turn as the camera says; damaged EXIF must not lose a photo that decodes."""
    try:
        return ImageOps.exif_transpose(image)
    except Exception:
        return image


def check_crop(crop: Crop) -> None:
    """Refuse a crop that is not a part of the photo (NaN included)."""
    x, y, w, h = crop
    inside = 0 <= x < 1 and 0 <= y < 1 and 0 < w <= 1 and 0 < h <= 1
    # A client that computes 0.3 + 0.7 must not be refused for the last bit.
    if not (inside and x + w <= 1 + 1e-6 and y + h <= 1 + 1e-6) or min(w, h) < 0.01:
        raise InvalidCrop


def cut(image: Image.Image, crop: Crop, limits: Limits) -> Image.Image:
    """The part of an upright image that ``crop`` names, in fractions of its sides."""
    x, y, w, h = crop
    width, height = image.size
    box = (
        round(x * width),
        round(y * height),
        min(width, round((x + w) * width)),
        min(height, round((y + h) * height)),
    )
    if min(box[2] - box[0], box[3] - box[1]) < limits.min_side:
        raise InvalidCrop
    return image.crop(box)


def part_of(whole: Crop | None, part: Crop) -> Crop:
    """A part of a part, in fractions of what the first was cut from."""
    if whole is None:
        return part
    (left, top, width, height), (x, y, w, h) = whole, part
    found = (left + x * width, top + y * height, w * width, h * height)
    return cast(Crop, tuple(round(each, 4) for each in found))


def within(whole: Crop | None, crop: Crop) -> Crop | None:
    """The inverse: a crop as a part of ``whole``; None if it does not lie in there."""
    check_crop(crop)
    if whole is None:
        return crop
    (left, top, width, height), (x, y, w, h) = whole, crop
    x, y, w, h = (x - left) / width, (y - top) / height, w / width, h / height
    # Fractions that were rounded on their way may stand out by a pixel.
    if min(x, y) < -EDGE or max(x + w, y + h) > 1 + EDGE:
        return None
    x, y = max(0.0, x), max(0.0, y)
    return x, y, min(w, 1 - x), min(h, 1 - y)
