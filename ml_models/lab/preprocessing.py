"""Measure what changing photos before the model sees them gives.

    python -m ml_models.lab.preprocessing --model DIR --data VALIDATION
        [--catalog NAME=CATALOG,QUERIES]

Each change is made to all photos, of customers and of the catalog alike: classes are told of
``--data``, also with the light of each photo changed, and the queries of each catalog are searched
for. Then pictures of the catalog alone are seen twice, and their embeddings added.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from visualsearch.encoders.base import Encoding
from visualsearch.encoders.onnx import OnnxEncoder
from visualsearch.photos import open_photo

from .distortions import distorted
from .evaluate import list_photos
from .parents import ParentEncoder
from .report import catalog
from .retrieval import figures, retrieval, search

# Mean of the luma that exposure is brought to, in 0…255, and the most that a pixel is multiplied.
MIDDLE, MOST_GAIN = 118.0, 2.5
# The order of the mean in shades of grey.
NORM = 6
# Percent of the pixels at each end that contrast ignores.
CUT_OFF = 1.0

# What the middle of a photo leaves out on each side, as a share of it.
EDGE = 0.12

Change = Callable[[Image.Image], Image.Image]


def plain(image: Image.Image) -> Image.Image:
    """Return the photo as it is."""
    return image


def contrast(image: Image.Image) -> Image.Image:
    """Stretch brightness so that it reaches from black to white; colours keep their tone."""
    return ImageOps.autocontrast(image, CUT_OFF, preserve_tone=True)


def exposure(image: Image.Image) -> Image.Image:
    """Multiply all pixels so that their mean brightness is medium."""
    mean = float(np.asarray(image.convert("L")).mean())
    gain = float(np.clip(MIDDLE / max(mean, 1.0), 1 / MOST_GAIN, MOST_GAIN))
    return scaled(image, [gain] * 3)


def white_balance(image: Image.Image) -> Image.Image:
    """Multiply each channel so that a high norm of all is the same.

    Source: Finlayson and Trezzi, "Shades of gray and colour constancy" (2004).
    """
    pixels = np.asarray(image, np.float64).reshape(-1, 3)
    norms = np.maximum((pixels**NORM).mean(0) ** (1 / NORM), 1.0)
    return scaled(image, (norms.mean() / norms).tolist())


def equalised(image: Image.Image) -> Image.Image:
    """Spread brightness evenly (histogram equalisation of the luma)."""
    luma, *chroma = image.convert("YCbCr").split()
    return Image.merge("YCbCr", (ImageOps.equalize(luma), *chroma)).convert("RGB")


def padded(image: Image.Image) -> Image.Image:
    """Make a photo square by bands of the mean colour of its border, so that its aspect is kept."""
    pixels = np.asarray(image)
    border = np.concatenate([pixels[0], pixels[-1], pixels[:, 0], pixels[:, -1]])
    red, green, blue = border.mean(0).round().astype(int).tolist()
    return ImageOps.pad(image, (max(image.size),) * 2, color=(red, green, blue))


def middle(image: Image.Image) -> Image.Image:
    """Cut the edges off."""
    (width, height), keep = image.size, 1 - EDGE
    return image.crop(
        (round(EDGE * width), round(EDGE * height), round(keep * width), round(keep * height))
    )


def scaled(image: Image.Image, gains: Sequence[float]) -> Image.Image:
    """Multiply the channels of an RGB image."""
    levels = np.arange(256)
    table = np.concatenate([(levels * gain).clip(0, 255).round() for gain in gains])
    return image.point(table.astype(int).tolist())


CHANGES: dict[str, Change] = {
    "as it is": plain,
    "contrast": contrast,
    "exposure": exposure,
    "white balance": white_balance,
    "equalised": equalised,
    "padded to a square": padded,
}
# How pictures of a catalog are seen a second time.
SECOND_LOOKS: dict[str, Change] = {"mirrored": ImageOps.mirror, "its middle": middle}


class Changed(ParentEncoder):
    """An encoder that sees changed photos; finer classes count for their parents."""

    def __init__(self, package: str, change: Change) -> None:
        super().__init__(package)
        self.change = change

    def encode(self, images: Sequence[Image.Image]) -> Encoding:
        """See :meth:`Encoder.encode`."""
        return super().encode([self.change(image) for image in images])


class SeenTwice(Changed):
    """An encoder that adds up the embeddings of a photo and of the changed photo."""

    def encode(self, images: Sequence[Image.Image]) -> Encoding:
        """See :meth:`Encoder.encode`; probabilities are those of the changed photo."""
        first = OnnxEncoder.encode(self, images).embeddings
        second = super().encode(images)
        both = first + second.embeddings
        both /= np.linalg.norm(both, axis=1, keepdims=True)
        return Encoding(embeddings=both, probabilities=second.probabilities)


def parse_args(argv: list[str] | None = None) -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--model", type=Path, required=True, help="folder with model.json")
    parser.add_argument("--data", type=Path, required=True, help="photos, a folder per class")
    parser.add_argument(
        "--catalog", type=catalog, action="append", default=[], metavar="NAME=CATALOG,QUERIES",
        help="a catalog and its labelled queries (CSV); repeatable",
    )  # fmt: skip
    parser.add_argument("--limit", type=int, metavar="N", help="at most N photos per class")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser.parse_args(argv)


def accuracies(encoder: OnnxEncoder, photos: Sequence[tuple[Path, int]]) -> dict[str, float]:
    """Return how often classes are right: of photos as they are, and with their light changed."""
    right = {"accuracy": 0, "changed_light": 0}
    for path, label in photos:
        image = open_photo(path.read_bytes()).image
        views = {"accuracy": image, "changed_light": distorted(image, "light")}
        for name, view in views.items():
            right[name] += int(encoder.encode([view]).probabilities[0].argmax() == label)
    return {name: round(count / len(photos), 4) for name, count in right.items()}


def preprocessing(
    model: Path,
    data: Path,
    catalogs: Sequence[tuple[str, tuple[Path, Path]]],
    limit: int | None = None,
) -> dict[str, dict[str, Any]]:
    """Return the figures of each change by its name; ``catalogs`` by theirs in each."""
    found: dict[str, dict[str, Any]] = {}
    for name, change in CHANGES.items():
        encoder = Changed(str(model), change)
        photos = list_photos(data, encoder.labels, limit, encoder.package.parents)
        found[name] = accuracies(encoder, photos) | {
            "catalogs": {each: retrieval(encoder, *paths)["sku"] for each, paths in catalogs}
        }
    plainly = ParentEncoder(str(model))
    for name, change in SECOND_LOOKS.items():
        twice = SeenTwice(str(model), change)
        found[f"catalog alone: and {name}"] = {
            "catalogs": {
                each: figures(search(plainly, *paths, sold_by=twice))["sku"]
                for each, paths in catalogs
            }
        }
    return found


def table(report: dict[str, dict[str, Any]]) -> str:
    """Return a Markdown table."""
    catalogs = list(next(iter(report.values()))["catalogs"])
    head = ["change", "class right", "in other light"]
    head += [f"{name} @1 / @5 / @10" for name in catalogs]
    lines = [f"| {' | '.join(head)} |", "|---|" + "--:|" * (len(head) - 1)]
    for name, row in report.items():
        shares = [row.get(key) for key in ("accuracy", "changed_light")]
        cells = [name, *("" if share is None else f"{share:.3f}" for share in shares)]
        for each in catalogs:
            recall = [row["catalogs"][each][f"recall@{k}"] for k in (1, 5, 10)]
            cells.append(" / ".join(f"{share:.3f}" for share in recall))
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> None:
    """Print the table."""
    args = parse_args(argv)
    report = preprocessing(args.model, args.data, args.catalog, args.limit)
    print(json.dumps(report) if args.json else table(report))


if __name__ == "__main__":
    main()
