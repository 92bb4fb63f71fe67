"""Decode the bytes that a customer sends to an upright sRGB image, within limits.

The bytes are untrusted. The decoder decides their format, never a file name or a declared type.
The header gives the size, which is checked before any pixel is decoded.
"""

from __future__ import annotations

import io
import logging
import re
from contextlib import nullcontext
from dataclasses import dataclass, field

import numpy as np
from PIL import ExifTags, Image, UnidentifiedImageError

from ..exceptions import (
    ImageBadShape,
    ImageCorrupt,
    ImageEmpty,
    ImageTooLarge,
    ImageTooManyPixels,
    ImageTooSmall,
    InvalidCrop,
    UnsupportedImage,
)
from .avif import clean_aperture, largest_frame
from .colour import Colours, colours_of
from .crops import Crop, as_stored, box_of, check_crop
from .decode_budget import DecodeBudget
from .decode_cost import memory_of, most_megapixels_of_heic
from .file_structure import check_structure, is_single_scan
from .format_limits import FORMATS, FULL_JPEG, TWICE_PNG, USUAL, names
from .png import (
    clear_colour,
    has_transparent_colour,
    scaled_transparency,
    with_transparent_grey,
    without_comments,
)
from .truncated import is_closed_early, truncated

# Version of the rules by which a file becomes an image. Raise it when they change for any file, so
# that embeddings of the catalog that were made by other rules are made again.
RULES = 3

# At level DEBUG, Pillow would log a photo's metadata.
logging.getLogger("PIL").setLevel(logging.INFO)
ACCEPTED_SUFFIXES = {suffix for name in USUAL for suffix in FORMATS[name].suffixes}
# A file with one of these signatures that cannot be opened is damaged, not of another format.
SIGNATURE = re.compile(
    rb"\xff\xd8\xff|\x89PNG\r\n\x1a\n|GIF8|BM|RIFF....WEBP|....ftypavi[fs]", re.DOTALL
)
HEIC_SIGNATURE = re.compile(rb"....ftyp(he[iv][cmsx]|mif1|msf1)", re.DOTALL)
# Pixels to convert at a time.
STRIP = 1_000_000
# The transposition that puts a photo upright, by its EXIF orientation.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


@dataclass(frozen=True, kw_only=True)
class Limits:
    """Limits on a photo.

    ``max_bytes``: of the file; ``max_megapixels``: of the size in its header; ``min_side``: pixels
    of the shorter side; ``max_aspect``: long side over short side. ``working_side``: photos are
    shrunk while decoding, to at least this many pixels on the shorter side (of the crop, if there
    is one): by default those that the shipped model needs. ``formats``: accepted keys of
    :data:`visualsearch.photos.format_limits.FORMATS`; a format may have lower limits.
    """

    max_bytes: int = 12_000_000
    max_megapixels: float = 50.0
    min_side: int = 16
    max_aspect: float = 12.0
    working_side: int = 224
    formats: tuple[str, ...] = USUAL

    @property
    def accepted(self) -> str:
        """Names of the accepted formats as text for customers, separated by commas."""
        return names(self.formats)


@dataclass(frozen=True, kw_only=True)
class Photo:
    """A decoded photo: an upright RGB image, shrunk towards ``Limits.working_side``.

    ``warnings``: codes, such as ``animation_first_frame``. ``crop``: the part of the original photo
    that the image shows, None for all of it.
    """

    image: Image.Image
    warnings: tuple[str, ...] = field(default=())
    crop: Crop | None = None


