"""Measure how well several things in one photo are found.

    python -m benchmarks.objects scenes CATALOG.csv … [--floors FOLDER] [--page FOLDER]
    python -m benchmarks.objects street BOXES.csv [--hold-out N] [--page FOLDER]
    python -m benchmarks.objects alone FOLDER
    python -m benchmarks.objects cost

- scenes: composed of two to four products, cut out of their catalog pictures, on busy backgrounds;
  each found product is searched for among all of them;
- street: garments of at least 5 % of the photo, on people;
- alone: photos of one thing, in which no objects should be found;
- cost: processor time for one photo.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from benchmarks.objects import page, scenes, street
from benchmarks.photos.catalog import encoder, limits, main_pictures
from benchmarks.search.report import table
from ml_models.lab.drawing.person import person
from visualsearch.encoders.cells import Cells
from visualsearch.encoders.objects import find_objects
from visualsearch.photos.decode import ACCEPTED_SUFFIXES, open_photo

# The object model's options were chosen with the scenes from seed 500,000 on.
SEED, COUNT = 100_000, 300
SHOWN = 60
# Headings of the boxes that the pages draw in red.
LOOSE = "those that overlap no product by .5"
STRAY = "those whose middle is on no garment"
CALLS = 2000


def parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.objects",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(required=True)
    composed = commands.add_parser("scenes")
    composed.add_argument("catalogs", type=Path, nargs="+", metavar="CATALOG.csv")
    composed.add_argument("--seed", type=int, default=SEED)
    composed.add_argument("--count", type=int, default=COUNT)
    composed.add_argument(
        "--floors", type=Path, help="photos whose upper left corners are the backgrounds"
    )
    composed.add_argument("--page", type=Path, help="folder for pictures, such as .data/objects")
    composed.set_defaults(run=run_scenes)
    people = commands.add_parser("street")
    people.add_argument("boxes", type=Path, metavar="BOXES.csv")
    people.add_argument("--hold-out", type=int, default=3, metavar="N")
    people.add_argument(
        "--seen", action="store_true", help="the photos of training in place of those held out"
    )
    people.add_argument("--page", type=Path, help="folder for pictures, such as .data/street")
    people.set_defaults(run=run_street)
    alone = commands.add_parser("alone")
    alone.add_argument("folder", type=Path)
    alone.set_defaults(run=run_alone)
    commands.add_parser("cost").set_defaults(run=run_cost)
    return parser.parse_args()


def run_scenes(args: argparse.Namespace) -> None:
    """Print what share of the products is found, by number and area; draw the first scenes."""
    paths = [path for csv in args.catalogs for path in main_pictures(csv).values()]
    floors = photos_in(args.floors) if args.floors else []
    results, total = scenes.measure(paths, args.seed, args.count, floors)
    print(f"{args.count} scenes from seed {args.seed}, {len(paths)} products;", end=" ")
    print(f"{total / args.count:.2f} objects for {len(results) / args.count:.2f} products\n")
    groups = {"all": results}
    groups |= {f"{n} products": [r for r in results if r.products == n] for n in (2, 3, 4)}
    for low, high in ((0.0, 0.12), (0.12, 0.2), (0.2, 1.0)):
        name = f"{low:.0%} to {high:.0%} of the scene"
        groups[name] = [r for r in results if low <= r.area < high]
    head = ["", "products", "found", "of these, in the first five", "with the true box"]
    print(table(head, [[name, *scenes.summary(group)] for name, group in groups.items() if group]))
    if args.page:
        print(page.write(args.page, "Scenes", LOOSE, pictures_of(paths, floors, args)))


def pictures_of(
    paths: list[Path], floors: list[Path], args: argparse.Namespace
) -> list[tuple[page.Image.Image, str]]:
    """Return the first scenes with their boxes, and how many of their products are found."""
    made = []
    for scene in scenes.scenes(paths, args.seed, min(args.count, SHOWN), floors):
        objects = find_objects(encoder(), cells_of(scene.image))
        true = [box for _, box in scene.products]
        found = [
            (each, any(scenes.iou(each.box, box) >= scenes.ENOUGH for box in true))
            for each in objects
        ]
        hits = sum(
            any(scenes.iou(each.box, box) >= scenes.ENOUGH for each in objects) for box in true
        )
        made.append((page.drawn(scene.image, true, found), f"{hits} of {len(true)} found"))
    return made


def photos_in(folder: Path) -> list[Path]:
    """Return the photos below a folder, sorted."""
    return sorted(p for p in folder.rglob("*") if p.suffix.lower() in ACCEPTED_SUFFIXES)


def cells_of(image: page.Image.Image) -> Cells:
    """Return the cells of a picture by the shipped model."""
    _, cells = encoder().see(image)
    assert cells is not None  # the shipped model has a region model
    return cells


def run_street(args: argparse.Namespace) -> None:
    """Print the shares of garments found and of stray dots; draw all photos, the worst first."""
    photos = list(street.look(args.boxes, args.hold_out, not args.seen))
    found = street.figures(photos)
    rows = [[name, f"{value:.3f}" if value <= 1 else str(value)] for name, value in found.items()]
    print(table(["", ""], rows))
    if args.page:

        def missed(photo: street.Seen) -> int:
            strays = sum(photo.is_stray(each) for each in photo.objects)
            return strays + sum(photo.finder_of(each) is None for each in photo.wanted)

        pictures = []
        for photo in sorted(photos, key=missed, reverse=True):
            dots = [(each, not photo.is_stray(each)) for each in photo.objects]
            boxes = [garment.box for garment in photo.wanted]
            names = ", ".join(
                f"{each.label}{'' if photo.finder_of(each) else ' MISSED'}" for each in photo.wanted
            )
            pictures.append((page.drawn(photo.image, boxes, dots), f"{photo.name}: {names}"))
        print(page.write(args.page, "People in the street", STRAY, pictures))


def run_alone(args: argparse.Namespace) -> None:
    """Print in how many photos of one thing objects are found."""
    counts = []
    for path in photos_in(args.folder):
        image = open_photo(path.read_bytes(), limits=limits()).image
        counts.append(len(find_objects(encoder(), cells_of(image))))
    none = sum(count == 0 for count in counts)
    print(f"{len(counts)} photos of one thing; no objects in {none} ({none / len(counts):.3f})")


def run_cost(_: argparse.Namespace) -> None:
    """Print the processor time of one call, without the model's work before it."""
    cells = cells_of(person(0).image)
    costs = []
    for _number in range(CALLS):
        start = time.thread_time()
        count = len(find_objects(encoder(), cells))
        costs.append(1e3 * (time.thread_time() - start))
    costs.sort()
    print(f"{count} objects: least {costs[0]:.3f} ms, median {costs[CALLS // 2]:.3f} ms")


if __name__ == "__main__":
    arguments = parse_args()
    arguments.run(arguments)
