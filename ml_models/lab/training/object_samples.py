"""Make pictures of several things, with the box and class of each, to train an object head."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

import numpy as np
from PIL import Image

from visualsearch.photos.decode import open_photo

from ..drawing.object_scenes import background, compose
from ..drawing.painting import Random, Size
from ..drawing.person import person
from ..drawing.things import blob, relit, varied, worn_thing
from ..photos.boxes import GarmentBox

Place = tuple[float, float, float, float]
UNKNOWN = ""

# Probability of 1 to 5 things in a scene, and the area of their boxes as shares of the scene's.
COUNTS = (0.15, 0.25, 0.25, 0.25, 0.1)
AREAS = ((0.1, 0.9), (0.07, 0.4), (0.06, 0.28), (0.05, 0.2), (0.04, 0.15))
SIZES: tuple[Size, ...] = ((288, 288), (256, 324), (324, 256), (240, 360))
MOST_COVERED = 0.12
# Shares of things that are blobs, and that a drawn person wears.
BLOBS, WORN = 0.2, 0.25
# Least share of a box that must stay in a view of its photo.
VISIBLE = 0.45
# Drawn people of other commands have other seeds.
PEOPLE = 700_000


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A picture, and the class and box of each thing in it; x, y, w, h in fractions of it."""

    image: Image.Image
    things: list[tuple[str, Place]]


Cut = tuple[str, Image.Image]
"""Class of a thing, and its RGBA image."""


def scene_sample(cuts: Sequence[Cut], rng: Random) -> Sample:
    """Return one to five things on a background."""
    size = SIZES[int(rng.integers(len(SIZES)))]
    while True:
        count = int(rng.choice(len(COUNTS), p=COUNTS)) + 1
        picked = [some_thing(cuts, rng) for _ in range(count)]
        areas = rng.uniform(*AREAS[count - 1], count).tolist()
        things = [thing for _, thing in picked]
        made = compose(things, areas, background(size, rng), rng, MOST_COVERED)
        if made:
            labels = (label for label, _ in picked)
            return Sample(image=made.image, things=list(zip(labels, made.boxes, strict=True)))


def some_thing(cuts: Sequence[Cut], rng: Random) -> Cut:
    """Return a random thing, varied; a blob has the class :data:`UNKNOWN`."""
    label, thing = cuts[int(rng.integers(len(cuts)))]
    chance = rng.random()
    if chance < BLOBS:
        label, thing = UNKNOWN, blob(thing, rng)
    elif chance < BLOBS + WORN:
        label, thing = worn_thing(rng)
    return label, varied(thing, rng)


def drawn_sample(seed: int, rng: Random) -> Sample:
    """Return a drawn person, in half of the pictures a part of one."""
    drawn = person(PEOPLE + seed)
    across, down = drawn.image.size
    things = [
        (each.label, (left / across, top / down, (right - left) / across, (bottom - top) / down))
        for each in drawn.garments
        for left, top, right, bottom in [each.box]
    ]
    whole = Sample(image=drawn.image, things=things)
    return view(whole, rng, 0.5) if rng.random() < 0.5 else whole


def photo_sample(boxes: Sequence[GarmentBox], rng: Random) -> Sample:
    """Return a view of a photo; ``boxes``: all garments in it."""
    image = open_photo(boxes[0].image.read_bytes()).image
    sample = Sample(image=image, things=[(box.label, box.place) for box in boxes])
    if rng.random() < 0.7:
        sample = view(sample, rng, 0.55)
    if rng.random() < 0.5:
        mirrored = sample.image.transpose(Image.Transpose.FLIP_LEFT_RIGHT)
        things = [(label, (1 - x - w, y, w, h)) for label, (x, y, w, h) in sample.things]
        sample = Sample(image=mirrored, things=things)
    return Sample(image=relit(sample.image, rng), things=sample.things)


def view(sample: Sample, rng: Random, least: float) -> Sample:
    """Return a random part of a picture, each side at least ``least`` of the picture's."""
    w, h = rng.uniform(least, 1, 2).tolist()
    x, y = rng.random() * (1 - w), rng.random() * (1 - h)
    across, down = sample.image.size
    ends = (x * across, y * down, (x + w) * across, (y + h) * down)
    left, top, right, bottom = (int(end) for end in ends)
    inside = ((label, within(box, (x, y, w, h))) for label, box in sample.things)
    return Sample(
        image=sample.image.crop((left, top, right, bottom)),
        things=[(label, box) for label, box in inside if box],
    )


def within(box: Place, part: Place) -> Place | None:
    """Return a box in fractions of a part of the picture; None if too little of it is visible."""
    low = np.maximum(box[:2], part[:2])
    high = np.minimum(np.add(box[:2], box[2:]), np.add(part[:2], part[2:]))
    seen = np.maximum(high - low, 0)
    if seen.prod() < VISIBLE * box[2] * box[3]:
        return None
    (x, y), (w, h) = ((low - part[:2]) / part[2:]).tolist(), (seen / part[2:]).tolist()
    return x, y, w, h


Boxed = Sequence[Sequence[GarmentBox]]
"""The garments of each photo."""
Maker = Callable[[Random], Sample]


def makers(
    cuts: Sequence[Cut], drawn: int, photos: Sequence[tuple[Boxed, int]], scenes: int
) -> list[Maker]:
    """Return a function for each sample: of ``scenes``, ``drawn`` people, and views of photos.

    ``photos``: the garments of each photo of a set, and how many views to make of the set.
    """
    made: list[Maker] = [partial(scene_sample, cuts)] * scenes
    made += [partial(drawn_sample, seed) for seed in range(drawn)]
    for boxes, views in photos:
        turns = range(views if boxes else 0)
        made += [partial(photo_sample, boxes[k % len(boxes)]) for k in turns]
    return made
