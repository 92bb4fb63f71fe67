"""Compare the embeddings of one picture, stored in several colour spaces and formats."""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from benchmarks.photos.catalog import embedding_of, main_pictures
from benchmarks.search.report import table as markdown
from tests.helpers.pictures import encoded
from tests.helpers.profiles import cmyk_profile, converted
from visualsearch.photos.icc_profiles import make_profile, power, profile_of_codes

D50, D65 = (0.3457, 0.3585), (0.3127, 0.3290)
PROFILES: dict[str, bytes | None] = {
    "sRGB": None,
    "Display P3": profile_of_codes(12, 13),
    "Adobe RGB": make_profile(((0.64, 0.33), (0.21, 0.71), (0.15, 0.06), D65), power(2.2)),
    "ProPhoto": make_profile(
        ((0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001), D50), power(1.8)
    ),
}
# Options of the encoders, near their defaults.
FORMATS = {
    "JPEG": {"quality": 90},
    "PNG": {},
    "WEBP": {"quality": 90},
    "AVIF": {"quality": 85},
    "HEIF": {"quality": 85},
}
# As editors write photos: JPEG is the only one of the formats that holds CMYK.
CMYK = {"quality": 90}
Vector = NDArray[np.float32]


def cosines(image: Image.Image) -> Iterator[tuple[tuple[str, str], float, float]]:
    """Yield space and format of each file of an image, and two cosines.

    The cosines are those of the embedding of the file, and of the file without its profile, with
    the embedding of the picture as a PNG in sRGB.
    """
    wanted = embedding_of(encoded(image, "PNG"))
    for space, profile in PROFILES.items():
        pixels = converted(image, None, profile) if profile else image
        for kind, options in FORMATS.items():
            named = options | ({"icc_profile": profile} if profile else {})
            yield (space, kind), *compared(pixels, kind, named, options, wanted)
    inks, profile = image.convert("CMYK"), cmyk_profile()
    plain = encoded(converted(inks, profile, None), "PNG")
    named = CMYK | {"icc_profile": profile}
    yield ("CMYK", "JPEG"), *compared(inks, "JPEG", named, CMYK, embedding_of(plain))


def compared(
    pixels: Image.Image, kind: str, named: dict, plain: dict, wanted: Vector
) -> tuple[float, float]:
    """Return the cosines with ``wanted`` of files with the options ``named`` and ``plain``."""
    first, second = (
        float(embedding_of(encoded(pixels, kind, **options)) @ wanted) for options in (named, plain)
    )
    return first, second


def pictures(catalog: Path, count: int) -> Iterator[Image.Image]:
    """Yield so many pictures of a catalog, spread evenly, without transparency."""
    paths = list(main_pictures(catalog).values())
    for number in range(min(count, len(paths))):
        with Image.open(paths[number * len(paths) // min(count, len(paths))]) as opened:
            yield opened.convert("RGB")


def table(args: argparse.Namespace) -> int:
    """Print the cosines: mean and least of all pictures."""
    found: dict[tuple[str, str], list[tuple[float, float]]] = {}
    for image in pictures(args.catalog, args.photos):
        for key, managed, ignored in cosines(image):
            found.setdefault(key, []).append((managed, ignored))
    rows = []
    for (space, kind), values in found.items():
        managed, ignored = np.array(values).T
        cells = [f"{each:.4f}" for each in (managed.mean(), managed.min(), ignored.mean())]
        rows.append([space, kind.replace("HEIF", "HEIC"), *cells])
    head = ["space", "format", "mean cosine", "least", "mean if the profile is ignored"]
    print(f"{len(next(iter(found.values())))} pictures of {args.catalog.parent.name}\n")
    print(markdown(head, rows))
    return 0
