"""Compose scenes of two to four products, cut out of their catalog pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.photos.catalog import limits
from ml_models.lab.photos.distortions import busy_scene
from visualsearch.photos.crops import Crop
from visualsearch.photos.decode import open_photo

# Width and height of scenes in pixels.
SIZES = ((640, 640), (560, 720), (720, 560))
# Area of a product's box as a share of the scene, by the number of products.
AREAS = {2: (0.15, 0.35), 3: (0.12, 0.25), 4: (0.1, 0.18)}
# Longest side of a product as a share of the scene's.
LONGEST = 0.95
# Largest share of a product's box that another box may cover.
MOST_COVERED = 0.1
TRIES = 200
LANCZOS = Image.Resampling.LANCZOS
# Products are cut out at this size; whiter pixels that touch the border are background.
READ, WHITE = 400, 238


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A product in a scene: index in the catalog, and box x, y, w, h in fractions of the scene."""

    product: int
    box: Crop


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A composed picture and the products in it."""

    image: Image.Image
    products: tuple[Placed, ...]


@lru_cache(maxsize=None)
def cut_out(path: Path) -> Image.Image:
    """Return a catalog picture without its white background, cropped, RGBA."""
    image = open_photo(path.read_bytes(), limits=limits()).image
    image.thumbnail((READ, READ), LANCZOS)
    white = np.asarray(image).min(2) >= WHITE
    padded = Image.fromarray(np.pad(white, 1, constant_values=True).astype(np.uint8) * 255).copy()
    ImageDraw.floodfill(padded, (0, 0), 128)
    alpha = Image.fromarray((np.asarray(padded)[1:-1, 1:-1] != 128).astype(np.uint8) * 255)
    # Without specks and the white fringe.
    alpha = alpha.filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.MinFilter(3))
    image.putalpha(alpha)
    return image.crop(alpha.getbbox())


def compose(paths: Sequence[Path], seed: int) -> Scene:
    """Return the scene of a seed; ``paths``: the catalog's pictures."""
    rng = np.random.default_rng([seed, 77])
    size = SIZES[rng.integers(len(SIZES))]
    while True:
        count = int(rng.integers(2, 5))
        picked = rng.choice(len(paths), count, replace=False).tolist()
        cuts = [resized(cut_out(paths[k]), size, count, rng) for k in picked]
        places = arrange([cut.size for cut in cuts], size, rng)
        if places:
            break
    canvas = busy_scene(size, rng)
    for cut, (x, y, _, _) in zip(cuts, places, strict=True):
        canvas.paste(cut, (x, y), cut)
    boxes = [(x / size[0], y / size[1], w / size[0], h / size[1]) for x, y, w, h in places]
    products = (Placed(product=k, box=box) for k, box in zip(picked, boxes, strict=True))
    return Scene(image=canvas, products=tuple(products))


def resized(
    cut: Image.Image, scene: tuple[int, int], count: int, rng: np.random.Generator
) -> Image.Image:
    """Return a cut-out at its size in a scene of ``count`` products."""
    area = scene[0] * scene[1] * rng.uniform(*AREAS[count])
    scale = min(
        (area / (cut.width * cut.height)) ** 0.5,
        LONGEST * scene[0] / cut.width,
        LONGEST * scene[1] / cut.height,
    )
    return cut.resize((round(cut.width * scale), round(cut.height * scale)), LANCZOS)


def arrange(
    sizes: Sequence[tuple[int, int]], scene: tuple[int, int], rng: np.random.Generator
) -> list[tuple[int, int, int, int]] | None:
    """Place boxes of these sizes in a scene with little overlap; return x, y, w, h in pixels.

    None if no place was found for one.
    """
    placed: list[tuple[int, int, int, int]] = []
    for w, h in sizes:
        for _ in range(TRIES):
            x, y = (int(rng.integers(0, free + 1)) for free in (scene[0] - w, scene[1] - h))
            if all(apart((x, y, w, h), other) for other in placed):
                placed.append((x, y, w, h))
                break
        else:
            return None
    return placed


def apart(a: tuple[int, int, int, int], b: tuple[int, int, int, int]) -> bool:
    """Return whether two boxes cover at most :data:`MOST_COVERED` of the smaller one."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    return max(0, w) * max(0, h) <= MOST_COVERED * min(a[2] * a[3], b[2] * b[3])


def scenes(paths: Sequence[Path], seed: int, count: int) -> Iterator[Scene]:
    """Yield ``count`` scenes; seeds that are 100,000 apart share none."""
    for k in range(count):
        yield compose(paths, seed + k)
