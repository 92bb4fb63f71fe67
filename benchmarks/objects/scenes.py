"""Find products in scenes of two to four, cut out of their catalog pictures."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFilter

from benchmarks.photos.catalog import encoder, limits
from ml_models.lab.drawing.object_scenes import compose
from ml_models.lab.drawing.painting import Random
from ml_models.lab.photos.distortions import busy_scene
from visualsearch.encoders.cells import Cells
from visualsearch.encoders.objects import Object, find_objects
from visualsearch.indexes.catalog_fit import Fit, fit
from visualsearch.photos.crops import Crop
from visualsearch.photos.decode import open_photo

# Width and height of scenes in pixels.
SIZES = ((640, 640), (560, 720), (720, 560))
# Area of a product's box as a share of the scene, by the number of products.
AREAS = {2: (0.15, 0.35), 3: (0.12, 0.25), 4: (0.1, 0.18)}
# Largest share of a product's box that another box may cover.
MOST_COVERED = 0.1
# Products are cut out at this size; whiter pixels that touch the border are background.
READ, WHITE = 400, 238
# Least intersection over union of an object with the product that it finds.
ENOUGH = 0.5
# Part of a photo's sides that becomes a background.
CORNER = 0.25
FIRST = 5


@dataclass(frozen=True, kw_only=True)
class Scene:
    """A composed picture; ``products``: index in the catalog, and box x, y, w, h, of each."""

    image: Image.Image
    products: tuple[tuple[int, Crop], ...]


@cache
def cut_out(path: Path) -> Image.Image:
    """Return a catalog picture without its white background, cropped, RGBA."""
    image = open_photo(path.read_bytes(), limits=limits()).image
    image.thumbnail((READ, READ), Image.Resampling.LANCZOS)
    white = np.pad(np.asarray(image).min(2) >= WHITE, 1, constant_values=True)
    # ``fromarray`` shares its memory, which flood filling must not change.
    filled = Image.fromarray(white.astype(np.uint8) * 255).copy()
    ImageDraw.floodfill(filled, (0, 0), 128)
    alpha = Image.fromarray((np.asarray(filled)[1:-1, 1:-1] != 128).astype(np.uint8) * 255)
    # Without specks and the white fringe.
    alpha = alpha.filter(ImageFilter.MedianFilter(5)).filter(ImageFilter.MinFilter(3))
    image.putalpha(alpha)
    return image.crop(alpha.getbbox())


def background(size: tuple[int, int], floors: Sequence[Path], rng: Random) -> Image.Image:
    """Return a drawn busy background or, if there are ``floors``, the corner of such a photo."""
    if not floors:
        return busy_scene(size, rng)
    data = floors[int(rng.integers(len(floors)))].read_bytes()
    photo = open_photo(data, limits=limits()).image
    corner = (0, 0, photo.width * CORNER, photo.height * CORNER)
    return photo.resize(size, Image.Resampling.BICUBIC, box=corner)


def scene_of(paths: Sequence[Path], seed: int, floors: Sequence[Path] = ()) -> Scene:
    """Return the scene of a seed; ``paths``: the catalog's pictures; see :func:`background`."""
    rng = np.random.default_rng([seed, 77])
    size = SIZES[int(rng.integers(len(SIZES)))]
    while True:
        count = int(rng.integers(2, 5))
        picked = rng.choice(len(paths), count, replace=False).tolist()
        areas = rng.uniform(*AREAS[count], count).tolist()
        cuts = [cut_out(paths[k]) for k in picked]
        made = compose(cuts, areas, background(size, floors, rng), rng, MOST_COVERED)
        if made:
            products = tuple(zip(picked, made.boxes, strict=True))
            return Scene(image=made.image, products=products)


def scenes(
    paths: Sequence[Path], seed: int, count: int, floors: Sequence[Path] = ()
) -> Iterator[Scene]:
    """Yield ``count`` scenes of the seeds from ``seed`` on."""
    for k in range(count):
        yield scene_of(paths, seed + k, floors)


class Catalog:
    """Products to search, with the embeddings and the fit that the app's index has of them."""

    def __init__(self, paths: Sequence[Path]):
        self.paths = paths
        images = (open_photo(path.read_bytes(), limits=limits()).image for path in paths)
        vectors = np.concatenate([encoder().encode([image]).embeddings for image in images])
        self.fit: Fit = fit(vectors, encoder().parts)
        self.vectors = self.fit.apply(vectors)

    def rank(self, embedding: NDArray[np.float32], product: int) -> int:
        """Return how many products are more similar to an embedding (1, dim) than ``product``."""
        scores = self.vectors @ self.fit.apply(embedding)[0]
        return int((scores > scores[product]).sum())


@dataclass(frozen=True, kw_only=True)
class Result:
    """Whether a product of a scene was found.

    ``overlap``: the largest intersection over union with an object. ``rank``: of the product in the
    search with that object. ``true_rank``: in the search with the product's own box.
    """

    products: int
    area: float
    overlap: float
    rank: int
    true_rank: int

    @property
    def found(self) -> bool:
        """Whether an object has the product's box."""
        return self.overlap >= ENOUGH


def results_of(catalog: Catalog, scene: Scene, cells: Cells, objects: list[Object]) -> list[Result]:
    """Return what became of each product of a scene in which ``objects`` were found."""
    made = []
    for product, box in scene.products:
        overlap, best = max(
            ((iou(box, each.box), each.box) for each in objects), default=(0.0, box)
        )
        ranks = [
            catalog.rank(encoder().pool(cells, part).embeddings, product) for part in (best, box)
        ]
        made.append(
            Result(
                products=len(scene.products), area=box[2] * box[3], overlap=overlap,
                rank=ranks[0], true_rank=ranks[1],
            )
        )  # fmt: skip
    return made


def iou(a: Crop, b: Crop) -> float:
    """Return the intersection over union of two boxes x, y, w, h."""
    w = min(a[0] + a[2], b[0] + b[2]) - max(a[0], b[0])
    h = min(a[1] + a[3], b[1] + b[3]) - max(a[1], b[1])
    inner = max(0.0, w) * max(0.0, h)
    return inner / (a[2] * a[3] + b[2] * b[3] - inner)


def measure(
    paths: Sequence[Path], seed: int, count: int, floors: Sequence[Path] = ()
) -> tuple[list[Result], int]:
    """Return what became of the products of ``count`` scenes, and how many objects were found."""
    catalog, results, total = Catalog(paths), [], 0
    for scene in scenes(paths, seed, count, floors):
        _, cells = encoder().see(scene.image)
        assert cells is not None  # the shipped model has a region model
        objects = find_objects(encoder(), cells)
        total += len(objects)
        results += results_of(catalog, scene, cells, objects)
    return results, total


def summary(results: Sequence[Result]) -> list[str]:
    """Return a row of the table: products, found, and first five by found and by true box."""
    found = [each for each in results if each.found]
    first = [each.rank < FIRST for each in found]
    ideal = [each.true_rank < FIRST for each in results]
    return [
        str(len(results)),
        f"{len(found) / len(results):.3f}",
        f"{np.mean(first):.3f}" if first else "–",
        f"{np.mean(ideal):.3f}",
    ]
