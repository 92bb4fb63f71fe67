"""Train the object model of a package, which finds several things in one photo.

    python -m ml_models.lab.objects --model ml_models/shopnet --data PHOTOS [--more CSV]
        [--boxes CSV] [--hold-out N]

The package's model does not change: a small head learns from its cells. The pictures are scenes of
things that are cut out of ``--data`` and ``--more``, these photos, drawn people, and street photos.
The command writes ``objects.onnx`` beside the model, and its entry in ``model.json``.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import replace
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from PIL import Image
from tqdm import tqdm

from visualsearch.encoders.cells import Cells
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.exceptions import PhotoError
from visualsearch.photos.decode import open_photo

from .drawing.things import thing_of
from .exceptions import Refused
from .networks.object_head import ObjectHead, middles
from .networks.onnx_files import check_head, write_graph
from .packages.model_json import OBJECTS, sha256
from .photos.boxes import GarmentBox, number_of, read_boxes
from .photos.sources import read_folder, read_more
from .training.object_samples import Cut, Maker, makers
from .training.object_training import Lessons, targets, train_head

# Options that ``model.json`` records.
RECIPE = ("scenes", "drawn", "street", "alone", "hold_out", "epochs", "seed")


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder with model.json")
    parser.add_argument("--data", type=Path, required=True, help="photos: a subfolder per class")
    parser.add_argument("--more", type=Path, metavar="CSV", help="more photos: image,label,kids")
    parser.add_argument("--boxes", type=Path, metavar="CSV", help="garments in street photos")
    parser.add_argument(
        "--hold-out", type=int, default=3, metavar="N",
        help="leave out the photos of --boxes whose number is divisible by N; 0: none",
    )  # fmt: skip
    parser.add_argument("--scenes", type=int, default=6500, help="number of composed scenes")
    parser.add_argument("--drawn", type=int, default=1200, help="number of drawn people")
    parser.add_argument("--street", type=int, default=2400, help="number of views of streets")
    parser.add_argument("--alone", type=int, default=2000, help="number of views of --data")
    parser.add_argument("--epochs", type=int, default=32)
    parser.add_argument("--seed", type=int, default=0)
    return parser.parse_args(argv)


def cut_outs(
    args: argparse.Namespace, labels: Sequence[str], parents: dict[str, str]
) -> tuple[list[Cut], list[list[GarmentBox]]]:
    """Return the things that can be cut out of ``--data`` and ``--more``, and their boxes."""
    found = read_folder(args.data) + (read_more(args.more) if args.more else [])
    cuts, boxes = [], []
    for example in tqdm(found, desc="Cutting out", disable=None):
        label = parents.get(example.label, example.label)
        if label not in labels:
            continue
        try:
            image = open_photo(example.image.read_bytes()).image
        except PhotoError:
            continue
        thing = thing_of(image, label)
        if thing is not None:
            cuts.append((label, thing.image))
            boxes.append([GarmentBox(image=example.image, label=label, place=thing.box)])
    if not cuts:
        raise Refused(f"nothing in {args.data} can be cut out: give photos of garments alone")
    return cuts, boxes


def street_photos(
    args: argparse.Namespace, labels: Sequence[str], parents: dict[str, str]
) -> list[list[GarmentBox]]:
    """Return the garments of each photo of ``--boxes`` that is not held out."""
    if args.boxes is None:
        return []
    boxes = read_boxes(args.boxes, labels, parents)
    photos = [list(group) for _, group in groupby(boxes, lambda box: box.image)]
    n = args.hold_out
    return [photo for photo in photos if not n or number_of(photo[0].image) % n]


def lessons_of(
    encoder: OnnxEncoder, made: Sequence[Maker], classes: Sequence[str], seed: int
) -> Lessons:
    """Make the samples, encode them, and return what the head should say of each."""
    cells, boxes, labels = [], [], []
    for k, make in enumerate(tqdm(made, desc="Encoding", disable=None)):
        sample = make(np.random.default_rng([seed, k]))
        seen = cells_of(encoder, sample.image)
        cells.append(replace(seen, values=seen.values.astype(np.float16)))
        numbered = [(classes.index(name) if name else -1, box) for name, box in sample.things]
        points = middles(*(ObjectHead.points(n) for n in seen.shape))
        box, label = targets(numbered, points)
        boxes.append(box)
        labels.append(label)
    return Lessons(
        cells=torch.from_numpy(np.stack([each.values for each in cells])),
        colours=torch.from_numpy(np.stack([each.colours for each in cells])),
        saliency=torch.from_numpy(np.stack([each.saliency.astype(np.float16) for each in cells])),
        boxes=torch.stack(boxes),
        labels=torch.stack(labels),
    )


def cells_of(encoder: OnnxEncoder, image: Image.Image) -> Cells:
    """Return the cells of a picture; raise Refused if the package makes none."""
    _, cells = encoder.see(image)
    if cells is None:
        raise Refused(f"{encoder.id} has no region model, and so no cells to learn from")
    return cells


def describe(folder: Path, args: argparse.Namespace) -> None:
    """Write the entry of ``objects.onnx`` into ``model.json``, with the options of the training."""
    path = folder / "model.json"
    described = json.loads(path.read_text("utf-8"))
    options = {name: getattr(args, name) for name in RECIPE}
    file = folder / OBJECTS
    described["objects"] = {"file": file.name, "sha256": sha256(file), "recipe": options}
    path.write_text(json.dumps(described, indent=2) + "\n", "utf-8")


def main(argv: list[str] | None = None) -> None:
    """Train an object model, and add it to the package."""
    args = parse_args(argv)
    torch.manual_seed(args.seed)
    encoder = OnnxEncoder(args.model)
    parents = encoder.package.parents
    classes = [label for label in encoder.labels if label not in parents]
    cuts, alone = cut_outs(args, classes, parents)
    streets = street_photos(args, classes, parents)
    views = [(alone, args.alone), (streets, args.street)]
    made = makers(cuts, args.drawn, views, args.scenes)
    lessons = lessons_of(encoder, made, classes, args.seed)
    head = ObjectHead(lessons.cells.shape[3], classes, encoder.labels)
    for epoch, loss in enumerate(train_head(head, lessons, args.epochs), 1):
        print(f"epoch {epoch} of {args.epochs}: loss {loss:.3f}", flush=True)
    path = args.model / OBJECTS
    example = (lessons.cells[:16].float(), lessons.colours[:16], lessons.saliency[:16].float())
    write_graph(head, example, path)
    worst = check_head(head, path, example)
    describe(args.model, args)
    print(f"{path}: {path.stat().st_size / 1e3:.0f} kB, differs from PyTorch by {worst:.1e}")


if __name__ == "__main__":
    try:
        main()
    except Refused as error:
        sys.exit(f"objects: {error}")
