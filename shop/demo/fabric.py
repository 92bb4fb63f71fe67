"""Fabric textures as seamless tiles, and helpers for float images."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageFilter

Floats = NDArray[np.float32]

SIZE = 192  # side of a texture tile, pixels
WEAVES = {
    "cotton": "fine",
    "jersey": "fine",
    "linen": "slub",
    "denim": "twill",
    "twill": "twill",
    "wool": "felt",
    "fleece": "felt",
    "knit": "knit",
    "corduroy": "cord",
    "leather": "grain",
    "suede": "felt",
    "canvas": "slub",
    "straw": "straw",
    "satin": "none",
    "nylon": "none",
    "rubber": "none",
    "viscose": "fine",
    "chiffon": "none",
}
GLOSS = {"satin": 0.55, "leather": 0.42, "nylon": 0.38, "rubber": 0.2, "chiffon": 0.15}
# Strength of creases by material; cotton is 1.
LIMPNESS = {"satin": 1.5, "linen": 1.35, "viscose": 1.25, "chiffon": 1.3, "nylon": 1.15}
STIFF = {"denim": 0.9, "wool": 0.6, "felt": 0.4, "leather": 0.75, "knit": 0.7, "straw": 0.1}
STIFF |= {"canvas": 0.4, "suede": 0.35, "fleece": 0.8, "corduroy": 0.8, "rubber": 0.0}


def limpness(material: str) -> float:
    return LIMPNESS.get(material, STIFF.get(material, 1.0))


def blurred(field: Floats, x: float, y: float) -> Floats:
    """Apply a periodic Gaussian blur with radii ``x`` and ``y`` in pixels; float32, same shape."""
    rows, columns = field.shape
    fy = np.fft.fftfreq(rows)[:, None] * y
    fx = np.fft.rfftfreq(columns)[None, :] * x
    soft = np.fft.irfft2(np.fft.rfft2(field) * np.exp(-19.74 * (fx**2 + fy**2)), s=field.shape)
    return soft.astype(np.float32)


def noise(rng: np.random.Generator, shape: tuple[int, int], x: float, y: float) -> Floats:
    """Return smooth periodic noise with features of about x by y pixels, float32, deviation 1."""
    soft = blurred(rng.standard_normal(shape, dtype=np.float32), x, y)
    return (soft - soft.mean()) / max(float(soft.std()), 1e-6)


@lru_cache(maxsize=64)
def weave(kind: str, scale: float) -> Floats:
    """Return a texture of mean about 1 at `scale` pixels per unit, float32 (SIZE, SIZE)."""
    rng = np.random.default_rng(7)
    shape = (SIZE, SIZE)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    grain = rng.standard_normal(shape, dtype=np.float32)
    if kind == "fine":
        return 1 + 0.010 * grain + 0.009 * noise(rng, shape, 0.7, 1.6)
    if kind == "slub":
        threads = noise(rng, shape, 9, 0.6) + noise(rng, shape, 0.6, 9)
        return 1 + 0.028 * threads + 0.012 * grain
    if kind == "twill":
        diagonal = np.sin(2 * np.pi * (x + y) / _period(0.62 * scale))
        return 1 + 0.045 * diagonal + 0.03 * noise(rng, shape, 0.6, 3) + 0.02 * grain
    if kind == "felt":
        return 1 + 0.03 * noise(rng, shape, 1.0, 1.0) + 0.025 * grain
    if kind == "grain":
        return 1 + 0.011 * noise(rng, shape, 1.2, 1.2) + 0.006 * grain
    return (1 + _bold(kind, x, y, scale) + 0.016 * grain).astype(np.float32)


def _bold(kind: str, x: Floats, y: Floats, scale: float) -> Floats:
    """Return the offsets (-0.2 to 0.2) of a texture that is visible from a distance."""
    if kind == "rib":
        return 0.11 * np.sin(2 * np.pi * x / _period(1.25 * scale))
    if kind == "cord":
        return 0.10 * np.sin(2 * np.pi * x / _period(1.0 * scale))
    if kind == "knit":
        wide, high = _period(1.5 * scale), _period(1.05 * scale)
        slant = np.abs((x / wide) % 1 - 0.5) * 1.1
        stitch = np.sin(2 * np.pi * (y / high + slant)) * 0.06
        return stitch - 0.09 * (np.cos(2 * np.pi * x / wide) > 0.86)
    if kind == "chunky":
        wide, high = _period(5.2 * scale), _period(3.2 * scale)
        slant = np.abs((x / wide) % 1 - 0.5) * 2.2
        cable = np.sin(2 * np.pi * (y / high + slant)) * 0.10
        return cable - 0.12 * (np.cos(2 * np.pi * x / wide) > 0.9)
    step = _period(2.0 * scale)
    over = ((x // step + y // step) % 2).astype(np.float32)
    across = np.where(over > 0, (x % step), (y % step)) / step
    return (0.16 * (np.sin(np.pi * across) - 0.62)).astype(np.float32)


def _period(pixels: float) -> float:
    """Return the nearest period that divides the tile an even number of times."""
    return SIZE / max(2, 2 * round(SIZE / pixels / 2))


def plane(colour: tuple[float, ...]) -> Floats:
    """Return a colour as float32 (3, 1, 1)."""
    return np.array(colour, np.float32)[:, None, None]


def merged(planes: Floats) -> Image.Image:
    """Convert float planes (3 or 4, h, w), 0 to 255, to an RGB or RGBA image."""
    return Image.merge(
        "RGB" if len(planes) == 3 else "RGBA",
        [Image.fromarray(one) for one in (planes + 0.5).clip(0, 255).astype(np.uint8)],
    )


def planes(image: Image.Image) -> Floats:
    """Convert an RGB image to planes, float32 (3, h, w), 0 to 255."""
    return np.stack([np.asarray(band, np.float32) for band in image.split()])


def soft_mask(mask: Image.Image, radius: float) -> Floats:
    """Blur a mask; return float32 in [0, 1]."""
    soft = mask.filter(ImageFilter.GaussianBlur(float(radius)))
    return np.asarray(soft, np.float32) / np.float32(255)


def enlarged(field: Floats, size: tuple[int, int]) -> Floats:
    """Resize a coarse field to (width, height), float32."""
    return np.asarray(Image.fromarray(field).resize(size, Image.Resampling.BILINEAR))


def shifted(field: Floats, down: int, right: int) -> Floats:
    """Shift a field down and right; its first row and column fill the gap."""
    return np.pad(field, ((down, 0), (right, 0)), mode="edge")[: field.shape[0], : field.shape[1]]


@lru_cache(maxsize=16)
def rumple(unit: float) -> Floats:
    """Return a periodic height map of crumpled cloth, float32 (256, 256); `unit` coarse pixels."""
    rng = np.random.default_rng(5)
    shape = (256, 256)
    wide, fine = noise(rng, shape, 5 * unit, 8 * unit), noise(rng, shape, 2.6, 3.4)
    return (wide * 0.7 + fine * 0.014).astype(np.float32)


def rumpled(unit: float, shape: tuple[int, int], rng: np.random.Generator) -> Floats:
    """Return a random piece of crumpled cloth's height map, float32, ``shape`` up to 512."""
    down, right = rng.integers(0, 256, 2)
    cloth = np.roll(rumple(unit), (down, right), axis=(0, 1))
    return np.tile(cloth, (2, 2))[: shape[0], : shape[1]]
