"""Distort RGB photos by a chosen amount: rotation, light, blur, JPEG, crop, clutter."""

from __future__ import annotations

import io
import math
import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter

SHAPES = 60


def rotation(image: Image.Image, degrees: float) -> Image.Image:
    """Rotate counter-clockwise, keeping the size; fill the corners with the mirrored photo."""
    # Black corners would affect the result more than the rotation.
    width, height = image.size
    pad = math.ceil((math.hypot(width, height) - min(width, height)) / 2)
    turned = mirrored(image, pad).rotate(degrees, Image.Resampling.BICUBIC)
    return turned.crop((pad, pad, pad + width, pad + height))


def mirrored(image: Image.Image, pad: int) -> Image.Image:
    """Extend the photo by ``pad`` pixels on every side, filled with its mirror image."""
    around = np.pad(np.asarray(image), ((pad, pad), (pad, pad), (0, 0)), mode="symmetric")
    return Image.fromarray(around)


def brightness(image: Image.Image, factor: float) -> Image.Image:
    """Multiply every pixel value by ``factor``; clip at 255."""
    return ImageEnhance.Brightness(image).enhance(factor)


def contrast(image: Image.Image, factor: float) -> Image.Image:
    """Multiply the difference of each pixel from the mean grey by ``factor``."""
    return ImageEnhance.Contrast(image).enhance(factor)


def blur(image: Image.Image, sigma: float) -> Image.Image:
    """Blur with a Gaussian; ``sigma`` is in pixels of the photo scaled to a shorter side of 256."""
    return image.filter(ImageFilter.GaussianBlur(sigma * min(image.size) / 256))


def jpeg(image: Image.Image, quality: float) -> Image.Image:
    """Compress as JPEG of ``quality`` 1…100 and decode again."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(quality))
    return Image.open(buffer).convert("RGB")


def crop(image: Image.Image, share: float) -> Image.Image:
    """Crop the centre to ``share`` (0…1) of the area, with the same aspect ratio."""
    width, height = image.size
    w, h = scaled(image.size, share)
    left, top = (width - w) // 2, (height - h) // 2
    return image.crop((left, top, left + w, top + h))


def clutter(image: Image.Image, share: float) -> Image.Image:
    """Shrink the photo to ``share`` (0…1) of its area and paste it into a drawn, busy background.

    The result has the photo's size. Background and position depend on the photo alone.
    """
    # Seed by the photo, so that scene and place are the same at every share and in every run.
    rng = np.random.default_rng(zlib.crc32(image.tobytes()))
    canvas = busy_scene(image.size, rng)
    small = image.resize(scaled(image.size, share), Image.Resampling.LANCZOS)
    free = np.subtract(image.size, small.size)
    x, y = (free * rng.random(2)).round().astype(int).tolist()
    canvas.paste(small, (x, y))
    return canvas


def scaled(size: tuple[int, int], share: float) -> tuple[int, int]:
    """Return (width, height) with ``share`` of the area of ``size`` and its aspect ratio."""
    side = math.sqrt(share)
    return max(1, round(size[0] * side)), max(1, round(size[1] * side))


def busy_scene(size: tuple[int, int], rng: np.random.Generator) -> Image.Image:
    """Draw a busy RGB picture: noise at three scales and random shapes.

    ``size``: (width, height) in pixels.
    """
    layers = [
        Image.fromarray(rng.integers(0, 256, (grain, grain, 3), dtype=np.uint8)).resize(
            size, Image.Resampling.BICUBIC
        )
        for grain in (4, 16, 64)
    ]
    canvas = Image.blend(Image.blend(layers[0], layers[1], 0.4), layers[2], 0.3)
    draw = ImageDraw.Draw(canvas)
    for _ in range(SHAPES):
        colour = tuple(rng.integers(0, 256, 3).tolist())
        centre = rng.random(2) * size
        # Many small shapes and a few large ones, like objects on a table.
        half = min(size) * (0.02 + 0.2 * rng.random(2) ** 2)
        box = (*(centre - half).tolist(), *(centre + half).tolist())
        kind = rng.integers(4)
        if kind == 0:
            draw.ellipse(box, fill=colour)
        elif kind == 1:
            draw.rectangle(box, fill=colour)
        elif kind == 2:
            corners = centre + (rng.random((5, 2)) * 2 - 1) * half
            draw.polygon([tuple(corner) for corner in corners.tolist()], fill=colour)
        else:
            draw.line(box, fill=colour, width=max(1, int(half[0] / 4)))
    return canvas


@dataclass(frozen=True, kw_only=True)
class Curve:
    """A distortion and the levels at which it is measured.

    ``levels``: values of the second argument of ``distort``; ``unit`` names their unit for a plot.
    """

    distort: Callable[[Image.Image, float], Image.Image]
    levels: tuple[float, ...]
    unit: str


# Levels go from mild to severe, or have the neutral one in the middle.
CURVES = {
    "rotation": Curve(distort=rotation, levels=(0, 10, 20, 30, 45, 90, 180), unit="degrees"),
    "brightness": Curve(distort=brightness, levels=(0.2, 0.4, 0.7, 1, 1.5, 2, 3), unit="factor"),
    "contrast": Curve(distort=contrast, levels=(0.2, 0.4, 0.7, 1, 1.5, 2, 3), unit="factor"),
    "blur": Curve(distort=blur, levels=(0, 1, 2, 3, 5, 8), unit="sigma, px of 256"),
    "jpeg": Curve(distort=jpeg, levels=(95, 75, 50, 30, 15, 5), unit="quality"),
    "crop": Curve(distort=crop, levels=(1, 0.8, 0.6, 0.4, 0.25), unit="share of the area kept"),
    "clutter": Curve(
        distort=clutter, levels=(1, 0.6, 0.5, 0.4, 0.3, 0.2), unit="share of the area covered"
    ),
}
