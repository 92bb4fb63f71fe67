"""Photos as shoppers send them: the demo catalog's drawings at a phone's size and noise.

In half of them the garment fills the picture, in half it is in a room. Sensor noise is what makes a
phone's file large, so noise is added until the file has a realistic size; decoding time, which
grows with the file size, is then realistic too.
"""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image, ImageOps

from benchmarks.search.places import HOME, MEGAPIXELS

COUNT = 12
"""Photos of each size."""
VERSION = 1
QUALITY = 88
SIZES = {"0.3": (480, 640), "1": (864, 1152), "4": (1728, 2304), "12": (3024, 4032)}
# Bytes of a file, ± one sixth.
BYTES = {"0.3": 100_000, "1": 300_000, "4": 1_250_000, "12": 3_500_000}


def made(source: Path | None = None) -> dict[str, list[str]]:
    """Return paths of JPEGs by megapixels, made on first use, from ``source``'s photos if given."""
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
        done.write_text(json.dumps({"source": str(source or "drawn"), "count": COUNT}))
    return {
        size: [str(path(folder, size, number)) for number in range(COUNT)] for size in MEGAPIXELS
    }


def chosen(source: Path) -> list[Path]:
    """Return ``COUNT`` photos spread evenly over those in a folder; exit if there are none."""
    suffixes = (".jpg", ".jpeg", ".png", ".webp")
    files = sorted(each for each in source.rglob("*") if each.suffix.lower() in suffixes)
    if not files:
        raise SystemExit(f"no photo in {source}")
    return [files[number * len(files) // COUNT] for number in range(COUNT)]


def path(folder: Path, size: str, number: int) -> Path:
    """Return the path of photo ``number`` at ``size`` megapixels."""
    return folder / f"{size}mp-{number:02}.jpg"


def write(folder: Path, number: int, files: list[Path]) -> None:
    """Write photo ``number`` in every size."""
    if files:
        with Image.open(files[number]) as opened:
            scene = ImageOps.exif_transpose(opened).convert("RGB")
    else:
        scene = drawn(number)
    for size, data in in_sizes(scene, number, grainy=not files):
        path(folder, size, number).write_bytes(data)


def drawn(number: int) -> Image.Image:
    """Draw a garment of the demo catalog; it fills the photo if ``number`` is even."""
    from shop.demo.photos import LARGE, customer_photo, photos

    lying = [one for one in photos() if one.product.kind not in ("shoes", "hat")]
    one = lying[number * len(lying) // COUNT]
    rng = np.random.default_rng([7, number])
    fill = rng.uniform(0.85, 1.05) if number % 2 == 0 else rng.uniform(0.35, 0.55)
    shift = tuple(float(each) for each in rng.uniform(-0.08, 0.08, 2))
    return customer_photo(
        replace(one, size=LARGE, fill=float(fill), shift=shift, blur=0.3, grain=0.0, orientation=1)
    )


def in_sizes(scene: Image.Image, number: int, *, grainy: bool) -> Iterator[tuple[str, bytes]]:
    """Yield the scene's size in megapixels and its JPEG bytes, for every size."""
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
    """Return the image as JPEG bytes at a phone's quality."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()