def open_photo(
    data: bytes,
    *,
    limits: Limits = Limits(),
    crop: Crop | None = None,
    budget: DecodeBudget | None = None,
) -> Photo:
    """Decode the bytes of an image file, or the part ``crop`` of it.

    ``crop``: x, y, w, h in fractions of the upright photo. ``budget``: decode only when the memory
    that it will take is free; raises Overloaded after waiting for it. Raises a PhotoError:
    ImageEmpty, ImageTooLarge, ImageTooManyPixels, ImageBadShape (too long and thin) or
    ImageTooSmall for a photo outside the limits, UnsupportedImage for another format, ImageCorrupt
    for a damaged file, InvalidCrop for a crop outside the photo or with too few pixels.
    """
    if not data:
        raise ImageEmpty
    if len(data) > limits.max_bytes:
        raise ImageTooLarge(limit_mb=limits.max_bytes // 1_000_000)
    check_structure(data)
    data = without_comments(data)
    source = identify(data, limits)
    check_size(source.size, limits)
    check_format(source, data)
    if crop is not None:
        check_crop(crop)
    side = round(limits.working_side / (min(crop[2:]) if crop else 1))
    with budget.admit(memory_of(source, data, side)) if budget else nullcontext():
        source, warnings = load(source, data, side)
        image = upright(source, data, limits, side, crop)
        # Free the pixels of the file before the next photo is admitted.
        del source
    # Drop the file's metadata, which Pillow would copy to images made from this one.
    image.info = {}
    return Photo(image=image, warnings=warnings, crop=crop)


def identify(data: bytes, limits: Limits) -> Image.Image:
    """Open an image file lazily: the header is read, no pixel is decoded.

    Raises UnsupportedImage for another format, ImageCorrupt for a damaged file, ImageTooManyPixels
    for a size beyond Pillow's own limit.
    """
    try:
        return Image.open(io.BytesIO(data), formats=limits.formats)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ImageTooManyPixels(limit=f"{limits.max_megapixels:g}") from error
    except UnidentifiedImageError as error:
        if SIGNATURE.match(data) or ("HEIF" in limits.formats and HEIC_SIGNATURE.match(data)):
            raise ImageCorrupt from error
        raise UnsupportedImage(accepted=limits.accepted) from error
    except Exception as error:
        raise ImageCorrupt from error


def check_size(size: tuple[int, int], limits: Limits) -> None:
    """Check ``size``: width and height in the header.

    Raises ImageTooManyPixels, ImageBadShape if the photo is too long and thin, or ImageTooSmall.
    """
    width, height = size
    if width * height > limits.max_megapixels * 1e6:
        raise ImageTooManyPixels(limit=f"{limits.max_megapixels:g}")
    if max(size) > limits.max_aspect * max(1, min(size)):
        raise ImageBadShape(width=width, height=height)
    if min(size) < limits.min_side:
        raise ImageTooSmall(width=width, height=height, limit=limits.min_side)


def check_format(source: Image.Image, data: bytes) -> None:
    """Check the limits of the photo's format; see :data:`.format_limits.FORMATS`.

    Raises ImageTooManyPixels or ImageTooLarge (bytes) over a limit, ImageCorrupt for an AVIF
    without a readable frame size.
    """
    kind = FORMATS.get(source.format or "", FORMATS["JPEG"])
    most = kind.megapixels
    if source.format == "HEIF":
        most = min(most, most_megapixels_of_heic(source, len(data)))
    elif kind.name == "JPEG" and not is_single_scan(data):
        most = FULL_JPEG
    elif has_transparent_colour(source, data):
        most = TWICE_PNG
    pixels = source.width * source.height
    if kind.name == "AVIF":
        pixels = max(pixels, largest_frame(data))
    if pixels > most * 1e6:
        raise ImageTooManyPixels(limit=f"{most:g}")
    if len(data) > kind.bytes:
        raise ImageTooLarge(limit_mb=round(kind.bytes / 1e6))


def load(source: Image.Image, data: bytes, side: int) -> tuple[Image.Image, tuple[str, ...]]:
    """Decode an opened file, and return the image with warnings as in :class:`Photo`.

    ``side``: pixels to which its shorter side may be shrunk. Raises ImageCorrupt.
    """
    try:
        # libjpeg scales by 1/2, 1/4 or 1/8 while it decodes; that saves most of the time.
        source.draft(None, (side, side))
        source.load()
        if source.format in ("JPEG", "MPO") and is_closed_early(source, data):
            return source, ("image_truncated",)
    except ImageCorrupt:
        raise
    except Exception as error:
        error.__traceback__ = None  # its frames would keep the memory of the pixels
        try:
            return truncated(source, data, side), ("image_truncated",)
        except ImageCorrupt:
            raise ImageCorrupt from error
    warnings = ("animation_first_frame",) if is_animated(source) else ()
    part = clean_aperture(data, source.size) if source.format == "AVIF" else None
    return (cropped(source, part) if part else source), warnings


def cropped(source: Image.Image, part: tuple[int, int, int, int]) -> Image.Image:
    """Return a part of a decoded image, with the format and the information of its file."""
    image = source.crop(part)
    image.format, image.info = source.format, source.info
    return image


def upright(
    source: Image.Image, data: bytes, limits: Limits, side: int, crop: Crop | None
) -> Image.Image:
    """Return a decoded photo, or a part of it, as upright sRGB, shrunk towards ``side``.

    ``data``: the bytes of the file. Raises ImageCorrupt, or InvalidCrop if the part has fewer
    pixels than ``min_side``.
    """
    # After load(), because a PNG may have its EXIF at the end of the file.
    turn = orientation(source)
    box = box_of(source.size, as_stored(crop, turn) if crop else (0.0, 0.0, 1.0, 1.0))
    if crop and min(box[2] - box[0], box[3] - box[1]) < limits.min_side:
        raise InvalidCrop
    try:
        if has_transparent_colour(source, data):
            clear_colour(source, data)
        elif source.format == "PNG" and "transparency" in source.info:
            transparency = source.info["transparency"]
            source.info["transparency"] = scaled_transparency(data, source.mode, transparency)
        image = shrunk(source, box, min(source.size) // side, colours_of(source, data))
    except Exception as error:
        raise ImageCorrupt from error
    return image.transpose(TURNS[turn]) if turn in TURNS else image


def shrunk(
    image: Image.Image, box: tuple[int, int, int, int], factor: int, colours: Colours | None
) -> Image.Image:
    """Return a part of a decoded image as sRGB, ``factor`` times smaller.

    ``box``: left, top, right, bottom in pixels. Works in strips to limit memory: a photo of 50
    megapixels takes 200 MB, and there must not be a second copy.
    """
    left, top, right, bottom = box
    factor = max(1, factor)
    small = Image.new("RGB", (-(-(right - left) // factor), -(-(bottom - top) // factor)))
    rows = factor * max(1, STRIP // ((right - left) * factor))
    for row in range(top, bottom, rows):
        strip = image.crop((left, row, right, min(bottom, row + rows)))
        small.paste(reduced(strip, factor, colours), (0, (row - top) // factor))
    return small


def reduced(image: Image.Image, factor: int, colours: Colours | None) -> Image.Image:
    """Return an image of any mode as sRGB, ``factor`` times smaller.

    Averaging costs less than converting, so averaging comes first if the mode's values allow it.
    """
    if factor == 1:
        return to_rgb(image, colours)
    if has_alpha(image):
        image = as_rgba(image)  # reduce() weights colours by alpha
    elif image.mode not in ("L", "RGB", "CMYK"):
        image = to_8_bits(image)
    return to_rgb(image.reduce(factor), colours)


def to_rgb(image: Image.Image, colours: Colours | None = None) -> Image.Image:
    """Convert an image of any mode to sRGB; transparent pixels are put on white.

    ``colours``: the conversion of its colours, None if they are sRGB already.
    """
    if has_alpha(image):
        layer = as_rgba(image)
        if colours is not None:
            alpha = layer.getchannel("A")
            layer = convert(layer.convert("RGB"), colours).convert("RGBA")
            layer.putalpha(alpha)
        white = Image.new("RGBA", layer.size, (255, 255, 255, 255))
        return Image.alpha_composite(white, layer).convert("RGB")
    return convert(to_8_bits(image), colours)


def convert(image: Image.Image, colours: Colours | None) -> Image.Image:
    """Convert an image of the mode L, RGB or CMYK to sRGB."""
    if colours is not None:
        image = colours.to_srgb(image.convert(colours.mode))
    return image.convert("RGB")


def to_8_bits(image: Image.Image) -> Image.Image:
    """Return an image without transparency in the mode L, RGB or CMYK.

    Values of 16 and 32 bits are rescaled.
    """
    if image.mode.startswith("I") or image.mode == "F":
        values = np.asarray(image, dtype=np.float32)
        top = 1.0 if image.mode == "F" else 65535.0
        return Image.fromarray((values / top * 255).clip(0, 255).astype(np.uint8))
    if image.mode in ("L", "RGB", "CMYK"):
        return image
    return image.convert("L" if image.mode == "1" else "RGB")


def as_rgba(image: Image.Image) -> Image.Image:
    """Return an image with transparency as RGBA."""
    transparency = image.info.get("transparency")
    if image.mode.startswith("I") and isinstance(transparency, int):
        return with_transparent_grey(image, transparency)
    return image.convert("RGBA")


def has_alpha(image: Image.Image) -> bool:
    """Return whether parts of an image may be transparent."""
    return image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info


def is_animated(source: Image.Image) -> bool:
    """Return whether the file has more frames than one; MPO and HEIC of phones count as stills."""
    try:
        return source.format not in ("MPO", "HEIF") and getattr(source, "is_animated", False)
    except Exception:  # a damaged second frame is no reason to refuse the first
        return True


def orientation(image: Image.Image) -> int:
    """Return the EXIF orientation, 1 to 8; 1 if missing or invalid."""
    try:
        value = image.getexif().get(ExifTags.Base.Orientation, 1)
    except Exception:  # damaged EXIF is no reason to refuse the photo
        return 1
    return value if value in TURNS else 1
