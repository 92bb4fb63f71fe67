"""Convert the colours of an image to sRGB, from the space that its file names.

A file names it by an ICC profile, by codes of ITU-T H.273, or by the numbers of a PNG. Without any,
colours count as sRGB. LittleCMS converts, as in browsers and image editors.
"""

from __future__ import annotations

import io
import logging
from functools import cached_property, lru_cache
from itertools import chain, product
from typing import Any

import numpy as np
from PIL import Image, ImageCms

from . import avif
from .file_structure import png_chunks
from .icc_profiles import BT709, Primaries, profile_of_codes, profile_of_gamma

logger = logging.getLogger(__name__)

# Largest profile to use: those of printing presses have up to 3 MB.
MAX_PROFILE = 4_000_000
# Encoded with about this exponent, a PNG without other numbers counts as sRGB.
USUAL_GAMMA = (0.44, 0.47)
SRGB = ImageCms.createProfile("sRGB")
# Pixels from which RGB is converted by a table, which then costs less than it saves.
LARGE = 100_000
# Modes of images by the colour space in a profile's header.
MODES = {b"RGB ": "RGB", b"GRAY": "L", b"CMYK": "CMYK"}


class Colours:
    """The conversion of one file's colours; ``mode``: of the images that it converts."""

    def __init__(self, transform: ImageCms.ImageCmsTransform, mode: str):
        self.transform, self.mode = transform, mode

    def to_srgb(self, image: Image.Image) -> Image.Image:
        """Convert an image of the mode :attr:`mode` to RGB.

        Large images in RGB are converted to within about half a level, at a quarter of the time.
        """
        if self.mode == "RGB" and image.width * image.height >= LARGE:
            return self.by_table(image)
        return self.exactly(image)

    def by_table(self, image: Image.Image) -> Image.Image:
        """Convert an RGB image by adding what the upper six bits of its channels tell."""
        pixels = np.frombuffer(image.tobytes("raw", "RGBX"), dtype="<u4")
        place = (pixels & 0xFC) << 10 | (pixels & 0xFC00) >> 4 | (pixels & 0xFC0000) >> 18
        changed = pixels.view(np.uint8) + self.table.take(place).view(np.uint8)
        return Image.frombytes("RGB", image.size, changed.tobytes(), "raw", "RGBX")

    @cached_property
    def table(self) -> np.ndarray:
        """What to add, modulo 256, by the upper six bits of red, green and blue.

        uint32 of shape (262144,). A level differs from the middle of its step by -2…1, so the
        middle becomes 2…254, and no sum exceeds 0…255.
        """
        levels = np.arange(64, dtype=np.uint8) * 4 + 2
        cube = np.stack(np.meshgrid(levels, levels, levels, indexing="ij"), axis=-1)
        steps = Image.fromarray(cube.reshape(512, 512, 3))
        changed = np.asarray(self.exactly(steps)).clip(2, 254) - np.asarray(steps)
        return np.dstack([changed, np.zeros_like(changed[..., :1])]).view("<u4").ravel()

    def exactly(self, image: Image.Image) -> Image.Image:
        """Convert an image of the mode :attr:`mode` to RGB, each pixel by LittleCMS."""
        converted = ImageCms.applyTransform(image, self.transform)
        assert converted is not None
        return converted


def colours_of(source: Image.Image, data: bytes) -> Colours | None:
    """Return the conversion for an opened file, None if it is sRGB or names no usable space.

    ``data``: the bytes of the file.
    """
    profile = profile_of(source, data)
    if profile is None or len(profile) > MAX_PROFILE:
        return None
    colours = conversion(profile)
    if colours is None:
        return None
    family = "CMYK" if source.mode == "CMYK" else "RGB"
    # A grey image may have a profile of colours, but not the other way round.
    fits = colours.mode == family or (colours.mode == "L" and is_grey(source, data))
    return colours if fits else None


def is_grey(image: Image.Image, data: bytes) -> bool:
    """Return whether an image has a single channel of grey, besides transparency.

    Pillow decodes a PNG with 16 bits of grey and transparency as RGBA.
    """
    if image.format == "PNG" and data[25] in (0, 4):
        return True
    return image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I")


def profile_of(source: Image.Image, data: bytes) -> bytes | None:
    """Return the ICC profile that a file contains or describes, None for sRGB or without one."""
    if source.format == "PNG":
        return profile_of_png(source.info, data)
    embedded: bytes | None = source.info.get("icc_profile")
    if embedded:
        return embedded
    if source.format == "AVIF":
        codes = avif.colour_codes(data)
        return profile_of_codes(*codes) if codes else None
    if source.format == "HEIF" and (nclx := source.info.get("nclx_profile")):
        return profile_of_codes(nclx["color_primaries"], nclx["transfer_characteristics"])
    return None


def profile_of_png(info: dict[Any, Any], data: bytes) -> bytes | None:
    """Return the profile of a PNG; the chunk cICP comes before iCCP, sRGB, and gAMA with cHRM."""
    for kind, start, end in png_chunks(data):
        if kind == b"cICP" and end - start == 4 and 2 not in data[start : start + 2]:
            return profile_of_codes(data[start], data[start + 1], full_range=data[start + 3] != 0)
        if kind == b"IDAT":
            break
    if info.get("icc_profile"):
        return bytes(info["icc_profile"])
    gamma = info.get("gamma")
    if gamma is None or "srgb" in info:
        return None
    numbers = info.get("chromaticity")
    if numbers is None:
        usual = USUAL_GAMMA[0] < gamma < USUAL_GAMMA[1]
        return None if usual else profile_of_gamma(gamma)
    white, red, green, blue = [tuple(numbers[k : k + 2]) for k in (0, 2, 4, 6)]
    primaries: Primaries = (red, green, blue, white)
    same = all(
        abs(one - other) < 0.002
        for ours, theirs in zip(primaries, BT709, strict=True)
        for one, other in zip(ours, theirs, strict=True)
    )
    if same and USUAL_GAMMA[0] < gamma < USUAL_GAMMA[1]:
        return None
    return profile_of_gamma(gamma, primaries)


@lru_cache(maxsize=32)
def conversion(profile: bytes) -> Colours | None:
    """Return the conversion of a profile, None if it is sRGB or LittleCMS cannot use it.

    Relative colorimetric with black point compensation.
    """
    mode = MODES.get(profile[16:20])
    if mode is None:
        return None
    try:
        transform = ImageCms.buildTransform(
            ImageCms.ImageCmsProfile(io.BytesIO(profile)),
            SRGB,
            mode,
            "RGB",
            ImageCms.Intent.RELATIVE_COLORIMETRIC,
            ImageCms.Flags.BLACKPOINTCOMPENSATION,
        )
        colours = Colours(transform, mode)
        return None if changes_little(colours) else colours
    except (ImageCms.PyCMSError, OSError, ValueError, TypeError) as error:
        logger.info("A colour profile is ignored, because it cannot be used: %s", error)
        return None


def changes_little(colours: Colours) -> bool:
    """Return whether a conversion from RGB changes no colour by more than two levels."""
    if colours.mode != "RGB":
        return False
    steps = range(0, 256, 51)
    grid = bytes(chain.from_iterable(product(steps, repeat=3)))
    before = Image.frombytes("RGB", (len(grid) // 3, 1), grid)
    after = colours.to_srgb(before).tobytes()
    return max(abs(one - other) for one, other in zip(grid, after, strict=True)) <= 2
