"""Draw a sheet of photographed garments, each beside a drawn person who wears it.

    python -m ml_models.lab.composites --data PHOTOS --out SHEET.png [--count N] [--seed N]

Such pairs teach a network to match a worn garment with the same one alone. No photo of a person is
used.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from PIL import Image

from visualsearch.photos.decode import ACCEPTED_SUFFIXES, open_photo

from .drawing.contact_sheet import sheet
from .drawing.person import SIZE
from .drawing.try_on import WEARABLE, worn_pair


def main(argv: list[str] | None = None) -> None:
    """Write the sheet of pairs to ``--out``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="photos: a subfolder per class")
    parser.add_argument("--out", type=Path, required=True, help="PNG file to write")
    parser.add_argument("--count", type=int, default=20, help="number of photos to try")
    parser.add_argument("--seed", type=int, default=0, help="seed of the first person")
    args = parser.parse_args(argv)
    classes = [label for label in WEARABLE if (args.data / label).is_dir()]
    rng = np.random.default_rng(args.seed)
    made: list[Image.Image] = []
    for k in range(args.count):
        label = classes[k % len(classes)]
        paths = sorted(p for p in (args.data / label).iterdir() if p.suffix in ACCEPTED_SUFFIXES)
        image = open_photo(paths[int(rng.integers(len(paths)))].read_bytes()).image
        pair = worn_pair(image, label, args.seed + k)
        if pair:
            alone = Image.new("RGB", SIZE)
            image.thumbnail(SIZE)
            alone.paste(image)
            made += [alone, pair[0]]
    print(f"{len(made) // 2} of {args.count} photos could be cut out")
    sheet(made).save(args.out)


if __name__ == "__main__":
    main()
