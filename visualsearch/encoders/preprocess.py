"""Turn an upright RGB image into the input of a model.

Serving and the training code (``ml_models/lab``) both call :func:`prepare`. The differences between
models are data in ``model.json``, never code.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

RESAMPLE = {
    "bilinear": Image.Resampling.BILINEAR,
    "bicubic": Image.Resampling.BICUBIC,
    "box": Image.Resampling.BOX,
}
FITS = ("squash", "pad", "crop")


@dataclass(frozen=True, kw_only=True)
class InputSpec:
    """The image input of a model.

    ``size``: side of the square, pixels. ``layout``: ``NHWC`` or ``NCHW``. ``dtype``: ``uint8``
    (normalisation is inside the graph) or ``float32`` (``(pixel / 255 - mean) / std`` is done
    here). ``resample``: a key of :data:`RESAMPLE`. ``fit``: how a rectangle becomes a square,
    ``squash`` (aspect ratio lost, nothing cut), ``pad`` (with white) or ``crop`` (the middle).
    """

    size: int
    layout: str = "NHWC"
    dtype: str = "uint8"
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    resample: str = "bilinear"
    fit: str = "squash"

    def __post_init__(self) -> None:
        """Raise ValueError for values that :func:`prepare` does not support."""
        if not 16 <= self.size <= 2048:
            raise ValueError(f"input size {self.size} is outside 16…2048")
        for name, allowed in (
            ("layout", ("NHWC", "NCHW")),
            ("dtype", ("uint8", "float32")),
            ("resample", tuple(RESAMPLE)),
            ("fit", FITS),
        ):
            if getattr(self, name) not in allowed:
                raise ValueError(f"input {name} must be one of {', '.join(allowed)}")


def square(image: Image.Image, spec: InputSpec) -> Image.Image:
    """Resize an RGB image to ``spec.size`` × ``spec.size`` pixels."""
    resample, size = RESAMPLE[spec.resample], spec.size
    width, height = image.size
    if width == height == size:
        return image
    if spec.fit == "pad" and width != height:
        scale = size / max(width, height)
        inner = (max(1, round(width * scale)), max(1, round(height * scale)))
        canvas = Image.new("RGB", (size, size), (255, 255, 255))
        small = image.resize(inner, resample, reducing_gap=3.0)
        canvas.paste(small, ((size - inner[0]) // 2, (size - inner[1]) // 2))
        return canvas
    side = min(width, height)
    left, top = (width - side) / 2, (height - side) / 2
    box = (left, top, left + side, top + side) if spec.fit == "crop" else (0, 0, width, height)
    return image.resize((size, size), resample, box=box, reducing_gap=3.0)


def prepare(image: Image.Image, spec: InputSpec) -> NDArray[np.uint8] | NDArray[np.float32]:
    """Return the model input for an upright RGB image, in the spec's layout and dtype.

    Shape (size, size, 3) for ``NHWC``, (3, size, size) for ``NCHW``: without batch axis.
    """
    pixels = np.asarray(square(image, spec))
    if spec.dtype == "float32":
        mean, std = np.array(spec.mean, np.float32), np.array(spec.std, np.float32)
        pixels = (pixels.astype(np.float32) / 255 - mean) / std
    if spec.layout == "NCHW":
        pixels = pixels.transpose(2, 0, 1)
    return np.ascontiguousarray(pixels)
