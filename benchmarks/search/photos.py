"""Make photos as shoppers send them: the demo catalog's photos at a phone's size and noise.

In half of them the garment fills the picture, in half it is a part of it. Sensor noise is what
makes a phone's file large, so noise is added until the file has a realistic size; decoding time,
which grows with the file size, is then realistic too.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image, ImageFilter, ImageOps

from benchmarks.search.places import HOME, MEGAPIXELS
from shop.demo_catalog import pictures

COUNT = 12
"""Photos of each size."""
VERSION = 2
QUALITY = 88
# Pixels of a scene before it is resized.
SCENE = (1200, 1600)
SIZES = {"0.3": (480, 640), "1": (864, 1152), "4": (1728, 2304), "12": (3024, 4032)}
# Bytes of a file, ± one sixth.
BYTES = {"0.3": 100_000, "1": 300_000, "4": 1_250_000, "12": 3_500_000}


def made(source: Path | None = None) -> dict[str, list[str]]:
    """Return the paths of JPEG photos by megapixels; make them on first use.

    ``source``: a folder of real photos to resize; None: the demo's photos with noise.
    """
    name = "photos"
    if source is not None:
        name += f"-{hashlib.sha256(str(source.resolve()).encode()).hexdigest()[:8]}"
    folder = HOME / f"{name}-{VERSION}"
    done = folder / "photos.json"
    if not done.exists():
        folder.mkdir(parents=True, exist_ok=True)
        files = [] if source is None else chosen(source)
        with ProcessPoolExecutor() as pool:
            jobs = [(folder, number, files) for number in range(COUNT)]
            list(pool.map(write, *zip(*jobs, strict=True)))
        done.write_text(json.dumps({"source": str(source or "demo"), "count": COUNT}))
    return {
        size: [str(path(folder, size, number)) for number in range(COUNT)] for size in MEGAPIXELS
    }


def chosen(source: Path) -> list[Path]:
    """Return 12 photos spread evenly over those in a folder; exit if there are none."""
    suffixes = (".jpg", ".jpeg", ".png", ".webp")
    files = sorted(each for each in source.rglob("*") if each.suffix.lower() in suffixes)
    if not files:
        raise SystemExit(f"no photo in {source}")
    return [files[number * len(files) // COUNT] for number in range(COUNT)]


def path(folder: Path, size: str, number: int) -> Path:
    """Return the path of photo ``number`` at ``size`` megapixels."""
    return folder / f"{size}mp-{number:02}.jpg"


def write(folder: Path, number: int, files: list[Path]) -> None:
    """Write photo ``number`` in every size.

    ``files``: the real photos; empty: use the demo's.
    """
    if files:
        with Image.open(files[number]) as opened:
            scene = ImageOps.exif_transpose(opened).convert("RGB")
    else:
        scene = demo_scene(number)
    for size, data in in_sizes(scene, number, grainy=not files):
        path(folder, size, number).write_bytes(data)


def demo_scene(number: int) -> Image.Image:
    """Return photo ``number`` made from the demo catalog, 1200 × 1600 pixels.

    The garment fills it if ``number`` is even; otherwise it is on a blurred background.
    """
    files = pictures()
    with Image.open(files[number * len(files) // COUNT]) as opened:
        photo = ImageOps.fit(opened.convert("RGB"), SCENE, Image.Resampling.LANCZOS)
    if number % 2 == 0:
        return photo
    rng = np.random.default_rng([7, number])
    share = rng.uniform(0.45, 0.65)
    small = photo.resize((round(SCENE[0] * share), round(SCENE[1] * share)))
    scene = photo.filter(ImageFilter.GaussianBlur(120))
    left = round(rng.uniform(0, SCENE[0] - small.width))
    top = round(rng.uniform(0, SCENE[1] - small.height))
    scene.paste(small, (left, top))
    return scene


def in_sizes(scene: Image.Image, number: int, *, grainy: bool) -> Iterator[tuple[str, bytes]]:
    """Yield (megapixels, JPEG bytes) of a scene for every size.

    ``grainy``: resize it to a phone's format and add noise, seeded by ``number``; otherwise keep
    its aspect ratio.
    """
    for size in MEGAPIXELS:
        width, height = SIZES[size]
        if not grainy:
            scale = (width * height / (scene.width * scene.height)) ** 0.5
            width, height = round(scene.width * scale), round(scene.height * scale)
        image = scene.resize((width, height), Image.Resampling.LANCZOS)
        wanted = BYTES[size] * (1 + (number % 5 - 2) / 12)
        yield size, (grained(image, number, wanted) if grainy else jpeg(image))


def grained(image: Image.Image, seed: int, wanted: float) -> bytes:
    """Return a JPEG with enough noise added to be about ``wanted`` bytes long."""
    pixels = np.asarray(image, np.float32)
    rng = np.random.default_rng(seed)
    noise = rng.standard_normal(pixels.shape, np.float32)
    low, high = 0.0, 24.0
    data = b""
    for _ in range(6):
        middle = (low + high) / 2
        noisy = (pixels + noise * middle).clip(0, 255).astype(np.uint8)
        data = jpeg(Image.fromarray(noisy))
        low, high = (middle, high) if len(data) < wanted else (low, middle)
    return data


def jpeg(image: Image.Image) -> bytes:
    """Return an image as JPEG bytes of quality 88."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
