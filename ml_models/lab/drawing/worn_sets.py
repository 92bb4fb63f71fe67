"""Put the garments of shop photos on drawn people, and write the pictures with a list of boxes."""

from __future__ import annotations

import csv
import multiprocessing
import os
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from tqdm import tqdm

from visualsearch.photos.decode import open_photo

from ..exceptions import Refused
from ..photos.label_sets import PARENTS, shop_set
from ..photos.sources import Example, Kind, Place
from .painting import Box
from .try_on import WEARABLE, worn_pair

SIZE = (400, 600)
LIST = "worn.csv"
COLUMNS = ("image", "alone", "label", "x", "y", "w", "h")
# Greatest number of photos per label, and repetitions of each; rare classes have more.
MOST = {"shoes": 80}
MOST_OF_OTHERS = 330
TIMES = {
    "shorts": 3, "skirt": 3, "dress": 2, "hat": 2, "hoodie": 2, "polo": 2, "undershirt": 2,
    "blazer": 2,
}  # fmt: skip
# Labels that are worn like a class of :data:`.try_on.WEARABLE`.
SHAPES = {**PARENTS, "top": "t-shirt", "body": "t-shirt", "blouse": "shirt"}


@dataclass(frozen=True, kw_only=True)
class Job:
    """A picture to draw: the photo of a garment alone, its label, and the file to write.

    ``seed`` decides the person who wears it.
    """

    alone: Path
    label: str
    seed: int
    target: Path


def make_worn(examples: Iterable[Example], folder: Path, seed: int, workers: int = 1) -> None:
    """Draw a person for each garment that can be cut out; write the pictures and ``worn.csv``.

    ``seed`` decides the choice of photos and the people; ``workers``: number of processes. The list
    is written last, so a folder without it is incomplete.
    """
    folder.mkdir(parents=True, exist_ok=True)
    jobs = plan(examples, folder, seed)
    rows = [row for row in tqdm(run_all(jobs, workers), total=len(jobs), desc="worn") if row]
    part = folder / f"{LIST}.part"
    with part.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([COLUMNS, *rows])
    part.replace(folder / LIST)


def plan(examples: Iterable[Example], folder: Path, seed: int) -> list[Job]:
    """Choose the garments to draw, the seed of each person and the files to write to ``folder``.

    Only photos of a garment alone in a wearable class are used: a limited number per label, rare
    labels several times. The same photos and seed give the same plan.
    """
    by_label: dict[str, list[Path]] = {}
    for example in examples:
        if example.kind is Kind.FLOOR and SHAPES.get(example.label, example.label) in WEARABLE:
            by_label.setdefault(example.label, []).append(example.image)
    chance = random.Random(seed)
    chosen = [
        (path, label)
        for label, paths in sorted(by_label.items())
        for path in some(sorted(paths), MOST.get(label, MOST_OF_OTHERS), chance)
        for _ in range(TIMES.get(label, 1))
    ]
    return [
        Job(alone=path, label=label, seed=seed + n, target=folder / f"{n:05d}.webp")
        for n, (path, label) in enumerate(chosen)
    ]


def some(paths: Sequence[Path], most: int, chance: random.Random) -> Sequence[Path]:
    """Return all paths, or a random sample of ``most`` if there are more."""
    return paths if len(paths) <= most else chance.sample(paths, most)


def run_all(jobs: Sequence[Job], workers: int) -> Iterable[tuple[str, ...] | None]:
    """Draw all jobs in ``workers`` processes; yield a row of ``worn.csv`` or None for each.

    The order is that of the jobs. None stands for a garment that cannot be cut out.
    """
    if workers < 2:
        yield from map(wear_one, jobs)
        return
    # Spawn, because a forked child of a multi-threaded process may hang.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, mp_context=context) as pool:
        yield from pool.map(wear_one, jobs, chunksize=8)


def wear_one(job: Job) -> tuple[str, ...] | None:
    """Draw and write one picture; return its row of ``worn.csv``.

    Return None if the garment cannot be cut out.
    """
    image = open_photo(job.alone.read_bytes()).image
    worn = worn_pair(image, SHAPES.get(job.label, job.label), job.seed, SIZE)
    if worn is None:
        return None
    picture, box = worn
    picture.save(job.target, "WEBP", quality=80, method=2)
    alone = os.path.relpath(job.alone.resolve(), job.target.parent.resolve())
    return (job.target.name, alone, job.label, *(f"{share:.5f}" for share in shares(box)))


def shares(box: Box) -> Place:
    """Convert a box (left, top, right, bottom) in pixels to fractions of a 400 × 600 picture.

    Return left, top, width, height, each 0…1.
    """
    (left, top, right, bottom), (width, height) = box, SIZE
    return left / width, top / height, (right - left) / width, (bottom - top) / height


def read_worn(folder: Path) -> list[Example]:
    """Read the examples that :func:`make_worn` wrote. Raises Refused if the list is missing."""
    path = folder / LIST
    if not path.is_file():
        raise Refused(f"{folder} is not finished: start the same command again")
    with path.open(newline="", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return [
        Example(
            image=folder / row["image"],
            kind=Kind.WORN,
            allowed=shop_set(row["label"]),
            label=row["label"],
            place=(float(row["x"]), float(row["y"]), float(row["w"]), float(row["h"])),
            alone=(folder / row["alone"]).resolve(),
        )
        for row in rows
    ]
